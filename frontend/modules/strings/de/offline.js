/** The texts about the page without a network, in German. */

/** @type {import("../strings.js").Texts} */
export const offline = {
  "offline.new_version": "Eine neue Version von cloudchat ist bereit.",
  "offline.reload": "Neu laden",
  "offline.no_network":
    "Sie sind offline. Was Sie schreiben, bleibt erhalten und wird gesendet, sobald Sie online sind.",
  "offline.no_network_since":
    "Sie sind offline. Sie sehen, was bis {time} geladen wurde. Was Sie schreiben, wird später gesendet.",
  "offline.no_server":
    "Der Server ist nicht erreichbar. Was Sie schreiben, bleibt erhalten und wird gesendet, sobald er wieder da ist.",
  "offline.no_server_since":
    "Der Server ist nicht erreichbar. Sie sehen, was bis {time} geladen wurde. Was Sie schreiben, wird später gesendet.",
};
