/**
 * The service worker: opens the page without a network, and updates it without mixing modules of two versions.
 *
 * It keeps whole versions of the page's files. A version is stored only after all of its files were read twice with the
 * same content, so that an upgrade in between is noticed. In a stored index.html all addresses begin with the name of
 * the version (`shell-<hash>/script.js`), and the modules import each other relatively. So a page finds its own version
 * also hours later, when it loads a module on demand and a newer version is there already. `cloudchat frontend publish`
 * uses the same rule.
 *
 * It answers only for index.html, config.json and `shell-…/`. Every other request, such as the API and the socket, goes
 * to the network as if there were no service worker: nothing that belongs to a person is ever cached here.
 *
 * To remove it from all browsers, publish config/service_worker_off.js in its place. See docs/RUNBOOK.md.
 */

const CACHE = "cloudchat";
const ROOT = new URL("./", location.href).pathname;
const PAGE = "index.html";
const CONFIG = "config.json";
const VERSION = /^shell-[0-9a-f]{16}\//u;
/** A directory of `cloudchat frontend publish`, whose files never change. */
const IMMUTABLE = /^release-[0-9a-f]{16}\//u;
/** These keep their address: a manifest's own addresses are relative to it, and a page asks for config.json there. */
const AT_THE_ROOT = /(?:\.webmanifest|^config\.json)$/u;
/** For pages of earlier versions that are still open. */
const MAX_VERSIONS = 3;
/** Servers exist whose index.html keeps its validators when only a module changes: read all files after this time. */
const FULL_CHECK_MS = 24 * 3_600_000;
const MAX_OPEN_REQUESTS = 8;
const MAX_ATTEMPTS = 3;

/**
 * @typedef {object} Current what is stored, the newest version first
 * @property {string[]} versions for example "shell-0123456789abcdef/"
 * @property {string} validator of index.html when the newest version was read
 * @property {number} checkedAt
 *
 * @typedef {Map<string, Response>} Files by their path below ROOT
 */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

/** @type {Promise<void> | null} one check at a time */
let checking = null;

worker.addEventListener("install", (event) => {
  event.waitUntil(check().then(() => worker.skipWaiting()));
});

worker.addEventListener("message", (event) => {
  if (event.data?.type === "check") event.waitUntil(check().catch(ignoreOffline));
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || !pathname.startsWith(ROOT)) return;
  const path = pathname.slice(ROOT.length);
  if (request.mode === "navigate") {
    if (path !== "" && path !== PAGE) return;
    event.respondWith(answerFromNewest(PAGE, request));
    event.waitUntil(check().catch(ignoreOffline));
  } else if (path === CONFIG) {
    event.respondWith(answerFromNewest(CONFIG, request));
  } else if (VERSION.test(path)) {
    event.respondWith(answerFromVersion(path));
  }
});

// -- Answers --

/**
 * @param {string} path
 * @param {Request} request
 * @returns {Promise<Response>}
 */
async function answerFromNewest(path, request) {
  const cache = await caches.open(CACHE);
  const current = await readCurrent(cache);
  const stored = current === null ? undefined : await cache.match(ROOT + current.versions[0] + path);
  return stored ?? fetch(request);
}

/**
 * A file of a version that was deleted is not replaced by that of another one: the page offers to reload.
 *
 * @param {string} path
 * @returns {Promise<Response>}
 */
async function answerFromVersion(path) {
  const cache = await caches.open(CACHE);
  return (await cache.match(ROOT + path)) ?? new Response("", { status: 404 });
}

// -- Updates --

/** Store the server's version of the page, if it is a new one, and tell the open pages. */
function check() {
  checking ??= update().finally(() => {
    checking = null;
  });
  return checking;
}

async function update() {
  const cache = await caches.open(CACHE);
  const current = await readCurrent(cache);
  const validator = validatorOf(await read(PAGE));
  const isDue = current === null || Date.now() - current.checkedAt > FULL_CHECK_MS;
  if (!isDue && validator !== "" && validator === current.validator) return;
  const { version, files } = await readConsistently();
  const versions = [version, ...(current?.versions ?? []).filter((other) => other !== version)];
  const isNew = versions[0] !== current?.versions[0];
  if (isNew) await store(cache, version, files);
  await writeCurrent(cache, { versions: versions.slice(0, MAX_VERSIONS), validator, checkedAt: Date.now() });
  await deleteOther(cache, versions.slice(0, MAX_VERSIONS));
  if (!isNew || current === null) return;
  const pages = await worker.clients.matchAll({ includeUncontrolled: true });
  for (const page of pages) page.postMessage({ type: "updated" });
}

/**
 * Read all files until two readings in a row are the same: then they are of one version (a double collect).
 *
 * @returns {Promise<{version: string, files: Files}>}
 */
async function readConsistently() {
  let files = await readAll();
  let version = await hashOf(files);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const again = await readAll();
    const versionAgain = await hashOf(again);
    if (versionAgain === version) return { version, files };
    [files, version] = [again, versionAgain];
  }
  throw new Error("The files change while they are read.");
}

