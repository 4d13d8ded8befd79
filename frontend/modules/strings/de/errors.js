/** The errors in German. The server writes in English, so its errors are named by their code and field. */

/** @type {import("../strings.js").Texts} */
export const errors = {
  "error.unreachable": "Der Server ist nicht erreichbar. Prüfen Sie die Verbindung, und versuchen Sie es noch einmal.",
  "error.server_problem": "Der Server hat eine Störung. Versuchen Sie es gleich noch einmal.",
  "error.refused": "Der Server hat die Anfrage abgelehnt.",
  "error.no_answer": "Der Server hat nicht geantwortet.",
  "error.foreign_answer":
    "Etwas zwischen dieser Seite und dem Server hat an seiner Stelle geantwortet, zum Beispiel ein Proxy oder die Anmeldeseite eines Netzes. Prüfen Sie die Verbindung, und versuchen Sie es noch einmal.",
  "error.unusable_answer":
    "Die Seite kann mit der Antwort des Servers nichts anfangen. Laden Sie sie neu. Wenn das nicht hilft, sagen Sie einem Administrator Bescheid.",
  "error.other_user": "In diesem Browser hat sich ein anderer Benutzer angemeldet.",
  "error.retry_in": "{message} Neuer Versuch in {time}.",
  "error.empty_field": "Füllen Sie dieses Feld aus.",

  // -- By the code of the server --
  "error.bad_request": "Der Server nimmt diese Angabe nicht an. Er meldet: {message}",
  "error.bad_request.username": "Dieser Benutzername geht nicht. Der Server meldet: {message}",
  "error.bad_request.password":
    "Dieses Passwort geht nicht: es hat nicht 15 bis 256 Zeichen, enthält Steuerzeichen oder ist zu leicht zu erraten. Gut sind ein paar Wörter ohne Zusammenhang; ein Wort, das wiederkehrt, zählt einmal.",
  "error.bad_request.new_password":
    "Dieses Passwort geht nicht: es hat nicht 15 bis 256 Zeichen, enthält Steuerzeichen oder ist zu leicht zu erraten. Gut sind ein paar Wörter ohne Zusammenhang; ein Wort, das wiederkehrt, zählt einmal.",
  "error.bad_request.name": "Dieser Name geht nicht. Der Server meldet: {message}",
  "error.too_large": "Das ist zu lang.",
  "error.unauthenticated": "Der Benutzername oder das Passwort ist falsch.",
  "error.unauthenticated.totp": "Der Code ist falsch oder abgelaufen. Geben Sie den ein, den die App jetzt zeigt.",
  "error.second_factor_required": "Geben Sie den Code Ihrer Authentifizierungs-App ein.",
  "error.step_up_required": "Für diese Änderung ist Ihr Passwort nötig.",
  "error.forbidden": "Das ist nicht erlaubt. Der Server meldet: {message}",
  "error.forbidden.password": "Das Passwort ist falsch.",
  "error.forbidden.current_password": "Das bisherige Passwort ist falsch.",
  "error.forbidden.totp": "Der Code ist falsch oder abgelaufen. Geben Sie den ein, den die App jetzt zeigt.",
  "error.forbidden.code": "Der Code ist falsch oder abgelaufen. Geben Sie den ein, den die App jetzt zeigt.",
  "error.forbidden.invite": "Ein gültiger Einladungscode ist nötig. Fragen Sie einen Administrator.",
  "error.muted": "Ein Moderator hat Sie in diesem Raum stummgeschaltet.",
  "error.not_found": "Das gibt es nicht mehr, oder Sie dürfen es nicht sehen.",
  "error.conflict": "Das geht zurzeit nicht. Der Server meldet: {message}",
  "error.conflict.username": "Dieser Benutzername ist vergeben.",
  "error.conflict.name": "Ein anderer öffentlicher Raum heißt schon so. Wählen Sie einen anderen Namen.",
  "error.rate_limited": "Zu viele Versuche.",
  "error.unavailable": "Der Server kann das im Moment nicht. Versuchen Sie es bald noch einmal.",
  "error.internal": "Der Server hat eine Störung. Versuchen Sie es gleich noch einmal.",
};
