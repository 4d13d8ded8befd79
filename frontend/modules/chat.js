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
 * @param {(text: string) => void} options.onSessionEnded
 * @returns {{close(): void}}
 */
export function openChat({ url, session, storage, clock, onSessionEnded }) {
  const { user } = session;
  const timeline = new Timeline();
  const status = new StatusView(clock, () => connection.start());

  const connection = new Connection({
    url,
    session,
    clock,
    policy: new ReconnectPolicy(),
    listener: {
      stateChanged: (state) => status.show(state),
      welcomed({ limits }) {
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
    onChange: () => view.changed(),
  });

  const subscription = new RoomSubscription({
    room: LOBBY,
    timeline,
    clock,
    request: (command) => connection.request(command),
    listener: {
      changed: () => view.changed(),
      joined: () => outbox.resume(),
      refused: (text) => status.show({ name: "stopped", text, again: "Try again" }),
      event(event) {
        if (event.type === "message" && event.user.id === user.id) outbox.seen(event.cid);
        outbox.settle((place) => timeline.isPast(place));
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

  byId("own-name").textContent = user.name;
  outbox.load(user.id).finally(() => abort.signal.aborted || connection.start());
  composer.focus();

  return {
    close() {
      abort.abort();
      connection.stop();
      subscription.leave();
      outbox.pause();
      for (const part of [status, view, composer]) part.close();
    },
  };
}
