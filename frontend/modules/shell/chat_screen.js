/**
 * The chat of one signed-in user: the socket, the store of rooms, and the views around them. It lives from sign-in to
 * sign-out; closing it stops everything that could still render or send.
 */

import { newCid } from "../chat/cid.js";
import { ConnectionStatusView } from "../chat/connection_status_view.js";
import { RoomOutboxes } from "../outbox/room_outboxes.js";
import { TabOutbox } from "../outbox/tab_outbox.js";
import { TabPresence } from "../tabs/tab_presence.js";
import { Connection } from "../net/socket/connection.js";
import { ReconnectPolicy } from "../net/socket/reconnect_policy.js";
import { SharedConnection } from "../tabs/shared_connection.js";
import { openSharing } from "../tabs/tab_channel.js";
import { checkForNewVersion } from "../offline/page_worker.js";
import { RoomCacheWriter } from "../offline/room_cache_writer.js";
import { createRoomApi } from "../rooms/room_api.js";
import { RoomStore } from "../rooms/room_store.js";
import { Notifier } from "../notifications/notifier.js";
import { roomHash } from "../route.js";
import { text } from "../strings/strings.js";
import { byId } from "../ui/dom.js";
import { closeAllLayers, navigate } from "../ui/layers.js";
import { openOnDemand } from "../ui/open_on_demand.js";
import { MissingRoom } from "./missing_room.js";
import { fitAboveKeyboard } from "./on_screen_keyboard.js";
import { RoomView } from "./room_view.js";
import { listenToShortcuts, MODIFIER } from "./shortcuts.js";
import { Sidebar } from "./sidebar.js";
import { nextRow } from "./sidebar_rows.js";
import { WindowTitle } from "./window_title.js";

/**
 * @typedef {object} Chat
 * @property {() => Promise<number>} countUnsent how many messages a sign-out would discard
 * @property {() => void} close
 *
 * @typedef {object} ChatOptions
 * @property {string} url of the socket
 * @property {import("../net/session/session.js").Session} session
 * @property {import("../net/protocol.js").User} user who is signed in
 * @property {import("../net/http/authenticated_api.js").AuthenticatedRequest} request
 * @property {import("../outbox/outbox_storage.js").OutboxStorage} storage
 * @property {import("../clock.js").Clock} clock
 * @property {import("../chat/draft_storage.js").DraftStorage} drafts
 * @property {() => Promise<boolean>} isAnswering see Connection
 * @property {(url: string, protocols: string[]) => WebSocket} openSocket
 * @property {import("../net/http/download.js").Download} download
 * @property {import("../notifications/notification_settings.js").NotificationSettings} notifications
 * @property {() => void} openSettings
 * @property {() => void} onSessionEnded
 * @property {import("../offline/room_cache.js").RoomCache} cache
 * @property {import("../offline/earlier_rooms.js").Earlier} earlier what an earlier page has loaded
 */

/**
 * @param {ChatOptions} options
 * @returns {Chat}
 */