/** @returns {Promise<Files>} all files that the page refers to, also those that it loads on demand */
async function readAll() {
  /** @type {Files} */
  const files = new Map();
  /** @type {Set<string>} */
  const known = new Set([PAGE, CONFIG]);
  const waiting = [...known];
  async function work() {
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const response = path === CONFIG ? await readConfig() : await read(path);
      files.set(path, response);
      const references = await referencesOf(path, response);
      const unknown = references.filter((reference) => !known.has(reference));
      for (const reference of unknown) known.add(reference);
      waiting.push(...unknown);
    }
  }
  while (waiting.length > 0) await Promise.all(Array.from({ length: MAX_OPEN_REQUESTS }, work));
  return files;
}

/**
 * @param {string} path
 * @returns {Promise<Response>}
 * @throws {Error} also for an answer that is not the file, such as the sign-in page of a network
 */
async function read(path) {
  const cache = IMMUTABLE.test(path) ? "default" : "no-cache";
  const response = await fetch(ROOT + (path === PAGE ? "" : path), { cache, priority: "low" });
  if (!response.ok || response.redirected) throw new Error(`${path}: ${response.status}`);
  return response;
}

/** @returns {Promise<Response>} without a configuration, the page uses its own origin */
async function readConfig() {
  const response = await fetch(ROOT + CONFIG, { cache: "no-cache" });
  if (response.status === 404) return Response.json({});
  if (!response.ok) throw new Error(`${CONFIG}: ${response.status}`);
  return response;
}

/**
 * @param {string} path
 * @param {Response} response
 * @returns {Promise<string[]>} paths of the files that this one refers to
 */
async function referencesOf(path, response) {
  const isPage = path === PAGE;
  if (!isPage && !path.endsWith(".js")) return [];
  const text = await response.clone().text();
  const pattern = isPage
    ? /<(?:link|script|img)[^>]*?(?:href|src)="([^":]+)"/gu
    : /\b(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/gu;
  const base = new URL(ROOT + path, location.origin);
  const paths = Array.from(text.matchAll(pattern), ([, reference]) =>
    new URL(reference, base).pathname.slice(ROOT.length),
  );
  // Shown in place of the icon while something is unread.
  return paths.flatMap((one) => (one.endsWith("/icon.svg") || one === "icon.svg" ? [one, unreadIcon(one)] : [one]));
}

/** @param {string} icon */
function unreadIcon(icon) {
  return icon.replace(/icon\.svg$/u, "icon-unread.svg");
}

/**
 * @param {Files} files
 * @returns {Promise<string>} the name of the version
 */
async function hashOf(files) {
  const parts = await Promise.all(
    Array.from(files.keys(), async (path) => {
      const response = /** @type {Response} */ (files.get(path));
      const policy = response.headers.get("Content-Security-Policy");
      return `${path}\n${policy}\n${await digest(await response.clone().arrayBuffer())}`;
    }),
  );
  return `shell-${(await digest(new TextEncoder().encode(parts.sort().join("\n")).buffer)).slice(0, 16)}/`;
}

/** @param {ArrayBuffer} content */
async function digest(content) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {Response} page
 * @returns {string} changes whenever a server that was made for this page serves another version; empty: not known
 */
function validatorOf({ headers }) {
  const validator = headers.get("ETag") ?? headers.get("Last-Modified");
  return validator === null ? "" : `${validator}\n${headers.get("Content-Security-Policy")}`;
}

// -- Storage --

/**
 * @param {Cache} cache
 * @param {string} version
 * @param {Files} files
 */
async function store(cache, version, files) {
  await Promise.all(
    Array.from(files, async ([path, response]) => {
      const body = path === PAGE ? withVersion(await response.text(), version) : await response.arrayBuffer();
      await cache.put(ROOT + version + path, new Response(body, { headers: storedHeaders(response) }));
    }),
  );
}

/**
 * @param {string} html
 * @param {string} version
 */
function withVersion(html, version) {
  return html.replace(/(<(?:link|script|img)[^>]*?(?:href|src)=")([^":]+)"/gu, (tag, start, path) =>
    AT_THE_ROOT.test(path) ? tag : `${start}${version}${path}"`,
  );
}

/** @param {Response} response */
function storedHeaders(response) {
  const headers = new Headers(response.headers);
  for (const name of ["Content-Encoding", "Content-Length"]) headers.delete(name);
  return headers;
}

/**
 * @param {Cache} cache
 * @param {string[]} versions to keep
 */
async function deleteOther(cache, versions) {
  for (const { url } of await cache.keys()) {
    const path = new URL(url).pathname.slice(ROOT.length);
    if (VERSION.test(path) && !versions.some((version) => path.startsWith(version))) await cache.delete(url);
  }
}

/**
 * @param {Cache} cache
 * @returns {Promise<Current | null>} null: nothing is stored
 */
async function readCurrent(cache) {
  const stored = await cache.match(`${ROOT}shell-current`);
  return stored === undefined ? null : stored.json();
}

/**
 * Written after the files: a version that was stored only in part is never used.
 *
 * @param {Cache} cache
 * @param {Current} current
 */
function writeCurrent(cache, current) {
  return cache.put(`${ROOT}shell-current`, Response.json(current));
}

/** @param {unknown} error */
function ignoreOffline(error) {
  console.info("The files of the page could not be checked.", error);
}
