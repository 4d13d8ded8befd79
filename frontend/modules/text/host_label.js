/**
 * How the host of a link is shown. A host that could be read as another one is shown in punycode, as in the address bar
 * of a browser: https://www.аррӏе.com/ (Cyrillic) is shown as https://www.xn--80ak6aa92e.com/.
 *
 * The rules are stricter than those of browsers (Unicode Technical Standard #39, "Highly Restrictive"), which also know
 * the registries: a label that is shown in punycode without need is harmless.
 */

/** Latin as it is used by languages of Europe, Turkish, Vietnamese. Not: dotless ı, ĸ, ŀ, ŉ, ſ, which look like others. */
const LATIN = /^[-_\da-zß-öø-ÿā-İĲ-ķĹ-ľŁ-ňŊ-žơưșțạ-ỹ]+$/u;
/** East Asian labels mix these scripts. Not: a stroke that looks like a slash. */
const EAST_ASIAN =
  /^(?!.*[ノ丶丿〳〵])(?:[-\d々〆ー]|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Bopomofo}|\p{Script=Hangul})+$/u;
/** Their letters are not mistaken for Latin ones if the top-level domain has the same script. */
const SCRIPTS = [
  "Arabic", "Armenian", "Bengali", "Cyrillic", "Devanagari", "Ethiopic", "Georgian", "Greek", "Gujarati", "Gurmukhi",
  "Hebrew", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thaana", "Thai",
  "Tibetan",
].map((script) => new RegExp(String.raw`^(?:[-\d]|\p{Script_Extensions=${script}})+$`, "u")); // prettier-ignore
/** Cyrillic and Greek letters that look like Latin ones (UTS #39, confusables.txt): whole words can be made of them. */
const LOOKS_LATIN = /^[-\dавгеикмнорстухсъьѕіјһӏԁԛԝѡѵүαβγεηικνορτυχωϲϳ]+$/u;

/**
 * @param {string} host as it was written
 * @param {string} hostname of the URL: lower case, in punycode
 * @returns {string} the host as it was written, or the hostname
 */
export function hostLabel(host, hostname) {
  return isReadable(host) ? host : hostname;
}

/**
 * @param {string} host
 * @returns {boolean} whether the host cannot be read as another one
 */
function isReadable(host) {
  if (/^\p{ASCII}*$/u.test(host)) return true;
  const lowercase = host.toLowerCase();
  // Full-width letters, ligatures and composed forms stand for others.
  if (lowercase.normalize("NFKC") !== lowercase) return false;
  const labels = lowercase.split(".");
  const topLevel = labels.at(-1) ?? "";
  return labels.every((label) => isReadableLabel(label, topLevel));
}

/**
 * @param {string} label
 * @param {string} topLevel
 */
function isReadableLabel(label, topLevel) {
  if (LATIN.test(label) || EAST_ASIAN.test(label)) return true;
  return SCRIPTS.some((script) => script.test(label) && script.test(topLevel)) && !LOOKS_LATIN.test(label);
}
