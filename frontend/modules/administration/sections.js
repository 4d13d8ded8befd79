/** The sections of the settings for administrators. This module is loaded when the first of them is opened. */

import { auditSection } from "./audit_section.js";
import { invitesSection } from "./invites_section.js";
import { roomsSection } from "./rooms_section.js";
import { tokensSection } from "./tokens_section.js";
import { usersSection } from "./users_section.js";

/** @returns {Record<import("../settings/settings_dialog.js").AdministrationId, import("../settings/settings_dialog.js").RenderSection>} */
export function administrationSections() {
  return {
    users: usersSection,
    rooms: roomsSection,
    invites: invitesSection,
    tokens: tokensSection,
    audit: auditSection,
  };
}
