/** The advice about a new password is loaded when a form for one is first shown. */

/**
 * See `showPasswordHint` in password_hint.js. The advice is an offer: if it cannot be loaded, the server still says what
 * is wrong with a password.
 *
 * @param {Parameters<typeof import("./password_hint.js").showPasswordHint>[0]} options
 * @returns {Promise<() => void>} renders again
 */
export async function loadPasswordHint(options) {
  const loaded = await import("./password_hint.js").catch(() => null);
  return loaded?.showPasswordHint(options) ?? (() => {});
}
