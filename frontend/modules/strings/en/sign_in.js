/** The texts of the sign-in and the first steps, in English. */

export const signIn = {
  "sign_in.title": "Welcome to cloudchat",
  "sign_in.welcome_back": "Welcome back",
  "welcome.title": "Your server is ready",
  "welcome.lead": "You are its administrator. Invite the first person: send this link, which works once.",
  "welcome.create": "Create an invite link",
  "welcome.later": "Later",
  "welcome.link": "Invite link",
  "welcome.link_lead":
    "It opens the registration with the code filled in, works for one person, and is shown only once.",
  "welcome.link_is_local":
    "This link works on this computer only, because the page was opened at an address of the computer itself. For other people, serve cloudchat at an address that they can reach (README, “A second person”), open the page there, and create the link there.",
  "welcome.open": "Open the chat",
  "sign_in.lead": "Sign in to join the conversation.",
  "sign_in.submit": "Sign in",
  "sign_in.question": "New here?",
  "sign_in.closed": "New here? Ask an administrator for an account.",
  "sign_in.to_register": "Create an account",
  "sign_in.username": "Username",
  "sign_in.password": "Password",
  "sign_in.show_password": "Show password",
  "sign_in.show": "Show",
  "sign_in.hide": "Hide",
  "sign_in.password_rule": "At least 15 characters. Three or four unrelated words work well.",
  "password_hint.short": {
    one: "{count} character is missing. Three or four unrelated words work well.",
    other: "{count} characters are missing. Three or four unrelated words work well.",
  },
  "password_hint.long": "At most 256 characters.",
  "password_hint.repeated": "A word that comes again counts once. Add another word.",
  "password_hint.predictable": "Names, rows of keys and sequences like 12345 are guessed first. Add unrelated words.",
  "password_hint.few_words": "Long enough. With one more unrelated word it is much harder to guess.",
  "password_hint.good": "Good: hard to guess.",
  "sign_in.code": "Authentication code",
  "sign_in.code_hint": "From your authenticator app. You can also use a recovery code.",
  "sign_in.empty": "Enter your username and your password.",
  "sign_in.insecure":
    "This page is not encrypted (http). Anyone on the network can read your password, and the browser does not keep your sign-in: you will be signed out after some minutes, and by every reload. Ask an administrator to set up https.",

  // -- Registration --
  "register.title": "Create your account",
  "register.lead": "Choose the name that others will see.",
  "register.submit": "Create account",
  "register.question": "Have an account?",
  "register.to_sign_in": "Sign in",
  "register.invite": "Invite code",
  "register.invite_open": "Leave it empty if you were not given one.",
  "register.invite_needed": "You need one to create an account. Ask an administrator.",
  "register.invited": "Your invite code is filled in.",

  // -- A new password after a one-time password --
  "new_password.title": "Choose a new password",
  "new_password.lead": "The password that you were given is for the first sign-in only. Choose your own to continue.",
  "new_password.current": "Current password",
  "new_password.next": "New password",
  "new_password.submit": "Save and continue",
  "new_password.current_missing": "Enter the password that you were given.",
  "new_password.next_missing": "Enter a new password.",

  // -- Start and end of a session --
  "session.opening": "Opening cloudchat…",
  "session.try_again": "Try again",
  "session.sign_out": "Sign out",
  "session.unsent": { one: "{count} message is not sent yet.", other: "{count} messages are not sent yet." },
  "session.drafts": { one: "{count} draft is not sent.", other: "{count} drafts are not sent." },
  "session.discard": "Sign out in all tabs and discard this?",
  "session.ended": "You were signed out. Sign in again to continue. Your unsent messages are kept.",
  "session.ended_in_other_tab": "You were signed out in another tab. Sign in again to continue.",
  "session.end_unconfirmed":
    "You are signed out in this browser, but the server did not confirm it. On a shared computer, delete this site’s data in the browser, or end this session in the settings on another device.",
};
