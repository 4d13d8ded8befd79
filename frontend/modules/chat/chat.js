/**
 * The chat of one signed-in user: connects the socket, the log of the lobby, the outbox and their views. It lives from
 * sign-in to sign-out; closing it stops everything that could still render or send.
 */

import { Connection } from "../net/connection.js";
import { ReconnectPolicy } from "../net/reconnect_policy.js";
import { byId } from "../ui/dom.js";
import { newCid } from "./cid.js";
import { Composer } from "./composer.js";
import { ConnectionStatusView } from "./connection_status_view.js";
import { Outbox } from "./outbox.js";
import { repeatCheck, TabOutbox } from "./tab_outbox.js";
import { TabPresence } from "./tab_presence.js";
import { RoomSubscription } from "./room_subscription.js";
import { Timeline } from "./timeline.js";
import { TimelineView } from "./timeline_view.js";

const LOBBY = "lobby";
const NOT_DURABLE_NOTE = "This window cannot store unsent messages: a reload loses them.";

/**
 * @typedef {object} Chat
 * @property {number} unsentCount
 * @property {() => void} close
 */

/**
 * @param {object} options
 * @param {string} options.url of the socket
 * @param {import("../net/session.js").Session} options.session
 * @param {import("../net/protocol.js").User} options.user who is signed in
 * @param {import("./outbox_storage.js").OutboxStorage} options.storage
 * @param {import("../clock.js").Clock} options.clock
 * @param {import("./draft_storage.js").DraftStorage} options.drafts
 * @param {() => Promise<boolean>} options.isServerReachable whether the server answers HTTP requests
 * @param {() => Promise<boolean>} options.isAnswering see Connection
 * @param {() => void} options.onSessionEnded
 * @returns {Chat}
 */
export function openChat({
  url,
  session,
  user,
  storage,
  clock,
  drafts,
  isServerReachable,
  isAnswering,
  onSessionEnded,
}) {
  const timeline = new Timeline();
  const status = new ConnectionStatusView(clock, () => connection.start());

  const connection = new Connection({
    url,
    session,
    clock,
    policy: new ReconnectPolicy(),
    isServerReachable,
    isAnswering,
    listener: {
      onState(state) {
        status.show(state);
        composer.allowWriting(state.name !== "stopped" || state.isFinal !== true);
      },
      onWelcome({ limits, user: { id } }) {
        if (id !== user.id) {
          // The cookie now belongs to a user who signed in in another tab: never send this user's messages as theirs.
          onSessionEnded();
          return;
        }
        composer.setMaxLength(limits.text_chars);
        subscription.join();
      },
      onFrame: (frame) => subscription.receive(frame),
      onDisconnected() {
        subscription.disconnected();
        outbox.disconnected();
      },
      onSessionEnded,
    },
  });

  const tab = newCid();
  const presence = new TabPresence({ id: tab, clock, onLeft: () => leftMessages.runNow() });
  const outbox = new Outbox({
    storage: new TabOutbox({ storage, presence, tab }),
    clock,
    newCid,
    send: ({ room, cid, text }) => connection.request({ type: "send", room, cid, text }),
    isPast: (position) => timeline.isPast(position),
    listener: {
      onChange: () => view.schedule(),
      onFailed: (reason) => composer.announce(`Not sent. ${reason}`),
    },
  });

  /** @param {import("../net/protocol.js").RoomEvent} event */
  const confirmOwn = (event) => {
    if (event.type === "message" && event.user.id === user.id) outbox.confirm(event.cid);
  };

  const subscription = new RoomSubscription({
    room: LOBBY,
    timeline,
    clock,
    connection,
    listener: {
      onChange: () => view.schedule(),
      onJoined() {
        outbox.connected();
        outbox.removePast();
      },
      onRefused: (reason) => status.show({ name: "stopped", reason, retryLabel: "Try again" }),
      onEvent(event) {
        confirmOwn(event);
        outbox.removePast();
      },
      onPage(events) {
        view.pageLoaded();
        events.forEach(confirmOwn);
      },
    },
  });

  const view = new TimelineView({ timeline, outbox, subscription, ownId: user.id, clock });

  const composer = new Composer({
    async send(text) {
      const added = outbox.add(LOBBY, text);
      view.scrollToNewest();
      await added;
    },
    save: (text) => drafts.set(user.id, LOBBY, text),
    draft: drafts.get(user.id, LOBBY),
    hasTouchKeyboard: () => window.matchMedia("(pointer: coarse)").matches,
  });

  const abort = new AbortController();
  const checkConnection = () => {
    if (document.visibilityState === "visible") connection.check();
  };
  window.addEventListener("online", () => connection.networkIsBack(), { signal: abort.signal });
  window.addEventListener("offline", () => connection.networkIsGone(), { signal: abort.signal });
  document.addEventListener("visibilitychange", checkConnection, { signal: abort.signal });

  // The pressed button is removed with its message.
  byId("pending-messages").addEventListener(
    "click",
    ({ target }) => {
      if (target instanceof Element && target.closest("button")) composer.focus();
    },
    { signal: abort.signal },
  );

  const leftMessages = repeatCheck(clock, () => outbox.load(user.id));
  window.addEventListener("pagehide", () => presence.leave(), { signal: abort.signal });
  if (!storage.isDurable) composer.showNotice(NOT_DURABLE_NOTE);

  byId("own-name").textContent = user.name;
  outbox.load(user.id).finally(() => {
    if (!abort.signal.aborted) connection.start();
  });
  composer.focus();

  return {
    get unsentCount() {
      return outbox.items.filter(({ state }) => state !== "sent").length;
    },
    close() {
      abort.abort();
      connection.stop();
      leftMessages.stop();
      presence.close();
      subscription.disconnected();
      outbox.disconnected();
      for (const part of [status, view, composer, storage]) part.close();
    },
  };
}
