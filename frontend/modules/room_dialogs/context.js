/**
 * What every dialog about rooms works with.
 *
 * @typedef {object} RoomDialogContext
 * @property {import("../rooms/room_store.js").RoomStore} store
 * @property {import("../rooms/room_api.js").RoomApi} api
 * @property {import("../net/protocol.js").User} self the signed-in user
 * @property {import("../clock.js").Clock} clock
 * @property {import("../net/http/download.js").Download} download
 * @property {import("../notifications/notification_settings.js").NotificationSettings} notifications
 */

export {};
