/** The dialogs about rooms that are loaded when the first of them is opened. */

import { openBrowseDialog } from "./browse_dialog.js";
import { openCreateDialog } from "./create_dialog.js";
import { openRoomSettingsDialog } from "./room_settings_dialog.js";

export { openBrowseDialog, openCreateDialog, openRoomSettingsDialog };
