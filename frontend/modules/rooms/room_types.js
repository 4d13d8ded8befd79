/**
 * What a conversation view gets: one room of the store, what it shows, and what a person can do in it. Only types; the
 * room itself is `room.js`. Frames of the server are in `../net/protocol.js`.
 *
 * A view renders from the properties and calls `subscribe` to learn that some of them changed. Properties are read
 * anew at each render: arrays and objects are replaced, never changed in place.
 *
 * @typedef {import("../net/protocol.js").Author} Author
 * @typedef {import("../net/protocol.js").RoomInfo} RoomInfo
 * @typedef {import("../chat/message_reducer.js").Message} Message
 * @typedef {import("../chat/message_reducer.js").Notice} Notice
 * @typedef {import("../chat/message_reducer.js").Gap} Gap
 * @typedef {import("../chat/outbox.js").PendingSend} PendingSend
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
 * @typedef {object} Writing whether the person can send here now
 * @property {"allowed" | "archived" | "reader" | "muted" | "slow_mode" | "disconnected_for_good"} state
 * @property {number | null} until muted, slow_mode: when it ends, milliseconds since 1970; null: it does not end by itself
 *
 * @typedef {object} ConversationRoom
 *
 * Identity
 * @property {string} id
 * @property {RoomInfo} info as the server describes it: kind, name, topic, role, archived, slow_mode_seconds, users, …
 * @property {string} title the name, or the names of the other people of a direct room
 * @property {Author} self the signed-in user
 * @property {Permissions} permissions
 * @property {Writing} writing
 * @property {number} maxLength of a message, in code points
 *
 * Content
 * @property {readonly Item[]} items oldest first
 * @property {readonly PendingSend[]} pending this room's messages that are not in `items` yet, in order
 * @property {boolean} isStalled whether sending is paused: there is no connection, or the next retry is not due
 * @property {boolean} isReplaying whether events that the server announced are still to come: nothing is new, nothing
 *   is spoken
 * @property {boolean} isLoading whether a page of history is being loaded
 * @property {boolean} hasOlder whether there are messages before the first item
 * @property {boolean} startsAtBeginning whether the first item is the first one of the room
 * @property {boolean} isDetached whether the newest messages are not loaded: `loadNewer` continues, `attach` jumps
 * @property {(seq: number) => boolean} isReplayed whether the message was in the log before the last connect: it is not
 *   announced to a screen reader
 * @property {(seq: number) => Message | null} find the loaded message with this seq, for quotes
 * @property {readonly Member[]} members who can be mentioned: loaded by `loadMembers`, and the authors of loaded messages
 *
 * Reading
 * @property {number} readSeq up to where the person has read
 * @property {number | null} firstUnreadSeq place of the "new" line: the first message of others after the marker when
 *   the room was opened. It stays while the room is shown
 * @property {readonly Author[]} typists who is typing now
 *
 * Actions
 * @property {(listener: () => void) => (() => void)} subscribe calls back after each change, at most once per task;
 *   returns the function that ends it
 * @property {(text: string, replyTo?: number | null) => Promise<void>} send puts a message into the outbox; rejects
 *   with OutboxFull
 * @property {(cid: string) => Promise<void>} retry a pending message that failed
 * @property {(cid: string) => Promise<void>} discard a pending message
 * @property {(seq: number, text: string) => Promise<void>} edit rejects with CommandError, whose message is for the person
 * @property {(seq: number) => Promise<void>} remove deletes a message; rejects with CommandError
 * @property {(seq: number, emoji: string, on: boolean) => Promise<void>} react rejects with CommandError
 * @property {() => void} loadOlder loads the page before the first item. May be called with every frame
 * @property {() => void} loadNewer loads the page after the last item of a detached room. May be called with every frame
 * @property {(gap: Gap) => void} loadGap loads the newest page of what is missing
 * @property {(seq: number) => Promise<boolean>} loadAround shows the messages around a seq; false: it is not there
 * @property {() => void} attach returns to the newest messages
 * @property {() => void} trim forgets old items while the reader is at the bottom. May be called with every frame
 * @property {(seq: number) => void} markRead the person has seen the messages up to this one. May be called often
 * @property {() => void} typing the person is typing. May be called with every key
 * @property {() => Promise<void>} loadMembers loads the people who can be mentioned. May be called often
 * @property {(seq: number) => string} linkTo the address of a message, for "copy link"
 *
 * Draft
 * @property {string} draft what the person has not sent yet
 * @property {(text: string) => void} saveDraft
 *
 * The shell opens the conversation of one room at a time, and closes it before it opens the next one.
 *
 * @callback OpenConversation
 * @param {{room: ConversationRoom, clock: import("../clock.js").Clock}} options
 * @returns {Conversation}
 *
 * @typedef {object} Conversation
 * @property {() => void} focus moves the focus to where the person writes
 * @property {(note: string) => void} showNote shows a note at the composer for as long as the conversation is open
 * @property {(seq: number) => Promise<boolean>} showMessage loads and scrolls to a message; false: it is not there
 * @property {() => void} close removes the conversation from the page
 */

export {};
