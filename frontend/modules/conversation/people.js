/** The people of a room by id, and whom a mention names. No DOM. */

/** The name that mentions everybody: src/cloudchat/messages/mentions.py. */
export const ROOM_NAME = "room";

export class People {
  /** @type {Map<string, string>} */
  #names;
  #selfId;

  /**
   * @param {readonly import("../rooms/room_types.js").Member[]} members
   * @param {import("../net/protocol.js").Author} self
   */
  constructor(members, self) {
    this.#names = new Map(members.map(({ id, name }) => [id, name]));
    this.#names.set(self.id, self.name);
    this.#selfId = self.id;
  }

  /** @returns {number} how many are known: changes when a name may have become known */
  get size() {
    return this.#names.size;
  }

  /**
   * @param {string} id
   * @returns {string | null}
   */
  nameOf(id) {
    return this.#names.get(id) ?? null;
  }

  /**
   * @param {Pick<import("../chat/message_reducer.js").Message, "mentions" | "mentionsRoom">} message
   * @returns {boolean} whether it mentions the reader
   */
  mentionsSelf({ mentions, mentionsRoom }) {
    return mentionsRoom || mentions.includes(this.#selfId);
  }

  /**
   * Return a function that finds, among the names that a mention in the text can be, the one that the server has resolved.
   *
   * @param {Pick<import("../chat/message_reducer.js").Message, "mentions" | "mentionsRoom">} message
   * @returns {(names: readonly string[]) => {name: string, isSelf: boolean} | null}
   */
  mentionFinder({ mentions, mentionsRoom }) {
    const keys = new Map(mentions.map((id) => [keyOf(this.nameOf(id) ?? ""), id === this.#selfId]));
    if (mentionsRoom) keys.set(ROOM_NAME, true);
    return (names) => {
      for (const name of names) {
        const isSelf = keys.get(keyOf(name));
        if (isSelf !== undefined) return { name, isSelf };
      }
      return null;
    };
  }
}

/** @param {string} name */
function keyOf(name) {
  return name.normalize("NFKC").toLowerCase();
}
