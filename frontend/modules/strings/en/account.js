/** The texts of the settings of the own account, in English. */

export const account = {
  // -- Notifications --
  "notifications.title": "Notifications",
  "notifications.lead": "Shown while cloudchat is open in a tab that you are not looking at.",
  "notifications.enable": "Turn on notifications",
  "notifications.disable": "Turn off notifications",
  "notifications.on": "Notifications are on in this browser.",
  "notifications.off": "Notifications are off in this browser.",
  "notifications.denied":
    "The browser blocks notifications of this page. Allow them in the browser’s settings of this site.",
  "notifications.unsupported": "This browser cannot show notifications, or the page is not encrypted (http).",
  "notifications.sound": "Play a sound",
  "notifications.dnd": "Do not disturb",
  "notifications.dnd_hint": "No notification and no sound until you turn it off.",
  "notifications.device_hint": "These choices are kept on this device. Each room has its own choice in its settings.",

  // -- Appearance --
  "appearance.title": "Appearance",
  "appearance.theme": "Colours",
  "appearance.system": "As the system",
  "appearance.light": "Light",
  "appearance.dark": "Dark",
  "appearance.language": "Language",
  "appearance.browser": "As the browser",
  // -- The settings --
  "settings.account": "Your account",
  "settings.administration": "Administration",
  "table.actions": "Actions",
  "table.more": "Show more",
  "table.never": "never",

  // -- Password --
  "password.title": "Password",
  "password.lead": "A new password ends your sessions on all other devices. This session stays signed in.",
  "password.submit": "Change password",
  "password.current": "Current password",
  "password.new": "New password",
  "password.changed": "Your password was changed. Your other devices were signed out.",
  "step_up.title": "Is it you?",
  "step_up.lead": "This change needs your password. For the next five minutes you are not asked again.",
  "step_up.form": "Confirm your password",
  "step_up.password": "Your password",
  "step_up.submit": "Confirm",

  // -- Second factor --
  "totp.title": "Second factor",
  "totp.lead":
    "With a second factor, you sign in with your password and a code from an app on your phone. A stolen password alone is then useless.",
  "totp.required": "This server requires a second factor for administrators. Set it up to use the administration.",
  "totp.set_up_form": "Set up a second factor",
  "totp.set_up": "Set up",
  "totp.scan": "Scan the QR code with an authenticator app, then enter the code that the app shows.",
  "totp.qr": "QR code for the authenticator app",
  "totp.by_hand": "No camera? Open {link} on the device, or enter this key in the app:",
  "totp.link": "this link",
  "totp.confirm_form": "Confirm the code",
  "totp.code": "Code",
  "totp.code_hint": "The six digits that the app shows now.",
  "totp.confirm": "Confirm",
  "totp.recovery_title": "Save your recovery codes",
  "totp.recovery_lead":
    "Your second factor is on, and your other devices were signed out. If you lose the app, you can sign in once with each of these codes. They are shown only once: print them, or save them in your password manager.",
  "totp.saved": "I have saved them",
  "totp.on": "Your second factor is on. Signing in asks for a code from your app.",
  "totp.renew": "If you have a new phone or no recovery codes left, turn it off and set it up again.",
  "totp.turn_off_form": "Turn off the second factor",
  "totp.turn_off": "Turn off",

  // -- Sessions --
  "sessions.title": "Sessions",
  "sessions.lead":
    "The devices on which you are signed in. When you end a session, its device is signed out within seconds.",
  "sessions.table": "Your sessions",
  "sessions.device": "Device",
  "sessions.last_used": "Last used",
  "sessions.signed_in": "Signed in",
  "sessions.empty": "There are no sessions.",
  "sessions.this_one": "this one",
  "sessions.end": "End session",
  "sessions.end_question": "End the session of {device}? It is signed out within seconds.",

  // -- Secrets that are shown once --
  "secret.copy": "Copy",
  "secret.copied": "Copied.",
  "secret.selected": "Selected. Press Ctrl+C or ⌘C to copy it.",
  "secret.done": "Done",
  "secret.question": "This is shown only once. Have you saved it?",
  "secret.keep": "Keep it open",
  "secret.discard": "Discard it",
};
