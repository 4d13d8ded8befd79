/**
 * The texts in English that are loaded with the page, by its part. Those of the settings and of the administration come
 * with these (`addEnglish`). Every language has the same keys.
 */

import { connection } from "./connection.js";
import { conversation } from "./conversation.js";
import { errors } from "./errors.js";
import { offline } from "./offline.js";
import { onDemand } from "./on_demand.js";
import { rooms } from "./rooms.js";
import { search } from "./search.js";
import { shell } from "./shell.js";
import { signIn } from "./sign_in.js";

export const en = {
  ...shell,
  ...signIn,
  ...connection,
  ...conversation,
  ...offline,
  ...onDemand,
  ...rooms,
  ...search,
  ...errors,
};
