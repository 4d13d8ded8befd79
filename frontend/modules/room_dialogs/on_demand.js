/** The dialogs about rooms and the panel of their members, which are loaded when the first of them is opened. */

import { openBrowseDialog } from "./browse_dialog.js";
import { openCreateDialog } from "./create_dialog.js";
import { openDirectDialog } from "./direct_dialog.js";
import { MembersPanel } from "./members/members_panel.js";
import { openRoomSettingsDialog } from "./room_settings_dialog.js";

export { MembersPanel, openBrowseDialog, openCreateDialog, openDirectDialog, openRoomSettingsDialog };
