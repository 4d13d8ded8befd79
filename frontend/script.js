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
import { untilItWorks } from "./modules/patience.js";
import { Session, SessionEnded } from "./modules/session.js";
import { createCalls } from "./modules/settings/calls.js";
import { Settings } from "./modules/settings/settings.js";
import { offerSignOut } from "./modules/sign_out_button.js";
import { browserStorage, readConfig, socketUrl } from "./modules/surroundings.js";

const config = await untilItWorks(readConfig);
const api = createApi(config.api);
const session = new Session({ api, clock, storage: browserStorage(), onUser: () => settings?.userChanged() });
const call = createCalls({ api, session, onSessionEnded: askAgain });
let chat = null;
let settings = null;
/** Counts the screens that were left: what was begun on one of them must not go on when another is shown. */
let left = 0;
/** @type {{owner: string, text: string} | null} What was half written when the server ended the sign-in. */
let draft = null;

const entrance = new EntranceView({
  async logIn(name, password, totp) {
    await session.logIn(name, password, totp);
    await enter();
  },
  register: (name, password, invite) => session.register(name, password, invite),
}, clock);

const newPassword = new NewPasswordView({
  async change(current, next) {
    const here = left;
    await call("POST", "/api/auth/password", { current_password: current, new_password: next });
    if (here !== left) return;
    session.user.must_change_password = false;
    await enter();
  },
  leave: logOut,
}, clock);

settings = new Settings({ call, session, clock });

offerSignOut({ unsent: () => chat?.unsent ?? 0, leave: logOut });
byId("open-settings").addEventListener("click", () => settings.open());

/** Shows one of the screens, and only that one. */
function show(screen) {
  for (const id of ["loading", "entrance", "chat"]) byId(id).hidden = id !== screen;
}

async function enter() {
  if (session.user.must_change_password) {
    leave();
    show("entrance");
    newPassword.show(session.user.name);
    return;
  }
  const here = left;
  const storage = await openOutboxStorage();
  if (here !== left) return storage.close();
  leave();
  show("chat");
  chat = openChat({ url: socketUrl(config), session, storage, clock, draft, onSessionEnded: askAgain });
  draft = null;
  if (session.user.must_set_up_totp) settings.open("second-factor");
}

/** The server ended the sign-in. What is unsent stays for this person's next one. */
function askAgain() {
  draft = chat?.draft ?? draft;
  session.forget();
  leave();
  show("entrance");
  entrance.show("You were signed out. Sign in again to go on; what you had not sent yet is kept.");
}

/** Leaves nothing behind: no token, no cookie, no message on screen, no unsent one on disk. */
async function logOut() {
  const { id } = session.user;
  draft = null;
  leave();
  show("entrance");
  entrance.show();
  const told = session.logOut().catch(() => {
    entrance.notice("You are signed out here, but the server could not be told. On a shared computer, delete this "
      + "site’s data in the browser, or end this session in your settings on another device.");
  });
  await (await openOutboxStorage()).clear(id).catch((error) => console.warn("Unsent messages could not be deleted.", error));
  await told;
}

function leave() {
  left += 1;
  chat?.close();
  chat = null;
  settings.close();
  entrance.hide();
  newPassword.hide();
}

async function begin() {
  try {
    if (session.mayBeRestored()) {
      await untilItWorks(() => session.restore());
      return await enter();
    }
  } catch (error) {
    if (!(error instanceof SessionEnded)) throw error;
  }
  show("entrance");
  entrance.show();
}

await begin();
