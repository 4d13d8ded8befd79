/** Shows notifications of the browser while the person looks elsewhere, and plays a sound. */

import { roomHash } from "../route.js";
import { isMention } from "../rooms/reading/read_state.js";
import { text } from "../strings/strings.js";
import { navigate } from "../ui/layers.js";

const MAX_TEXT_CHARACTERS = 200;
/** Several messages in a row make one sound. */
const SOUND_INTERVAL_MS = 2_000;

export class Notifier {
  #settings;
  #clock;
  #selfId;
  #soundAt = -Infinity;
  /** @type {Set<Notification>} */
  #shown = new Set();

  /**
   * @param {object} options
   * @param {import("./notification_settings.js").NotificationSettings} options.settings
   * @param {import("../clock.js").Clock} options.clock
   * @param {string} options.selfId
   */
  constructor({ settings, clock, selfId }) {
    this.#settings = settings;
    this.#clock = clock;
    this.#selfId = selfId;
  }

  /**
   * A message of someone else arrived.
   *
   * @param {import("../rooms/room.js").Room} room
   * @param {import("../net/protocol.js").RoomMessage} message
   * @param {boolean} isSeen whether the room is shown in a window that has the focus
   */
  notify(room, message, isSeen) {
    const isMentioned = isMention({ mentions: message.mentions, mentionsRoom: message.mentions_room }, this.#selfId);
    if (isSeen || !this.#settings.wants(room.info, isMentioned)) return;
    if (this.#settings.hasSound) this.#playSound();
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    this.#show(room, message);
  }

  /** Remove what is shown: the person looks at the page. */
  clear() {
    for (const notification of this.#shown) notification.close();
    this.#shown.clear();
  }

  /**
   * @param {import("../rooms/room.js").Room} room
   * @param {import("../net/protocol.js").RoomMessage} message
   */
  #show(room, { user, text: body, seq }) {
    const title =
      room.info.kind === "direct" ? user.name : text("notifications.from", { name: user.name, room: room.title });
    try {
      // One notification per room: the newest message replaces the one before. The sound is the page's.
      const notification = new Notification(title, {
        body: body.slice(0, MAX_TEXT_CHARACTERS),
        tag: room.id,
        icon: "icon.svg",
        silent: true,
      });
      this.#shown.add(notification);
      notification.onclose = () => this.#shown.delete(notification);
      notification.onclick = () => {
        window.focus();
        navigate(roomHash(room.id, seq));
        notification.close();
      };
    } catch {
      // Chromium on Android shows notifications of a service worker only.
    }
  }

  #playSound() {
    const now = this.#clock.now();
    if (now - this.#soundAt < SOUND_INTERVAL_MS) return;
    this.#soundAt = now;
    playTone();
  }
}

/** Two short tones. Made here, because a file would be loaded for a sound that few people turn on. */
export function playTone() {
  const context = new AudioContext();
  const gain = context.createGain();
  gain.connect(context.destination);
  gain.gain.setValueAtTime(0.08, context.currentTime);
  gain.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.35);
  const oscillator = context.createOscillator();
  oscillator.frequency.setValueAtTime(740, context.currentTime);
  oscillator.frequency.setValueAtTime(988, context.currentTime + 0.12);
  oscillator.connect(gain);
  oscillator.start();
  oscillator.stop(context.currentTime + 0.35);
  oscillator.onended = () => void context.close();
}
