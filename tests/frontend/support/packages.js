/** The tests' packages are installed in config/javascript, where Node.js does not look for imports of this folder. */

import { createRequire } from "node:module";

export const requirePackage = createRequire(new URL("../../../config/javascript/package.json", import.meta.url));

export const acorn = requirePackage("acorn");
export const { IDBFactory } = requirePackage("fake-indexeddb");
