/** The texts about the connection to the server and about messages that wait for it, in German. */

/** @type {import("../strings.js").Texts} */
export const connection = {
  "connection.connected": "Verbunden",
  "connection.connecting": "Wird verbunden…",
  "connection.reconnecting": "Neuer Versuch",
  "connection.offline": "Kein Netz. Neuer Versuch",
  "connection.paused": "Angehalten",
  "connection.disabled": "Gesperrt",
  "connection.in_seconds": " in {count} s…",
  "connection.now": " jetzt…",
  "connection.try_now": "Jetzt versuchen",
  "connection.try_again": "Noch einmal versuchen",
  "connection.continue_here": "Hier weitermachen",

  // -- Why there is no connection --
  "connection.reason.offline":
    "Dieses Gerät hat kein Netz. Was Sie schreiben, bleibt erhalten und wird gesendet, sobald es wieder eines hat.",
  "connection.reason.unreachable":
    "Der Server ist nicht erreichbar. Was Sie schreiben, bleibt erhalten und wird gesendet, sobald er es wieder ist.",
  "connection.reason.no_upgrade":
    "Der Server antwortet, aber die dauerhafte Verbindung kommt nicht zustande. Vielleicht lässt ein Proxy dazwischen WebSocket nicht durch (die Kopfzeilen „Upgrade“ und „Connection“), oder der Server erlaubt die Adresse dieser Seite nicht. Sagen Sie einem Administrator Bescheid. Die Seite versucht es weiter.",
  "connection.reason.protocol":
    "Diese Seite und der Server verstehen einander nicht. Laden Sie die Seite neu. Wenn das nicht hilft, sagen Sie einem Administrator Bescheid.",
  "connection.reason.account_disabled":
    "Dieses Konto ist gesperrt. Nachrichten können weder gesendet noch empfangen werden. Wenn das ein Irrtum ist, fragen Sie einen Administrator.",
  "connection.reason.too_many_places": "Der Chat ist an zu vielen Stellen offen, deshalb wurde er hier angehalten.",

  // -- Messages that wait --
  "outbox.full":
    "Zu viele Nachrichten sind noch nicht gesendet. Warten Sie, bis einige gesendet sind, oder entfernen Sie die fehlgeschlagenen.",
  "outbox.unconfirmed":
    "Die Verbindung brach ab, bevor der Server die Nachricht bestätigt hat. Prüfen Sie, ob sie angekommen ist, bevor Sie es noch einmal versuchen.",
};
