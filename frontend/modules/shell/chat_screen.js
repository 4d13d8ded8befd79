/**
 * The chat of one signed-in user: the socket, the store of rooms, and the views around them. It lives from sign-in to
 * sign-out; closing it stops everything that could still render or send.
 */

import { newCid } from "../chat/cid.js";
import { ConnectionStatusView } from "../chat/connection_status_view.js";
import { RoomOutboxes } from "../chat/room_outboxes.js";
import { TabOutbox } from "../chat/tab_outbox.js";
import { TabPresence } from "../chat/tab_presence.js";
import { Connection } from "../net/connection.js";
import { ReconnectPolicy } from "../net/reconnect_policy.js";
import { createRoomApi } from "../rooms/room_api.js";
import { RoomStore } from "../rooms/room_store.js";
import { text } from "../strings/strings.js";
import { byId } from "../ui/dom.js";
import { RoomView } from "./room_view.js";
import { Sidebar } from "./sidebar.js";
import { WindowTitle } from "./window_title.js";

/**
 * @typedef {object} Chat
 * @property {number} unsentCount
 * @property {() => void} close
 *
 * @typedef {object} ChatOptions
 * @property {string} url of the socket
 * @property {import("../net/session.js").Session} session
 * @property {import("../net/protocol.js").User} user who is signed in
 * @property {import("../net/authenticated_api.js").AuthenticatedRequest} request
 * @property {import("../chat/outbox_storage.js").OutboxStorage} storage
 * @property {import("../clock.js").Clock} clock
 * @property {import("../chat/draft_storage.js").DraftStorage} drafts
 * @property {() => Promise<boolean>} isAnswering see Connection
 * @property {() => void} onSessionEnded
 */

/**
 * @param {ChatOptions} options
 * @returns {Chat}
 */
export function openChat({ url, session, user, request, storage, clock, drafts, isAnswering, onSessionEnded }) {
  const status = new ConnectionStatusView(clock, () => connection.start());
  const tab = newCid();
  const presence = new TabPresence({ id: tab, clock, onLeft: () => outboxes.checkNow() });
  const tabStorage = new TabOutbox({ storage, presence, tab });
  const outboxes = new RoomOutboxes({ storage: tabStorage, owner: user.id, clock });

  const connection = new Connection({
    url,
    session,
    clock,
    policy: new ReconnectPolicy(),
    isServerReachable: () =>
      request("GET", "/api/me").then(
        () => true,
        () => false,
      ),
    isAnswering,
    listener: {
      onState(state) {
        status.show(state);
        if (state.name === "stopped" && state.isFinal === true) store.disconnectForGood();
      },
      onWelcome(welcome) {
        // The cookie now belongs to a user who signed in in another tab: never send this user's messages as theirs.
        if (welcome.user.id !== user.id) onSessionEnded();
        else store.welcome(welcome);
      },
      onFrame: (frame) => store.receive(frame),
      onDisconnected: () => store.disconnected(),
      onSessionEnded,
    },
  });

  const store = new RoomStore({
    services: { connection, clock, drafts, newCid, storage: tabStorage, self: user, api: createRoomApi(request) },
    outboxes,
    listener: {
      onMessage() {},
      onRefused: (reason) => status.show({ name: "stopped", reason, retryLabel: "Try again" }),
    },
  });

  const title = new WindowTitle();
  const note = storage.isDurable ? "" : text("shell.not_durable");
  const sidebar = new Sidebar({ store, onTotal: (unread) => title.setUnread(unread) });
  const roomView = new RoomView({ store, clock, note, onTitle: (name) => title.setRoom(name) });

  const abort = new AbortController();
  const { signal } = abort;
  window.addEventListener("online", () => connection.networkIsBack(), { signal });
  window.addEventListener("offline", () => connection.networkIsGone(), { signal });
  window.addEventListener("pagehide", () => presence.leave(), { signal });
  document.addEventListener(
    "visibilitychange",
    () => {
      if (document.visibilityState === "visible") connection.check();
      else store.windowHidden();
    },
    { signal },
  );

  byId("own-name").textContent = user.name;
  outboxes.load().finally(() => {
    if (!signal.aborted) connection.start();
  });

  return {
    get unsentCount() {
      return outboxes.unsentCount;
    },
    close() {
      abort.abort();
      connection.stop();
      outboxes.close();
      presence.close();
      roomView.close();
      sidebar.destroy();
      store.close();
      title.reset();
      status.close();
      storage.close();
    },
  };
}
