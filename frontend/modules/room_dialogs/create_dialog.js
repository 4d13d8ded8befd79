/** Create a public or a private room. */

import { roomHash } from "../route.js";
import { text } from "../strings/strings.js";
import { createForm } from "../ui/form.js";
import { navigate } from "../ui/layers.js";
import { openModal } from "../ui/modal.js";

const MAX_NAME_CHARACTERS = "80";
const MAX_TOPIC_CHARACTERS = "250";

/** @param {import("./context.js").RoomDialogContext} context */
export function openCreateDialog({ api, clock }) {
  openModal({
    title: text("create.title"),
    content: () => [
      createForm({
        label: text("create.form"),
        clock,
        fields: [
          {
            name: "name",
            label: text("create.name"),
            attributes: { required: true, autocomplete: "off", maxlength: MAX_NAME_CHARACTERS },
          },
          {
            name: "topic",
            label: text("create.topic"),
            hint: text("create.topic_hint"),
            attributes: { autocomplete: "off", maxlength: MAX_TOPIC_CHARACTERS },
          },
          {
            name: "kind",
            label: text("create.kind"),
            options: [
              ["public", text("create.public")],
              ["private", text("create.private")],
            ],
          },
        ],
        submit: text("create.submit"),
        async send({ name, topic, kind }) {
          const room = await api.create({ kind: kind === "private" ? "private" : "public", name, topic });
          navigate(roomHash(room.id));
        },
      }),
    ],
  });
}
