/**
 * The composition root: reads the configuration, builds the long-lived objects and decides which of the
 * three screens is shown (the way in, a new password, the chat with the settings above it). To follow one message from here:
 * composer.js → outbox.js → connection.js → (server) → room_subscription.js → timeline.js → timeline_view.js.
 */

import { createApi } from "./modules/api.js";
import { openChat } from "./modules/chat.js";
import { systemClock as clock } from "./modules/clock.js";
import { byId } from "./modules/dom.js";
import { EntranceView } from "./modules/entrance_view.js";
import { NewPasswordView } from "./modules/new_password_view.js";
import { openOutboxStorage } from "./modules/outbox_storage.js";
import { Session, SessionEnded } from "./modules/session.js";
import { createCalls } from "./modules/settings/calls.js";
import { Settings } from "./modules/settings/settings.js";
import { browserStorage, readConfig, socketUrl } from "./modules/surroundings.js";

const config = await readConfig();
const api = createApi(config.api);
const session = new Session({ api, clock, storage: browserStorage(), onUser: () => settings?.userChanged() });
let chat = null;
let storage = null;
let settings = null;

const entrance = new EntranceView({
  async logIn(name, password, totp) {
    await session.logIn(name, password, totp);
    await enter();
  },
  register: (name, password, invite) => session.register(name, password, invite),
}, clock);

const newPassword = new NewPasswordView({
  async change(current, next) {
    await session.changePassword(current, next);
    await enter();
  },
  leave: logOut,
}, clock);

settings = new Settings({ call: createCalls({ api, session, onSessionEnded: askAgain }), session, clock });

byId("log-out").addEventListener("click", logOut);
byId("open-settings").addEventListener("click", () => settings.open());

/** Shows one of the screens, and only that one. */
function show(screen) {
  for (const id of ["loading", "entrance", "chat"]) byId(id).hidden = id !== screen;
}

async function enter() {
  leave();
  if (session.user.must_change_password) {
    show("entrance");
    newPassword.show(session.user.name);
    return;
  }
  show("chat");
  storage = await openOutboxStorage();
  chat = openChat({ url: socketUrl(config), session, storage, clock, onSessionEnded: askAgain });
  if (session.user.must_set_up_totp) settings.open("second-factor");
}

/** The server ended the sign-in. What is unsent stays for this person's next one. */
function askAgain() {
  session.forget();
  leave();
  show("entrance");
  entrance.show("You were signed out. Sign in again to go on; what you had not sent yet is kept.");
}

/** Leaves nothing behind: no token, no cookie, no message on screen, no unsent one on disk. */
async function logOut() {
  leave();
  show("entrance");
  entrance.show();
  const ended = session.logOut();
  await (storage ?? await openOutboxStorage()).clear();
  storage = null;
  await ended.catch(() => {
    entrance.show("You are signed out here, but the server could not be told. Close the browser on a shared computer.");
  });
}

function leave() {
  chat?.close();
  chat = null;
  settings.close();
  entrance.hide();
  newPassword.hide();
}

async function begin() {
  if (!session.mayBeRestored()) return welcome();
  try {
    await session.refresh();
    await enter();
  } catch (error) {
    if (error instanceof SessionEnded) welcome();
    else welcome(error.message);
  }
}

function welcome(notice) {
  show("entrance");
  entrance.show(notice);
}

await begin();
