/** Rules of the page's style sheets: stylelint's standard set. `make check` fails on every warning. */

export default {
  extends: "stylelint-config-standard",
  rules: {
    "color-named": "never",
    "max-nesting-depth": 0,
    // Range notation (width <= 48rem) needs a browser of 2023.
    "media-feature-range-notation": "prefix",
    "property-no-vendor-prefix": [true, { ignoreProperties: ["-webkit-text-size-adjust"] }], // Safari has no other name for it
    "selector-max-id": 1,
  },
};
