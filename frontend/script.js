/**
 * The composition root: reads the configuration, builds the long-lived objects, and decides which screen is shown: the
 * sign-in, a new password, or the chat with the settings above it. To follow one message, read rooms/room.js,
 * outbox/outbox.js, tabs/shared_connection.js, net/socket/connection.js, (the server,) rooms/room_store.js,
 * chat/room_subscription.js, timeline.js and message_reducer.js.
 */

import { browserStorage, earlyConfig, earlySession } from "./early_start.js";
import { Appearance } from "./modules/appearance.js";
import { DraftStorage } from "./modules/chat/draft_storage.js";
import { openOutboxStorage } from "./modules/outbox/outbox_storage.js";
import { systemClock as clock } from "./modules/clock.js";
import { readConfig, socketUrl } from "./modules/config.js";
import { createApi, isAnswering } from "./modules/net/http/api.js";
import { parseRoute } from "./modules/route.js";
import { createAuthenticatedApi } from "./modules/net/http/authenticated_api.js";
import { createDownload } from "./modules/net/http/download.js";
import { Session, SessionEnded } from "./modules/net/session/session.js";
import { onEndedInOtherTab } from "./modules/net/session/session_marker.js";
import { loadEarlier } from "./modules/offline/earlier_rooms.js";
import { RoomCache } from "./modules/offline/room_cache.js";
import { registerPageWorker } from "./modules/offline/page_worker.js";
import { NotificationSettings } from "./modules/notifications/notification_settings.js";
import { Settings } from "./modules/settings/settings.js";
import { openChat } from "./modules/shell/chat_screen.js";
import { confirmSignOut } from "./modules/sign_in/confirm_sign_out.js";
import { SignInView } from "./modules/sign_in/sign_in_view.js";
import { text, useLanguage } from "./modules/strings/strings.js";
import { byId } from "./modules/ui/dom.js";
import { watchHistory } from "./modules/ui/layers.js";
import { retryUntilSuccess } from "./modules/ui/retry_prompt.js";
import { translatePage } from "./modules/ui/translate.js";

const appearance = new Appearance(browserStorage);
appearance.apply();
watchHistory();
translatePage(await useLanguage([appearance.language, ...navigator.languages]));
const config = await earlyConfig.catch(() => retryUntilSuccess(readConfigAgain));
const api = createApi(config.api, (origin, message) => earlySession.send(origin, message));
const drafts = new DraftStorage(browserStorage);
const cache = new RoomCache(clock);
const session = new Session({ api, clock, storage: browserStorage, onUserChanged: userChanged });
const request = createAuthenticatedApi({ api, session, onSessionEnded: showSignInAgain });
const download = createDownload(config.api, session);
const notifications = new NotificationSettings(browserStorage);
const settings = new Settings(async () => {
  const { SettingsDialog } = await import("./modules/settings/settings_dialog.js");
  return new SettingsDialog({ request, download, session, clock, appearance, notifications }, loadAdministration);
});

/** @type {import("./modules/sign_in/new_password_view.js").NewPasswordView | null} loaded with a one-time password */
let newPassword = null;
/** @type {import("./modules/shell/chat_screen.js").Chat | null} */
let chat = null;
/** Counts screens: what was started on an earlier screen must not continue on a later one. */
let screen = 0;
/** Whether the person was signed in here before: the sign-in greets them so. A sign-out removes this from the browser. */
let wasSignedIn = session.mayBeRestorable;
/** Id of the user whose chat was shown last. */
let signedInAs = "";

const signIn = new SignInView(
  {
    wasSignedIn: () => wasSignedIn,
    async logIn(username, password, totp) {
      await session.logIn(username, password, totp);
      await enter(password);
    },
    register: (username, password, invite) => session.register(username, password, invite),
    registrationMode: async () => (await api("GET", "/api/config")).registration,
  },
  clock,
);

window.addEventListener("hashchange", openInvite);
onEndedInOtherTab(() => session.user !== null && showSignInAgain("session.ended_in_other_tab"));
byId("open-settings").addEventListener("click", () => settings.open());
byId("sign-out").addEventListener("click", askToSignOut);

await start();
await registerPageWorker();

async function readConfigAgain() {
  try {
    return await readConfig();
  } catch (cause) {
    throw new Error(text("error.unreachable"), { cause });
  }
}

/** What only administrators need is loaded when they open it. */
async function loadAdministration() {
  return (await import("./modules/administration/sections.js")).administrationSections();
}

// -- Screens --

