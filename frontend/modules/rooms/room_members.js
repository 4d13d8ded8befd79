/** The people of a room who can be mentioned: its members, once they are loaded, and the authors of loaded messages. */

export class RoomMembers {
  #room;
  #api;
  #onChange;
  /** @type {readonly import("./room_types.js").Member[]} */
  #loaded = [];
  /** @type {Promise<void> | null} */
  #loading = null;

  /**
   * @param {string} room id
   * @param {Pick<import("./room_api.js").RoomApi, "listMembers">} api
   * @param {() => void} onChange
   */
  constructor(room, api, onChange) {
    this.#room = room;
    this.#api = api;
    this.#onChange = onChange;
  }

  /** Load the members. May be called often. */
  async load() {
    this.#loading ??= this.#api.listMembers(this.#room).then(
      ({ members }) => {
        this.#loaded = members;
        this.#onChange();
      },
      () => {
        this.#loading = null; // the authors of the loaded messages can still be mentioned
      },
    );
    await this.#loading;
  }

  /** @param {readonly import("./room_types.js").Member[]} members that an earlier page has loaded */
  restore(members) {
    if (this.#loaded.length === 0) this.#loaded = members;
  }

  /** The members may have changed: the next `load` asks the server again. */
  expire() {
    this.#loading = null;
  }

  /**
   * @param {readonly import("./room_types.js").Author[]} partners of a direct room
   * @param {readonly import("./room_types.js").Item[]} items
   * @returns {readonly import("./room_types.js").Member[]}
   */
  list(partners, items) {
    const known = new Map(this.#loaded.map((member) => [member.id, member]));
    for (const { id, name } of partners) if (!known.has(id)) known.set(id, { id, name });
    for (const item of items) {
      if (item.kind === "message" && !known.has(item.user.id)) known.set(item.user.id, item.user);
    }
    return [...known.values()];
  }
}
