/** The link of a new invite, for the person who sends it. */

import { inviteHash } from "../route.js";
import { text } from "../strings/strings.js";

/** Names and addresses with which a computer reaches itself (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3). */
const LOOPBACK = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/u;

/**
 * @param {string} code
 * @param {string} [page] address of this page
 * @returns {import("../settings/one_time_secret.js").SecretOptions} the link opens the registration with the code
 */
export function inviteSecret(code, page = location.href) {
  const link = new URL(inviteHash(code), page);
  return {
    title: text("welcome.link"),
    lead: text("welcome.link_lead"),
    lines: [link.href],
    warning: LOOPBACK.test(link.hostname) ? text("welcome.link_is_local") : undefined,
  };
}
