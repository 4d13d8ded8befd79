/** The settings, whose modules are loaded when they are first opened. */

import { openOnDemand } from "../ui/open_on_demand.js";

export class Settings {
  #load;
  /** @type {import("./settings_dialog.js").SettingsDialog | null} */
  #dialog = null;
  #screen = new AbortController();

  /** @param {() => Promise<import("./settings_dialog.js").SettingsDialog>} load */
  constructor(load) {
    this.#load = load;
  }

  /** @param {string} [section] */
  open(section) {
    const load = async () => (this.#dialog ??= await this.#load());
    void openOnDemand(load, (dialog) => dialog.open(section), this.#screen.signal);
  }

  /** Close without a question, for example because the session ended. */
  close() {
    this.#screen.abort();
    this.#screen = new AbortController();
    this.#dialog?.close();
  }

  /** The user's role or second factor may have changed. */
  userChanged() {
    this.#dialog?.userChanged();
  }
}
