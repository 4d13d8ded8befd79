/** Rules of the page's JavaScript. `make check` fails on every warning. */

import js from "@eslint/js";
import globals from "globals";

/** Each of these turns a string into markup (OWASP ASVS 5.0, 3.2.2). */
const STRING_TO_MARKUP = ["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTMLUnsafe", "parseHTMLUnsafe", "srcdoc"];
const message = "Make elements with element() from modules/ui/dom.js.";

const WORKERS = ["frontend/service_worker.js", "config/service_worker_off.js"];

/** Each folder uses those before it. The conversation and the rooms use each other. */
const FOLDERS = [
  "net",
  ["ui", "passwords"],
  ["text", "emoji"],
  "windowed_list",
  ["chat", "rooms", "outbox", "offline", "tabs"],
  "composer",
  "conversation",
  "notifications",
  ["room_dialogs", "search", "settings", "sign_in"],
  "administration",
  "shell",
];

/** @param {string[]} folders whose modules must not be imported, also those of their subfolders */
function within(...folders) {
  return folders.map((folder) => `**/${folder}/**`);
}

/** @param {number} level folders of this level and above, counted from 0 */
function above(level) {
  return within(...FOLDERS.slice(level).flat());
}

/** What the modules of a folder must not import. */
const FORBIDDEN_IMPORTS = {
  "frontend/modules/*.js": above(0),
  "frontend/modules/strings/**/*.js": ["../*"],
  "frontend/modules/net/**/*.js": above(1),
  "frontend/modules/ui/**/*.js": above(2),
  "frontend/modules/passwords/**/*.js": above(2),
  "frontend/modules/text/**/*.js": above(3),
  "frontend/modules/emoji/**/*.js": above(3),
  "frontend/modules/windowed_list/**/*.js": above(2),
  "frontend/modules/chat/**/*.js": above(5),
  "frontend/modules/rooms/**/*.js": above(5),
  "frontend/modules/outbox/**/*.js": above(5),
  "frontend/modules/offline/**/*.js": above(5),
  "frontend/modules/tabs/**/*.js": above(5),
  "frontend/modules/composer/**/*.js": above(6),
  "frontend/modules/conversation/**/*.js": above(7),
  "frontend/modules/notifications/**/*.js": above(8),
  "frontend/modules/room_dialogs/**/*.js": within("settings", "sign_in", "administration", "shell"),
  "frontend/modules/search/**/*.js": within("settings", "sign_in", "administration", "shell"),
  "frontend/modules/settings/**/*.js": within(
    "chat",
    "outbox",
    "room_dialogs",
    "search",
    "sign_in",
    "administration",
    "shell",
  ),
  "frontend/modules/sign_in/**/*.js": above(2),
  "frontend/modules/administration/**/*.js": within("chat", "search", "sign_in", "shell"),
  "frontend/modules/shell/**/*.js": within("settings", "sign_in", "administration"),
};

export default [
  js.configs.recommended,
  { ignores: ["**/node_modules/**"] },
  { linterOptions: { reportUnusedDisableDirectives: "error", reportUnusedInlineConfigs: "error" } },
  {
    languageOptions: { ecmaVersion: 2025, sourceType: "module" },
    rules: {
      "array-callback-return": "error",
      "consistent-return": "error",
      curly: ["error", "multi-line"],
      "default-case-last": "error",
      eqeqeq: "error",
      "logical-assignment-operators": "error",
      "no-eval": "error",
      "no-extend-native": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-param-reassign": "error",
      "no-promise-executor-return": "error",
      "no-restricted-globals": ["error", "event", "name"],
      "no-restricted-properties": [
        "error",
        ...STRING_TO_MARKUP.map((property) => ({ property, message })),
        { object: "document", property: "write", message },
        { object: "document", property: "writeln", message },
      ],
      "no-restricted-syntax": [
        "error",
        { selector: "NewExpression[callee.name='DOMParser']", message },
        { selector: "MemberExpression[property.name='createContextualFragment']", message },
        { selector: "MemberExpression[property.name=/^createElement/]", message },
      ],
      "no-script-url": "error",
      "no-self-compare": "error",
      "no-shadow": "error",
      "no-template-curly-in-string": "error",
      "no-unreachable-loop": "error",
      "no-unused-vars": ["error", { varsIgnorePattern: "^_", argsIgnorePattern: "^_" }],
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-useless-assignment": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-object-has-own": "error",
      "prefer-regex-literals": "error",
      "require-unicode-regexp": "error",
    },
  },
  { files: ["frontend/**"], ignores: WORKERS, languageOptions: { globals: globals.browser } },
  { files: WORKERS, languageOptions: { sourceType: "script", globals: globals.serviceworker } },
  { files: ["tests/frontend/**"], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
  ...Object.entries(FORBIDDEN_IMPORTS).map(([files, group]) => ({
    files: [files],
    rules: { "no-restricted-imports": ["error", { patterns: [{ group, message: "See docs/subsystems/page.md." }] }] },
  })),
  { files: ["frontend/modules/ui/dom.js"], rules: { "no-restricted-syntax": "off" } },
  { files: ["config/**"], ignores: WORKERS, languageOptions: { globals: globals.node } },
];
