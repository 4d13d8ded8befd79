/**
 * The frames of the protocol `cloudchat.v1` as the page uses them, and the answers of the HTTP API about the session.
 * A field that the page does not read is left out.
 *
 * @typedef {{epoch: string, seq: number}} Position a place in a room's log
 * @typedef {{id: string, name: string, bot?: boolean}} Author
 *
 * @typedef {object} User the signed-in user
 * @property {string} id
 * @property {string} name
 * @property {string} role
 * @property {boolean} [must_change_password]
 * @property {boolean} [totp_enabled]
 * @property {boolean} [must_set_up_totp]
 *
 * @typedef {{access_token: string, expires_in: number, user: User}} SessionAnswer to a sign-in or a refresh
 *
 * @typedef {"owner" | "moderator" | "member" | "reader"} RoomRole
 *
 * @typedef {object} RoomInfo a room as `welcome`, `room_added` and `room_changed` describe it
 * @property {string} id
 * @property {"public" | "private" | "direct"} kind
 * @property {string} name empty for direct rooms
 * @property {string} topic
 * @property {RoomRole} role of the user in this room
 * @property {boolean} archived
 * @property {boolean} muted the user's own switch for notifications
 * @property {string | null} [muted_until] a moderator has muted the user: when it ends; null: when a moderator ends it
 * @property {number} slow_mode_seconds
 * @property {string} epoch
 * @property {number} seq
 * @property {number} read up to where the user has read
 * @property {Author[]} [users] direct rooms: the other people
 *
 * @typedef {object} ErrorDetails of an `error` frame or an HTTP error
 * @property {string} [code]
 * @property {string} [message]
 * @property {boolean} [retryable]
 * @property {number} [retry_after_ms]
 * @property {string} [field]
 *
 * Room events have a place in the log: they are stored and replayed.
 *
 * @typedef {{room: string, epoch: string, seq: number, at: string}} EventFields
 * @typedef {{emoji: string, count: number, users: string[]}} Reactions the first users who reacted with one emoji
 * @typedef {EventFields & {type: "message", cid: string, user: Author, text: string, reply_to?: number} &
 *   Mentions & CurrentForm} RoomMessage
 * @typedef {{mentions?: string[], mentions_room?: boolean}} Mentions ids of the mentioned people
 * @typedef {EventFields & {type: "edited", target: number, user: Author, text: string} & Mentions} RoomEdit
 * @typedef {EventFields & {type: "deleted", target: number, user: Author}} RoomDeletion
 * @typedef {EventFields & {type: "reaction", target: number, user: Author, emoji: string, on: boolean}} RoomReaction
 * @typedef {"created" | "renamed" | "topic" | "joined" | "left" | "added" | "removed" | "role" | "archived" |
 *   "restored"} NoticeKind
 * @typedef {EventFields & {type: "notice", kind: NoticeKind, user: Author, target?: Author, value?: string}} RoomNotice
 * @typedef {{type: "folded", epoch: string, seq: number}} FoldedEvent placeholder for a change that a page of history has applied already
 * @typedef {RoomMessage | RoomEdit | RoomDeletion | RoomReaction | RoomNotice | FoldedEvent} RoomEvent
 *
 * @typedef {object} CurrentForm what a message has in a page of history only
 * @property {number} [as_of] changes of the message up to this seq are folded into it
 * @property {string} [edited_at]
 * @property {string} [deleted_at]
 * @property {Reactions[]} [reactions]
 *
 * Replies carry the id of their command.
 *
 * @typedef {{type: "joined", id?: string, room: string, status: "fresh" | "recovered" | "gap", oldest: number} &
 *   Position} Joined
 * @typedef {{type: "ack", id?: string, room: string, cid: string} & Position} Ack
 * @typedef {{type: "history", id?: string, room: string, epoch: string, as_of: number,
 *   events: (RoomMessage | RoomNotice)[], more_before: boolean, more_after: boolean}} HistoryPage
 * @typedef {{room: string, unread: number, mentions: number}} UnreadCount
 * @typedef {{type: "unread", id?: string, rooms: UnreadCount[]}} Unread
 * @typedef {{type: "ack", id?: string, room: string, seq: number}} ReadAck
 * @typedef {{type: "present", id?: string, room: string, users: Author[], total: number}} Present
 * @typedef {{type: "authenticated", id?: string}} Authenticated
 * @typedef {{type: "pong", id?: string}} Pong
 * @typedef {{type: "error", id?: string, code: string, message: string, retryable: boolean, retry_after_ms?: number}}
 *   ErrorFrame
 *
 * Ephemeral events are neither stored nor replayed.
 *
 * @typedef {{type: "head", room: string} & Position} Head
 * @typedef {{type: "typing", room: string, user: Author}} Typing
 * @typedef {{type: "presence", room: string, user: Author, online: boolean}} Presence
 * @typedef {{type: "read", room: string, seq: number}} Read the user has read in another connection
 * @typedef {{type: "read_by", room: string, user: string, seq: number}} ReadBy someone else of a direct room has read it;
 *   `user` is their id
 * @typedef {{type: "room_added" | "room_changed", room: RoomInfo}} RoomChange
 * @typedef {{type: "room_removed", room: string, banned_until?: string | null}} RoomRemoved
 * @typedef {{type: "drain", reconnect_after_ms: number}} Drain
 * @typedef {{type: "token_expiring"}} TokenExpiring
 *
 * @typedef {{type: "welcome", user: Author, heartbeat_seconds: number, reconnect_within_ms?: number,
 *   limits: {text_chars: number}, rooms: RoomInfo[]}} Welcome
 * @typedef {Joined | Ack | ReadAck | HistoryPage | Unread | Present | Authenticated | Pong | ErrorFrame} Reply
 * @typedef {Head | Typing | Presence | Read | ReadBy | RoomChange | RoomRemoved | Drain | TokenExpiring} EphemeralEvent
 * @typedef {Welcome | Reply | RoomEvent | EphemeralEvent} ServerFrame
 *
 * @typedef {{type: "join", room: string, after?: Position, limit: number}} JoinCommand
 * @typedef {{type: "send", room: string, cid: string, text: string, reply_to?: number}} SendCommand
 * @typedef {{type: "edit", room: string, cid: string, seq: number, text: string}} EditCommand
 * @typedef {{type: "delete", room: string, cid: string, seq: number}} DeleteCommand
 * @typedef {{type: "react", room: string, cid: string, seq: number, emoji: string, on: boolean}} ReactCommand
 * @typedef {{type: "read", room: string, seq: number}} ReadCommand
 * @typedef {{type: "unread"}} UnreadCommand
 * @typedef {{type: "who", room: string}} WhoCommand
 * @typedef {{type: "typing", room: string}} TypingCommand has no reply
 * @typedef {{before: number} | {after: number} | {around: number}} HistoryRange
 * @typedef {{type: "history", room: string, limit: number} & HistoryRange} HistoryCommand
 * @typedef {{type: "auth", token: string}} AuthCommand
 * @typedef {{type: "ping"}} PingCommand
 * @typedef {JoinCommand | SendCommand | EditCommand | DeleteCommand | ReactCommand | ReadCommand | UnreadCommand |
 *   WhoCommand | HistoryCommand | AuthCommand | PingCommand} Command
 * @typedef {(Command | TypingCommand) & {id?: string}} SentCommand
 *
 * @typedef {object} ReplyTo the reply to each type of command
 * @property {Joined} join
 * @property {Ack} send
 * @property {Ack} edit
 * @property {Ack} delete
 * @property {Ack} react
 * @property {ReadAck} read
 * @property {Unread} unread
 * @property {Present} who
 * @property {HistoryPage} history
 * @property {Authenticated} auth
 * @property {Pong} ping
 */

const SUBPROTOCOL = "cloudchat.v1";

/**
 * Return the subprotocols of a handshake. A browser cannot set a header there, and a token in the URL would appear in logs.
 *
 * @param {string} token
 */
export function socketProtocols(token) {
  return [SUBPROTOCOL, `cloudchat.token.${token}`];
}

/**
 * Return the name of the Web Lock of the tab that has the socket of a user.
 *
 * @param {string} userId
 */
export function socketLock(userId) {
  return `cloudchat.socket.${userId}`;
}

const NOT_LOGGED = new Set(["joined", "ack", "head"]);

/**
 * Return whether a frame is an event of a room's log. One of a type that the page does not know counts, too: otherwise
 * its seq would be missing.
 *
 * @param {ServerFrame} frame
 * @returns {frame is RoomEvent}
 */
export function isRoomEvent(frame) {
  return "epoch" in frame && "seq" in frame && !NOT_LOGGED.has(frame.type);
}
