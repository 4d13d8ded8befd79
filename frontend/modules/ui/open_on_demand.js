/** Opens parts of the page whose modules are loaded when they are first needed. */

import { text } from "../strings/strings.js";
import { element } from "./dom.js";
import { openModal } from "./modal.js";

/**
 * Load modules and open what they show. If they cannot be loaded, a dialog says so.
 *
 * @template Modules
 * @param {() => Promise<Modules>} load
 * @param {(modules: Modules) => void} open
 * @param {AbortSignal} signal aborted when the screen is left
 */
export async function openOnDemand(load, open, signal) {
  const modules = await load().catch(() => null);
  // While the modules were loaded, the screen may have been left, or another dialog opened.
  if (signal.aborted || document.querySelector("dialog[open]") !== null) return;
  if (modules !== null) open(modules);
  else {
    openModal({
      title: text("on_demand.title"),
      content: () => [element("p", { class: "error", role: "alert" }, text("on_demand.lead"))],
    });
  }
}
