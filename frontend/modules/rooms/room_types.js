/**
 * Types of a room (`room.js`) and of the conversation that shows it. Frames of the server are in `../net/protocol.js`.
 *
 * @typedef {import("../net/protocol.js").Author} Author
 * @typedef {import("../net/protocol.js").RoomInfo} RoomInfo
 * @typedef {import("../chat/message_reducer.js").Message} Message
 * @typedef {import("../chat/message_reducer.js").Notice} Notice
 * @typedef {import("../chat/message_reducer.js").Gap} Gap
 * @typedef {import("../outbox/pending_sends.js").PendingSend} PendingSend
 *
 * @typedef {Message | Notice | Gap} Item of the conversation. `key` is unique in the room and stays the same; `version`
 *   changes whenever the item looks different
 *
 * @typedef {object} Member a person who can be mentioned
 * @property {string} id
 * @property {string} name
 * @property {import("../net/protocol.js").RoomRole} [role] unknown for the author of a message who has left
 *
 * @typedef {object} Permissions what the own role allows here. They decide what is shown: the server checks each command
 * @property {boolean} send
 * @property {boolean} react
 * @property {boolean} editOwn
 * @property {boolean} deleteOwn
 * @property {boolean} deleteOthers
 * @property {boolean} addMembers
 * @property {boolean} removeMembers
 * @property {boolean} changeRoles
 * @property {boolean} changeRoom name, topic, slow mode, archive
 * @property {boolean} moderate mute and ban
 * @property {boolean} leave
 *
 * @typedef {object} WritingStatus whether the person can send here now
 * @property {"allowed" | "archived" | "reader" | "muted" | "slow_mode" | "disconnected_for_good"} state
 * @property {number | null} until muted, slow_mode: when it ends, milliseconds since 1970; null: it does not end by itself
 *
 * The shell opens the conversation of one room at a time, and closes it before it opens the next one.
 *
 * @callback OpenConversation
 * @param {{room: import("./room.js").Room, clock: import("../clock.js").Clock}} options
 * @returns {Conversation}
 *
 * @typedef {object} Conversation
 * @property {() => void} focus moves the focus to where the person writes
 * @property {(note: string) => void} showNote shows a note at the composer for as long as the conversation is open
 * @property {(seq: number) => Promise<boolean>} showMessage loads and scrolls to a message; false: it is not there
 * @property {() => void} close removes the conversation from the page
 */

export {};
