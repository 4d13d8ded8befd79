/**
 * What is started before the rest of the page is loaded: the configuration, and the session of an earlier page. It has no
 * texts and no elements, and is a file of its own, so that it runs first.
 */

import { systemClock } from "./modules/clock.js";
import { readConfig } from "./modules/config.js";
import { EarlySession } from "./modules/net/session/early_session.js";
import { openLocalStorage, SessionMarker } from "./modules/net/session/session_marker.js";

export const browserStorage = openLocalStorage();
export const earlyConfig = readConfig();
export const earlySession = new EarlySession({ clock: systemClock });
earlyConfig.catch(() => {}); // script.js says so
if (new SessionMarker(browserStorage).isSet) void earlySession.start(earlyConfig);
