/** The texts about the connection to the server and about messages that wait for it, in English. */

export const connection = {
  "connection.connected": "Connected",
  "connection.connecting": "Connecting…",
  "connection.reconnecting": "Reconnecting",
  "connection.offline": "Offline. Trying again",
  "connection.paused": "Paused",
  "connection.disabled": "Disabled",
  "connection.in_seconds": " in {count} s…",
  "connection.now": " now…",
  "connection.try_now": "Try now",
  "connection.try_again": "Try again",
  "connection.continue_here": "Continue here",

  // -- Why there is no connection --
  "connection.reason.offline": "This device is offline. What you write is kept and sent once it is back.",
  "connection.reason.unreachable": "The server cannot be reached. What you write is kept and sent once it is back.",
  "connection.reason.no_upgrade":
    "The server answers, but the live connection cannot be opened. A proxy in between may not pass WebSocket upgrades (the headers Upgrade and Connection), or the server does not allow this page’s address. Tell an administrator. The page keeps trying.",
  "connection.reason.protocol":
    "This page and the server do not understand each other. Reload the page. If that does not help, tell an administrator.",
  "connection.reason.account_disabled":
    "This account may no longer chat: it is disabled. Messages can be neither sent nor received. If you think that is a mistake, ask an administrator.",
  "connection.reason.too_many_places": "The chat is open in too many places, so this one was paused.",

  // -- Messages that wait --
  "outbox.full": "There are too many unsent messages. Wait until some are sent, or remove those that failed.",
  "outbox.unconfirmed":
    "The connection was lost before the server confirmed it. Check whether it arrived before you try again.",
};