async function start() {
  try {
    if (session.mayBeRestorable) {
      const account = await cache.account();
      // The chat confirms the session when it connects.
      if (account !== null) session.resume(account.user);
      else await retryUntilSuccess(() => session.restore());
      await enter();
      return;
    }
  } catch (error) {
    if (!(error instanceof SessionEnded)) throw error;
  }
  showScreen("sign-in-screen");
  signIn.show();
  openInvite();
}

/** An invite link was opened: with a session of this browser, it only shows the chat. */
function openInvite() {
  const route = parseRoute(location.hash);
  if (route.name === "invite" && chat === null && session.user === null) signIn.openInvite(route.code);
}

/**
 * Show what a signed-in user sees.
 *
 * @param {string} [password] with which the user has just signed in
 */
async function enter(password = "") {
  const { user } = session;
  if (user === null) return;
  if (user.must_change_password) {
    await askForNewPassword(user.name, password);
    return;
  }
  const startedOn = screen;
  const [storage, earlier] = await Promise.all([openOutboxStorage(clock), loadEarlier(cache, user)]);
  if (startedOn !== screen) {
    storage.close();
    return;
  }
  leaveScreen();
  showScreen("chat");
  wasSignedIn = true;
  signedInAs = user.id;
  chat = openChat({
    url: socketUrl(config),
    session,
    user,
    request,
    storage,
    clock,
    drafts,
    notifications,
    download,
    openSettings: () => settings.open(),
    isAnswering: () => isAnswering(config.api),
    openSocket: (url, protocols) => earlySession.takeSocket(url, protocols),
    onSessionEnded: showSignInAgain,
    cache,
    earlier,
  });
  if (user.must_set_up_totp) settings.open("second-factor");
}

/**
 * @param {string} username
 * @param {string} oneTimePassword that was just used; empty: it is asked
 */
async function askForNewPassword(username, oneTimePassword) {
  leaveScreen();
  showScreen("loading");
  const startedOn = screen;
  const { NewPasswordView } = await retryUntilSuccess(() => import("./modules/sign_in/new_password_view.js"));
  if (startedOn !== screen) return;
  newPassword ??= new NewPasswordView({ change: changePassword, signOut }, clock);
  showScreen("sign-in-screen");
  newPassword.show(username, oneTimePassword);
}

/**
 * @param {string} current
 * @param {string} next
 */
async function changePassword(current, next) {
  const startedOn = screen;
  await request("POST", "/api/auth/password", { current_password: current, new_password: next });
  if (startedOn !== screen || session.user === null) return;
  session.user.must_change_password = false;
  await enter();
  if (session.user?.role !== "admin") return;
  const { showFirstSteps } = await import("./modules/administration/first_steps.js");
  await showFirstSteps({ request, config: () => api("GET", "/api/config") });
}

/** Any answer about the session may change the user: a new role, a password that an administrator has reset. */
function userChanged() {
  settings.userChanged();
  if (chat !== null && session.user?.must_change_password) enter();
}

/**
 * The session ended. If the server ended it, unsent messages stay on disk for the user's next session.
 *
 * @param {"session.ended" | "session.ended_in_other_tab"} [notice]
 */
function showSignInAgain(notice = "session.ended") {
  if (signedInAs !== "") cache.clear(signedInAs);
  earlySession.close();
  session.clear();
  leaveScreen();
  showScreen("sign-in-screen");
  signIn.show(text(notice));
}

/** A sign-out discards what is written in any tab and not sent yet: ask first. */
async function askToSignOut() {
  const startedOn = screen;
  const unsent = (await chat?.countUnsent()) ?? 0;
  if (startedOn !== screen || session.user === null) return;
  confirmSignOut({ unsent, drafts: drafts.count(session.user.id) }, () => void signOut());
}

/** Leave nothing behind: no token, no cookie, no message on the screen, no message, draft and unsent message on disk. */
async function signOut() {
  const { user } = session;
  earlySession.close();
  leaveScreen();
  showScreen("sign-in-screen");
  signIn.show();
  if (user === null) return;
  drafts.clear(user.id);
  const loggedOut = session.logOut().catch(() => {
    signIn.setNotice(text("session.end_unconfirmed"));
  });
  await cache.clear(user.id);
  const storage = await openOutboxStorage(clock);
  await storage.clear(user.id).catch((error) => console.warn("Unsent messages could not be deleted.", error));
  await loggedOut;
}

function leaveScreen() {
  screen += 1;
  settings.close();
  chat?.close();
  chat = null;
  signIn.hide();
  newPassword?.hide();
}

/** @param {"loading" | "sign-in-screen" | "chat"} shown */
function showScreen(shown) {
  for (const id of ["loading", "sign-in-screen", "chat"]) byId(id).hidden = id !== shown;
}