export function openChat(options) {
  const { url, session, user, request, storage, clock, drafts, notifications, isAnswering, onSessionEnded } = options;
  const { cache, earlier, download, openSocket } = options;
  const api = createRoomApi(request);
  const status = new ConnectionStatusView({
    clock,
    onRetry: () => connection.start(),
    loadedUntil: () => writer.savedAt,
  });
  const tab = newCid();
  const presence = new TabPresence({ id: tab, clock, onLeft: () => outboxes.checkNow() });
  const tabStorage = new TabOutbox({ storage, presence, tab });
  const outboxes = new RoomOutboxes({ storage: tabStorage, owner: user.id, clock });

  const connection = new SharedConnection({
    sharing: openSharing(tab, user.id),
    scope: user.id,
    clock,
    createConnection: (listener) =>
      new Connection({
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
        openSocket,
        listener,
      }),
    listener: {
      onState(state) {
        writer.setConnected(state.name === "connected");
        status.show(state);
        if (state.name === "stopped" && state.isFinal === true) store.disconnectForGood();
      },
      onWelcome(welcome) {
        // The cookie now belongs to a user who signed in in another tab: never send this user's messages as theirs.
        if (welcome.user.id !== user.id) onSessionEnded();
        else store.welcome(welcome);
        missing.connected();
        checkForNewVersion();
      },
      onFrame: (frame) => store.receive(frame),
      onDisconnected: () => store.disconnected(),
      onSessionEnded,
    },
  });

  const store = new RoomStore({
    services: { connection, clock, drafts, newCid, storage: tabStorage, self: user, api },
    outboxes,
    listener: {
      onMessage: (room, message) => notifier.notify(room, message, room === store.shown && document.hasFocus()),
      onRefused: (reason) => status.show({ name: "stopped", reason, retryLabel: text("connection.try_again") }),
      onRoomChanged: (id) => writer.roomChanged(id),
      onAllJoined: () => void prefetch(),
      onRoomRemoved: (room) => roomView.roomRemoved(room),
    },
  });
  const writer = new RoomCacheWriter({ cache, store, clock, user, savedAt: earlier.savedAt });
  store.lastShownId = earlier.shown;
  store.restore(earlier.rooms);
  if (earlier.content !== null) store.get(earlier.content.room)?.restore(earlier.content);
  if (earlier.rooms.length > 0) store.restoreContents(cache);

  const notifier = new Notifier({ settings: notifications, clock, selfId: user.id });
  const title = new WindowTitle();
  const note = storage.isDurable ? "" : text("shell.not_durable");
  const sidebar = new Sidebar({ store, clock, onTotal: (unread) => title.setUnread(unread) });
  const missing = new MissingRoom({ api, selfId: user.id, clock });
  const roomView = new RoomView({ store, clock, note, missing, onTitle: (name) => title.setRoom(name) });

  /** An offer: without it, rooms that were never shown cannot be read without a network. */
  async function prefetch() {
    const loaded = await import("../offline/room_prefetch.js").catch(() => null);
    await loaded?.prefetchRooms({ store, clock, signal });
  }

  const context = { store, api, self: user, clock, notifications, download };
  /** @type {import("../room_dialogs/members/members_panel.js").MembersPanel | null} */
  let members = null;
  const abort = new AbortController();
  const { signal } = abort;
  fitAboveKeyboard(signal);

  const openSwitcher = () =>
    openOnDemand(
      () => import("./switcher.js"),
      (switcher) => switcher.openSwitcher(context),
      signal,
    );
  const openSearch = () =>
    openOnDemand(
      () => import("../search/search_dialog.js"),
      ({ openSearchDialog }) => openSearchDialog(context),
      signal,
    );
  /** @param {(dialogs: typeof import("../room_dialogs/on_demand.js")) => void} open */
  const openRoomDialog = (open) => openOnDemand(() => import("../room_dialogs/on_demand.js"), open, signal);

  const toggleMembers = () =>
    openRoomDialog(({ MembersPanel }) => {
      members ??= new MembersPanel(context);
      members.toggle();
    });

  /** @type {[id: string, open: () => void][]} */
  const dialogs = [
    ["open-switcher", openSwitcher],
    ["open-search", openSearch],
    ["open-members", toggleMembers],
    ["browse-rooms", () => openRoomDialog(({ openBrowseDialog }) => openBrowseDialog(context))],
    ["create-room", () => openRoomDialog(({ openCreateDialog }) => openCreateDialog(context))],
    ["start-direct", () => openRoomDialog(({ openDirectDialog }) => openDirectDialog(context))],
    [
      "open-room-settings",
      () =>
        openRoomDialog(
          ({ openRoomSettingsDialog }) => store.shown !== null && openRoomSettingsDialog(context, store.shown),
        ),
    ],
  ];
  for (const [id, open] of dialogs) byId(id).addEventListener("click", open, { signal });
  byId("switcher-keys").textContent = `${MODIFIER} K`;
  listenToShortcuts(
    {
      openSwitcher,
      openSearch,
      openSettings: options.openSettings,
      toggleMembers,
      goToNext(step, onlyUnread) {
        const row = nextRow(store, step, onlyUnread);
        if (row !== null) navigate(roomHash(row.id));
      },
    },
    signal,
  );

  window.addEventListener("online", () => connection.networkIsBack(), { signal });
  window.addEventListener("offline", () => connection.networkIsGone(), { signal });
  window.addEventListener("focus", () => notifier.clear(), { signal });
  window.addEventListener("pagehide", () => presence.leave(), { signal });
  window.addEventListener("pagehide", () => writer.windowHidden(), { signal });
  document.addEventListener(
    "visibilitychange",
    () => {
      if (document.visibilityState === "visible") connection.check();
      else {
        store.windowHidden();
        writer.windowHidden();
      }
    },
    { signal },
  );

  byId("own-name").textContent = user.name;
  outboxes.load().finally(() => {
    if (!signal.aborted) connection.start();
  });

  return {
    countUnsent: () => outboxes.countUnsent(),
    close() {
      abort.abort();
      closeAllLayers();
      writer.close();
      connection.stop();
      outboxes.close();
      presence.close();
      members?.destroy();
      roomView.close();
      notifier.clear();
      sidebar.destroy();
      store.close();
      title.reset();
      status.close();
      storage.close();
    },
  };
}
