/**
 * Make a client id for one message. The server accepts each (user, room, cid) once, so that sending again after a lost
 * reply never duplicates the message.
 *
 * @param {Pick<Crypto, "getRandomValues"> & Partial<Pick<Crypto, "randomUUID">>} [source]
 * @returns {string} a random UUID, version 4 (RFC 9562)
 */
export function newCid(source = globalThis.crypto) {
  // randomUUID exists only in secure contexts, and http:// in a local network is not one.
  if (typeof source.randomUUID === "function") return source.randomUUID();
  const bytes = source.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40; // version 4
  bytes[8] = (bytes[8] & 0x3f) | 0x80; // variant 10
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, "$1-$2-$3-$4-$5");
}
