/** Mute or ban a person: for how long, and why. */

import { text } from "../../strings/strings.js";
import { element } from "../../ui/dom.js";
import { createForm, spanOptions } from "../../ui/form.js";
import { openModal } from "../../ui/modal.js";

const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
const SPANS = [HOUR_SECONDS, DAY_SECONDS, 7 * DAY_SECONDS, 30 * DAY_SECONDS];

/**
 * @param {object} options
 * @param {import("../../rooms/room_api.js").RoomApi} options.api
 * @param {import("../../clock.js").Clock} options.clock
 * @param {string} options.roomId
 * @param {import("../../rooms/room_api.js").Restriction} options.kind
 * @param {import("../../net/protocol.js").Author} options.user
 * @param {() => void} options.onDone
 */
export function openRestrictDialog({ api, clock, roomId, kind, user, onDone }) {
  const title = text(kind === "bans" ? "members.ban" : "members.mute");
  openModal({
    title,
    className: "confirm",
    content: (modal) => [
      element("p", {}, text(kind === "bans" ? "members.confirm_ban" : "members.confirm_mute", { name: user.name })),
      createForm({
        label: title,
        clock,
        fields: [
          {
            name: "seconds",
            label: text("members.how_long"),
            options: [...spanOptions(SPANS), ["", text("members.until_lifted")]],
          },
          {
            name: "reason",
            label: text("members.reason"),
            hint: text("members.reason_hint"),
            attributes: { required: true, autocomplete: "off", maxlength: "200" },
          },
        ],
        submit: title,
        async send({ seconds, reason }) {
          await api.restrict(roomId, kind, user.id, seconds === "" ? { reason } : { reason, seconds: Number(seconds) });
          modal.close();
          onDone();
        },
      }),
    ],
  });
}
