/**
 * One signed-in person's chat: the socket, the lobby's log, the outbox and their views, tied together.
 * It lives from sign-in to sign-out; closing it stops everything that could still draw or send.
 */

import { newCid } from "./cid.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { byId } from "./dom.js";
import { Outbox } from "./outbox.js";
import { ReconnectPolicy } from "./reconnect_policy.js";
import { RoomSubscription } from "./room_subscription.js";
import { StatusView } from "./status_view.js";
import { Timeline } from "./timeline.js";
import { TimelineView } from "./timeline_view.js";

const LOBBY = "lobby";

/**
 * @param {object} options
 * @param {string} options.url of the socket
 * @param {import("./session.js").Session} options.session signed in
 * @param {any} options.storage of the outbox
 * @param {import("./clock.js").Clock} options.clock
 * @param {{owner: string, text: string} | null} options.draft half written earlier, perhaps by somebody else
 * @param {() => void} options.onSessionEnded
 * @returns {{close(): void, draft: {owner: string, text: string}, unsent: number}}
 */
export function openChat({ url, session, storage, clock, draft, onSessionEnded }) {
  const { user } = session;
  const isOwn = (event) => event.type === "message" && event.user.id === user.id;
  const timeline = new Timeline();
  const status = new StatusView(clock, () => connection.start());

  const connection = new Connection({
    url,
    session,
    clock,
    policy: new ReconnectPolicy(),
    listener: {
      stateChanged: (state) => status.show(state),
      welcomed({ limits, user: { id } }) {
        // Whoever signed in in another tab owns the cookie now: nothing written here may go out as theirs.
        if (id !== user.id) return onSessionEnded();
        composer.limitTo(limits.text_chars);
        subscription.join();
      },
      received: (frame) => subscription.receive(frame),
      lost() {
        subscription.leave();
        outbox.pause();
      },
      sessionEnded: onSessionEnded,
    },
  });

  const outbox = new Outbox({
    storage,
    clock,
    newCid,
    send: ({ room, cid, text }) => connection.request({ type: "send", room, cid, text }),
    isPast: (place) => timeline.isPast(place),
    onChange: () => view.changed(),
    onFailed: (reason) => composer.say(`Not sent. ${reason}`),
  });

  const subscription = new RoomSubscription({
    room: LOBBY,
    timeline,
    clock,
    request: (command) => connection.request(command),
    listener: {
      changed: () => view.changed(),
      joined() {
        outbox.resume();
        outbox.settle();
      },
      refused: (text) => status.show({ name: "stopped", text, again: "Try again" }),
      event(event) {
        if (isOwn(event)) outbox.seen(event.cid);
        outbox.settle();
      },
      paged(events) {
        for (const { cid } of events.filter(isOwn)) outbox.seen(cid);
      },
    },
  });

  const view = new TimelineView({
    timeline,
    outbox,
    ownId: user.id,
    paging: () => subscription.paging,
    loadOlder: (run) => subscription.loadOlder(run),
  });

  const composer = new Composer(async (text) => {
    const added = outbox.add(LOBBY, text);
    view.showNewest();
    await added;
  });

  const abort = new AbortController();
  const check = () => document.visibilityState === "visible" && connection.check();
  window.addEventListener("online", check, { signal: abort.signal });
  document.addEventListener("visibilitychange", check, { signal: abort.signal });

  // The pressed button goes away with its message.
  byId("waiting").addEventListener("click", ({ target }) => target.closest("button") && composer.focus(), { signal: abort.signal });

  byId("own-name").textContent = user.name;
  outbox.load(user.id).finally(() => abort.signal.aborted || connection.start());
  if (draft?.owner === user.id) composer.write(draft.text);
  composer.focus();

  return {
    get draft() {
      return { owner: user.id, text: composer.text };
    },
    get unsent() {
      return outbox.items.filter(({ state }) => state !== "sent").length;
    },
    close() {
      abort.abort();
      connection.stop();
      subscription.leave();
      outbox.pause();
      for (const part of [status, view, composer, storage]) part.close();
    },
  };
}
