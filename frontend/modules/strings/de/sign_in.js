/** The texts of the sign-in and the first steps, in German. */

/** @type {import("../strings.js").Texts} */
export const signIn = {
  "sign_in.title": "Willkommen bei cloudchat",
  "sign_in.welcome_back": "Willkommen zurück",
  "welcome.title": "Ihr Server ist bereit",
  "welcome.lead":
    "Sie sind sein Administrator. Laden Sie die erste Person ein: senden Sie ihr einen Link, der einmal gilt.",
  "welcome.create": "Einladungslink erzeugen",
  "welcome.later": "Später",
  "welcome.link": "Einladungslink",
  "welcome.link_lead":
    "Er öffnet die Registrierung mit ausgefülltem Code, gilt für eine Person und wird nur einmal gezeigt.",
  "welcome.link_is_local":
    "Dieser Link funktioniert nur auf diesem Computer, denn die Seite wurde unter einer Adresse des Computers selbst geöffnet. Für andere Personen stellen Sie cloudchat unter einer Adresse bereit, die sie erreichen (README, „A second person“), öffnen die Seite dort und erzeugen den Link dort.",
  "welcome.open": "Zum Chat",
  "sign_in.lead": "Melden Sie sich an, um mitzureden.",
  "sign_in.submit": "Anmelden",
  "sign_in.question": "Neu hier?",
  "sign_in.closed": "Neu hier? Fragen Sie einen Administrator nach einem Konto.",
  "sign_in.to_register": "Konto anlegen",
  "sign_in.username": "Benutzername",
  "sign_in.password": "Passwort",
  "sign_in.show_password": "Passwort zeigen",
  "sign_in.show": "Zeigen",
  "sign_in.hide": "Verbergen",
  "sign_in.password_rule": "Mindestens 15 Zeichen. Gut sind drei oder vier Wörter ohne Zusammenhang.",
  "password_hint.short": {
    one: "{count} Zeichen fehlt noch. Gut sind drei oder vier Wörter ohne Zusammenhang.",
    other: "{count} Zeichen fehlen noch. Gut sind drei oder vier Wörter ohne Zusammenhang.",
  },
  "password_hint.long": "Höchstens 256 Zeichen.",
  "password_hint.repeated": "Ein Wort, das wiederkehrt, zählt einmal. Ergänzen Sie ein anderes.",
  "password_hint.predictable":
    "Namen, Tastenreihen und Folgen wie 12345 werden zuerst geraten. Ergänzen Sie Wörter ohne Zusammenhang.",
  "password_hint.few_words": "Lang genug. Ein weiteres Wort ohne Zusammenhang macht es viel schwerer zu erraten.",
  "password_hint.good": "Gut: schwer zu erraten.",
  "sign_in.code": "Bestätigungscode",
  "sign_in.code_hint": "Aus Ihrer Authentifizierungs-App. Ein Wiederherstellungscode geht auch.",
  "sign_in.empty": "Geben Sie Benutzername und Passwort ein.",
  "sign_in.insecure":
    "Diese Seite ist nicht verschlüsselt (http). Im Netz kann jeder Ihr Passwort mitlesen, und der Browser behält Ihre Anmeldung nicht: nach einigen Minuten und bei jedem Neuladen werden Sie abgemeldet. Bitten Sie einen Administrator, https einzurichten.",

  // -- Registration --
  "register.title": "Konto anlegen",
  "register.lead": "Wählen Sie den Namen, den andere sehen.",
  "register.submit": "Konto anlegen",
  "register.question": "Haben Sie schon ein Konto?",
  "register.to_sign_in": "Anmelden",
  "register.invite": "Einladungscode",
  "register.invite_open": "Lassen Sie das Feld leer, wenn Sie keinen haben.",
  "register.invite_needed": "Ohne ihn können Sie kein Konto anlegen. Fragen Sie einen Administrator.",
  "register.invited": "Ihr Einladungscode ist schon eingetragen.",

  // -- A new password after a one-time password --
  "new_password.title": "Neues Passwort wählen",
  "new_password.lead": "Das Passwort, das Sie bekommen haben, ist nur für die erste Anmeldung. Wählen Sie ein eigenes.",
  "new_password.current": "Bisheriges Passwort",
  "new_password.next": "Neues Passwort",
  "new_password.submit": "Speichern und weiter",
  "new_password.current_missing": "Geben Sie das Passwort ein, das Sie bekommen haben.",
  "new_password.next_missing": "Geben Sie ein neues Passwort ein.",

  // -- Start and end of a session --
  "session.opening": "cloudchat wird geöffnet…",
  "session.try_again": "Noch einmal versuchen",
  "session.sign_out": "Abmelden",
  "session.unsent": {
    one: "{count} Nachricht ist noch nicht gesendet.",
    other: "{count} Nachrichten sind noch nicht gesendet.",
  },
  "session.drafts": {
    one: "{count} Entwurf ist nicht gesendet.",
    other: "{count} Entwürfe sind nicht gesendet.",
  },
  "session.discard": "In allen Tabs abmelden und das verwerfen?",
  "session.ended":
    "Sie wurden abgemeldet. Melden Sie sich wieder an, um weiterzumachen. Nicht gesendete Nachrichten bleiben erhalten.",
  "session.ended_in_other_tab":
    "Sie wurden in einem anderen Tab abgemeldet. Melden Sie sich wieder an, um weiterzumachen.",
  "session.end_unconfirmed":
    "In diesem Browser sind Sie abgemeldet, aber der Server hat es nicht bestätigt. Löschen Sie auf einem gemeinsamen Computer die Daten dieser Seite im Browser, oder beenden Sie diese Sitzung in den Einstellungen auf einem anderen Gerät.",
};
