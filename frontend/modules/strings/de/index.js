/** The texts in German, by the part of the page. Every language has the same keys. */

import { account } from "./account.js";
import { administration } from "./administration.js";
import { connection } from "./connection.js";
import { conversation } from "./conversation.js";
import { errors } from "./errors.js";
import { offline } from "./offline.js";
import { onDemand } from "./on_demand.js";
import { rooms } from "./rooms.js";
import { search } from "./search.js";
import { shell } from "./shell.js";
import { signIn } from "./sign_in.js";

/** @type {import("../strings.js").Texts} */
export const de = {
  ...shell,
  ...signIn,
  ...connection,
  ...conversation,
  ...offline,
  ...onDemand,
  ...rooms,
  ...search,
  ...account,
  ...administration,
  ...errors,
};
