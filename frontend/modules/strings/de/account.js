/** The texts of the settings of the own account, in German. */

/** @type {import("../strings.js").Texts} */
export const account = {
  // -- Notifications --
  "notifications.title": "Benachrichtigungen",
  "notifications.lead": "Sie erscheinen, während cloudchat in einem Tab offen ist, den Sie gerade nicht ansehen.",
  "notifications.enable": "Benachrichtigungen einschalten",
  "notifications.disable": "Benachrichtigungen ausschalten",
  "notifications.on": "Benachrichtigungen sind in diesem Browser eingeschaltet.",
  "notifications.off": "Benachrichtigungen sind in diesem Browser ausgeschaltet.",
  "notifications.denied":
    "Der Browser blockiert Benachrichtigungen dieser Seite. Erlauben Sie sie in den Einstellungen des Browsers.",
  "notifications.unsupported":
    "Dieser Browser kann keine Benachrichtigungen zeigen, oder die Seite ist nicht verschlüsselt (http).",
  "notifications.sound": "Einen Ton abspielen",
  "notifications.dnd": "Nicht stören",
  "notifications.dnd_hint": "Keine Benachrichtigung und kein Ton, bis Sie es ausschalten.",
  "notifications.device_hint":
    "Diese Auswahl gilt für dieses Gerät. Jeder Raum hat seine eigene Auswahl in seinen Einstellungen.",

  // -- Appearance --
  "appearance.title": "Darstellung",
  "appearance.theme": "Farben",
  "appearance.system": "Wie das System",
  "appearance.light": "Hell",
  "appearance.dark": "Dunkel",
  "appearance.language": "Sprache",
  "appearance.browser": "Wie der Browser",
  // -- The settings --
  "settings.account": "Ihr Konto",
  "settings.administration": "Verwaltung",
  "table.actions": "Aktionen",
  "table.more": "Mehr zeigen",
  "table.never": "nie",

  // -- Password --
  "password.title": "Passwort",
  "password.lead": "Ein neues Passwort beendet Ihre Sitzungen auf allen anderen Geräten. Hier bleiben Sie angemeldet.",
  "password.submit": "Passwort ändern",
  "password.current": "Bisheriges Passwort",
  "password.new": "Neues Passwort",
  "password.changed": "Ihr Passwort ist geändert. Ihre anderen Geräte sind abgemeldet.",
  "step_up.title": "Sind Sie es?",
  "step_up.lead":
    "Für diese Änderung ist Ihr Passwort nötig. In den nächsten fünf Minuten wird nicht noch einmal gefragt.",
  "step_up.form": "Passwort bestätigen",
  "step_up.password": "Ihr Passwort",
  "step_up.submit": "Bestätigen",

  // -- Second factor --
  "totp.title": "Zweiter Faktor",
  "totp.lead":
    "Mit einem zweiten Faktor melden Sie sich mit dem Passwort und einem Code aus einer App auf Ihrem Telefon an. Ein gestohlenes Passwort allein nützt dann nichts.",
  "totp.required":
    "Auf diesem Server brauchen Administratoren einen zweiten Faktor. Richten Sie ihn ein, um die Verwaltung zu benutzen.",
  "totp.set_up_form": "Zweiten Faktor einrichten",
  "totp.set_up": "Einrichten",
  "totp.scan": "Lesen Sie den QR-Code mit einer Authentifizierungs-App, und geben Sie den Code ein, den die App zeigt.",
  "totp.qr": "QR-Code für die Authentifizierungs-App",
  "totp.by_hand": "Keine Kamera? Öffnen Sie {link} auf dem Gerät, oder geben Sie diesen Schlüssel in der App ein:",
  "totp.link": "diesen Link",
  "totp.confirm_form": "Code bestätigen",
  "totp.code": "Code",
  "totp.code_hint": "Die sechs Ziffern, die die App jetzt zeigt.",
  "totp.confirm": "Bestätigen",
  "totp.recovery_title": "Wiederherstellungscodes sichern",
  "totp.recovery_lead":
    "Ihr zweiter Faktor ist eingeschaltet, und Ihre anderen Geräte sind abgemeldet. Wenn Sie die App verlieren, können Sie sich mit jedem dieser Codes einmal anmelden. Sie werden nur einmal gezeigt: drucken Sie sie aus, oder speichern Sie sie in Ihrem Passwort-Manager.",
  "totp.saved": "Ich habe sie gesichert",
  "totp.on": "Ihr zweiter Faktor ist eingeschaltet. Bei der Anmeldung wird nach einem Code aus Ihrer App gefragt.",
  "totp.renew":
    "Wenn Sie ein neues Telefon oder keine Wiederherstellungscodes mehr haben, schalten Sie ihn aus und richten Sie ihn neu ein.",
  "totp.turn_off_form": "Zweiten Faktor ausschalten",
  "totp.turn_off": "Ausschalten",

  // -- Sessions --
  "sessions.title": "Sitzungen",
  "sessions.lead":
    "Die Geräte, auf denen Sie angemeldet sind. Wenn Sie eine Sitzung beenden, ist das Gerät nach Sekunden abgemeldet.",
  "sessions.table": "Ihre Sitzungen",
  "sessions.device": "Gerät",
  "sessions.last_used": "Zuletzt benutzt",
  "sessions.signed_in": "Angemeldet",
  "sessions.empty": "Es gibt keine Sitzungen.",
  "sessions.this_one": "diese",
  "sessions.end": "Sitzung beenden",
  "sessions.end_question": "Die Sitzung von {device} beenden? Das Gerät ist nach Sekunden abgemeldet.",

  // -- Secrets that are shown once --
  "secret.copy": "Kopieren",
  "secret.copied": "Kopiert.",
  "secret.selected": "Ausgewählt. Mit Strg+C oder ⌘C wird es kopiert.",
  "secret.done": "Fertig",
  "secret.question": "Das wird nur einmal gezeigt. Haben Sie es gesichert?",
  "secret.keep": "Offen lassen",
  "secret.discard": "Verwerfen",
};
