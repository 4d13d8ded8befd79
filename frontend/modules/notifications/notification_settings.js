/**
 * What the person wants to be notified of, on this device: kept in localStorage, because a phone and a laptop need
 * different choices. A room without a choice notifies of mentions, a direct room of everything.
 *
 * @typedef {"all" | "mentions" | "nothing"} Choice
 * @typedef {{isOn: boolean, hasSound: boolean, doNotDisturb: boolean, rooms: Record<string, Choice>}} Choices
 */

const KEY = "cloudchat.notifications";
/** @type {Choices} */
const DEFAULTS = { isOn: false, hasSound: false, doNotDisturb: false, rooms: {} };

export class NotificationSettings {
  #storage;
  /** @type {Choices} */
  #choices;

  /** @param {Storage | null} storage */
  constructor(storage) {
    this.#storage = storage;
    this.#choices = { ...DEFAULTS, ...readJson(storage?.getItem(KEY) ?? null) };
  }

  get isOn() {
    return this.#choices.isOn;
  }

  get hasSound() {
    return this.#choices.hasSound;
  }

  get doNotDisturb() {
    return this.#choices.doNotDisturb;
  }

  /** @param {Partial<Omit<Choices, "rooms">>} change */
  set(change) {
    this.#choices = { ...this.#choices, ...change };
    this.#save();
  }

  /**
   * @param {string} room id
   * @param {Choice} choice
   */
  choose(room, choice) {
    this.#choices = { ...this.#choices, rooms: { ...this.#choices.rooms, [room]: choice } };
    this.#save();
  }

  /**
   * @param {Pick<import("../net/protocol.js").RoomInfo, "id" | "kind">} room
   * @returns {Choice}
   */
  choiceFor({ id, kind }) {
    return this.#choices.rooms[id] ?? (kind === "direct" ? "all" : "mentions");
  }

  /**
   * Return whether a message is worth a notification.
   *
   * @param {Pick<import("../net/protocol.js").RoomInfo, "id" | "kind" | "muted">} room
   * @param {boolean} isMention
   */
  wants(room, isMention) {
    if (!this.isOn || this.doNotDisturb) return false;
    const choice = this.choiceFor(room);
    if (choice === "nothing") return false;
    // The switch of the room, which holds on every device, leaves mentions.
    return isMention || (choice === "all" && !room.muted);
  }

  #save() {
    try {
      this.#storage?.setItem(KEY, JSON.stringify(this.#choices));
    } catch {
      // The quota is used up: the choices hold until the page is closed.
    }
  }
}

/** @param {string | null} json */
function readJson(json) {
  try {
    return json === null ? {} : JSON.parse(json);
  } catch {
    return {};
  }
}
