/** Start a direct conversation with one or more people. */

import { text } from "../strings/strings.js";
import { button, element } from "../ui/dom.js";
import { openModal } from "../ui/modal.js";
import { SearchList } from "../ui/lists/search_list.js";
import { showError } from "./dialog_error.js";
import { openDirect } from "./open_direct.js";

/** The others: a direct room has at most 8 people. */
const MAX_OTHERS = 7;

/** @typedef {import("../net/protocol.js").Author} Author */

/** @param {import("./context.js").RoomDialogContext} context */
export function openDirectDialog({ api, self, clock }) {
  openModal({
    title: text("direct.title"),
    content(modal) {
      /** @type {Map<string, Author>} */
      const chosen = new Map();
      const chips = element("ul", { class: "chips", "aria-label": text("direct.chosen") });
      const submit = button(text("direct.submit"), () => start(), { class: "primary", disabled: true });

      async function start() {
        try {
          await openDirect(api, [...chosen.keys()]);
        } catch (error) {
          showError(modal.node, error);
        }
      }

      /** @param {Author} user */
      function toggle(user) {
        if (chosen.has(user.id)) chosen.delete(user.id);
        else if (chosen.size < MAX_OTHERS) chosen.set(user.id, user);
        else {
          showError(modal.node, new Error(text("direct.full")));
          return;
        }
        chips.replaceChildren(...Array.from(chosen.values(), (one) => renderChip(one, toggle)));
        submit.disabled = chosen.size === 0;
        list.clear();
      }

      /** @type {SearchList<Author>} */
      const list = new SearchList({
        clock,
        label: text("direct.search"),
        listLabel: text("direct.title"),
        empty: text("direct.empty"),
        async load(query) {
          const { users } = await api.findUsers(query);
          return { items: users.filter(({ id }) => id !== self.id && !chosen.has(id)), next: null };
        },
        renderItem: (user) =>
          [
            button("", () => toggle(user), {
              class: "row-button",
              "aria-label": text("direct.add", { name: user.name }),
            }),
          ].map((node) => {
            node.append(element("bdi", { class: "row-title" }, user.name));
            return node;
          }),
      });
      return [element("p", { class: "hint" }, text("direct.hint")), chips, list.node, submit];
    },
  });
}

/**
 * @param {Author} user
 * @param {(user: Author) => void} remove
 */
function renderChip(user, remove) {
  const node = button(user.name, () => remove(user), {
    class: "chip",
    "aria-label": text("direct.remove", { name: user.name }),
  });
  return element("li", {}, node);
}
