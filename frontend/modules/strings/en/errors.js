/**
 * The errors in English. Those named by a code of the server (`error.<code>`, or `error.<code>.<field>`) are used only
 * where the server's own English message is missing.
 */

export const errors = {
  "error.unreachable": "The server cannot be reached. Check your connection, then try again.",
  "error.server_problem": "The server has a problem. Try again in a moment.",
  "error.refused": "The server refused the request.",
  "error.no_answer": "The server did not answer.",
  "error.foreign_answer":
    "Something between this page and the server answered instead of it, for example a proxy or the sign-in page of a network. Check your connection, then try again.",
  "error.unusable_answer":
    "The page could not use the server’s answer. Reload the page. If that does not help, tell an administrator.",
  "error.other_user": "Another user signed in in this browser.",
  "error.retry_in": "{message} Try again in {time}.",
  "error.empty_field": "Fill in this field.",

  // -- By the code of the server --
  "error.bad_request": "{message}",
  "error.bad_request.username": "This username is not allowed: {message}",
  "error.bad_request.password": "This password is not accepted.",
  "error.bad_request.new_password": "This password is not accepted.",
  "error.bad_request.name": "This name is not allowed: {message}",
  "error.too_large": "That is too long.",
  "error.unauthenticated": "The username or the password is wrong.",
  "error.unauthenticated.totp": "The code is wrong or expired. Enter the one that the app shows now.",
  "error.second_factor_required": "Enter the code of your authenticator app.",
  "error.step_up_required": "This change needs your password.",
  "error.forbidden": "This is not allowed: {message}",
  "error.forbidden.password": "The password is wrong.",
  "error.forbidden.current_password": "The current password is wrong.",
  "error.forbidden.totp": "The code is wrong or expired. Enter the one that the app shows now.",
  "error.forbidden.code": "The code is wrong or expired. Enter the one that the app shows now.",
  "error.forbidden.invite": "A valid invite code is needed. Ask an administrator.",
  "error.muted": "A moderator has muted you in this room.",
  "error.not_found": "This does not exist any more, or you may not see it.",
  "error.conflict": "{message}",
  "error.conflict.username": "This username is taken.",
  "error.conflict.name": "Another public room has this name. Choose another one.",
  "error.rate_limited": "Too many attempts.",
  "error.unavailable": "The server cannot do this at the moment. Try again soon.",
  "error.internal": "The server has a problem. Try again in a moment.",
};
