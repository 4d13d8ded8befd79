"""Every screen and dialog: axe in both themes, German without an English word, and phones with large letters."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.chat_page import PASSWORD
from browser.screens import SCREENS, close_all, fill, open_room
from support.accounts import login
from support.server import RunningServer

ROOT = Path(__file__).parents[2]
AXE = ROOT / "config" / "javascript" / "node_modules" / "axe-core" / "axe.min.js"
PHONE: dict[str, Any] = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

RUN_AXE = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}"""

ENGLISH = """({ en, de }) => {
  const words = new Set();
  for (const [key, value] of Object.entries(en)) {
    const german = new Set(Object.values(de[key] === Object(de[key]) ? de[key] : [de[key]]));
    for (const text of value === Object(value) ? Object.values(value) : [value]) {
      if (/[a-z]{3}/iu.test(text) && !text.includes("{") && !german.has(text)) words.add(text);
    }
  }
  // What is English in one place may be German in another one.
  for (const value of Object.values(de)) {
    for (const text of value === Object(value) ? Object.values(value) : [value]) words.delete(text);
  }
  const seen = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node instanceof Text) seen.push(node.data.trim());
    else for (const name of ["aria-label", "title", "placeholder"]) seen.push(node.getAttribute(name) ?? "");
  }
  return seen.filter((text) => words.has(text));
}"""

OVERFLOWS = """() => {
  const found = [];
  if (document.scrollingElement.scrollWidth > innerWidth) found.push("the document scrolls sideways");
  const top = [...document.querySelectorAll("dialog[open], :popover-open")].at(-1) ?? document.body;
  for (const node of top.querySelectorAll("*")) {
    const { overflowX, visibility } = getComputedStyle(node);
    const scrolls = overflowX === "auto" || overflowX === "scroll";
    if (!scrolls || visibility === "hidden" || node.matches("pre, #settings-nav, .emoji-tabs")) continue;
    const name = `${node.tagName}#${node.id}.${node.className}`;
    if (node.scrollWidth > node.clientWidth + 1) found.push(`${name} scrolls sideways`);
  }
  for (const node of top.querySelectorAll("button, input, select, textarea, h1, h2, h3")) {
    if (!node.checkVisibility({ visibilityProperty: true })) continue;
    if (node.closest("#settings-nav, .emoji-tabs, [inert], .visually-hidden, .password-manager-hint")) continue;
    const { left, right, width } = node.getBoundingClientRect();
    if (width > 1 && (left < -1 || right > innerWidth + 1)) found.push(`${node.outerHTML.slice(0, 90)} is cut off`);
  }
  return found;
}"""

WRAPPED_CODES = """() => [...document.querySelectorAll(".suggestions .emoji-code")].filter((code) => {
  const text = document.createRange();
  text.selectNodeContents(code);
  return new Set(Array.from(text.getClientRects(), ({ top }) => top)).size > 1;
}).map((code) => `${code.textContent} has more than one line`)"""

SMALL_TARGETS = """() => {
  const top = [...document.querySelectorAll("dialog[open], :popover-open")].at(-1) ?? document.body;
  const found = [];
  for (const node of top.querySelectorAll("button, a[href], input, select, textarea, summary")) {
    if (!node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || node.closest("[inert]")) continue;
    if (node.matches(".password-manager-hint, .visually-hidden, [data-testid=text] a, p a, p button")) continue;
    const target = node.type === "checkbox" || node.type === "radio" ? node.closest("label") : node;
    const { width, height } = target.getBoundingClientRect();
    if (width > 0 && (width < 44 || height < 44)) {
      found.push(`${Math.round(width)} × ${Math.round(height)}: ${node.outerHTML.slice(0, 90)}`);
    }
  }
  return found;
}"""


# With forced colours, a background alone does not show what something is.
SHAPELESS = """() => {
  const states = "[aria-current], [aria-selected=true], [aria-pressed=true]";
  const marked = `dialog[open], .primary, .badge, .notice, .error, ${states}`;
  const top = [...document.querySelectorAll("dialog[open], :popover-open")].at(-1) ?? document.body;
  return [top, ...top.querySelectorAll("*")].filter((node) => {
    if (!node.matches(marked) || !node.checkVisibility()) return false;
    const { borderTopWidth, borderBottomWidth, outlineStyle } = getComputedStyle(node);
    return borderTopWidth === "0px" && borderBottomWidth === "0px" && outlineStyle === "none";
  }).map((node) => node.outerHTML.slice(0, 90));
}"""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """One server with users, rooms and a conversation."""
    with RunningServer() as running:
        fill(running)
        yield running


PRINT_TEXTS = """
import { en } from "./frontend/modules/strings/en/index.js";
import { de } from "./frontend/modules/strings/de/index.js";
console.log(JSON.stringify({ en, de }));
"""


@pytest.fixture(scope="module")
def texts() -> Any:
    """The texts of the page in English and in German."""
    node = [str(ROOT / ".venv/bin/node"), "--input-type=module", "--eval", PRINT_TEXTS]
    return json.loads(subprocess.run(node, cwd=ROOT, check=True, capture_output=True).stdout)


def open_chat(browser: Browser, server: RunningServer, **options: Any) -> Page:
    """Sign in as the administrator in a context of its own, and open the room with the conversation."""
    page = browser.new_context(**options).new_page()
    sign_in(page, server)
    return page


def sign_in(page: Page, server: RunningServer) -> None:
    """Sign in as the administrator, and open the room with the conversation."""
    page.goto(server.url)
    page.locator("#username").fill("ada")
    page.locator("#password").fill(PASSWORD)
    page.locator("#sign-in-submit").click()
    expect(page.locator("#connection")).to_have_attribute("data-state", "connected")
    open_room(page, "Launch")


def accessibility_violations(page: Page) -> list[str]:
    """Return what axe finds in the light and in the dark theme, and what forced colours make invisible."""
    found: list[str] = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found += [f"{theme}: {violation}" for violation in page.evaluate(RUN_AXE, RULES)]
    page.emulate_media(forced_colors="active")
    found += [f"forced colours: {node} has no shape" for node in page.evaluate(SHAPELESS)]
    page.emulate_media(forced_colors="none")
    return found


def test_every_screen_is_accessible_in_both_themes_and_german(
    browser: Browser, server: RunningServer, texts: Any
) -> None:
    page = open_chat(browser, server, locale="de-DE", viewport={"width": 1120, "height": 760}, bypass_csp=True)
    page.evaluate(AXE.read_text())
    problems: dict[str, list[str]] = {}
    for name, opening in SCREENS.items():
        opening(page)
        if found := accessibility_violations(page) + page.evaluate(ENGLISH, texts):
            problems[name] = found
        close_all(page)
    page.context.set_offline(True)
    expect(page.locator("#banner")).to_be_visible()
    if found := accessibility_violations(page) + page.evaluate(ENGLISH, texts):
        problems["offline"] = found
    page.context.close()
    assert problems == {}, json.dumps(problems, indent=1)


def test_every_screen_fits_a_phone_and_a_finger(browser: Browser, server: RunningServer) -> None:
    page = open_chat(browser, server, locale="de-DE", reduced_motion="reduce", **PHONE)
    problems: dict[str, list[str]] = {}
    for name, opening in SCREENS.items():
        opening(page)
        found = page.evaluate(OVERFLOWS) + page.evaluate(SMALL_TARGETS) + page.evaluate(WRAPPED_CODES)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        found += [f"200 %: {problem}" for problem in page.evaluate(OVERFLOWS)]
        page.evaluate("document.documentElement.style.fontSize = ''")
        if found:
            problems[name] = found
        close_all(page)
    page.context.close()
    assert problems == {}, json.dumps(problems, indent=1)


def test_sign_in_screens_are_accessible_and_fit(browser: Browser, server: RunningServer, texts: Any) -> None:
    page = browser.new_context(locale="de-DE", bypass_csp=True, **PHONE).new_page()
    page.goto(server.url)
    expect(page.locator("#sign-in")).to_be_visible()
    page.evaluate(AXE.read_text())
    problems: dict[str, list[str]] = {}
    for name in ("sign-in", "register", "error", "password-advice"):
        if name == "register":
            page.locator("#switch-mode").click()
        elif name == "error":
            page.locator("#sign-in-submit").click()
            expect(page.locator("#sign-in-error")).to_be_visible()
        elif name == "password-advice":
            page.locator("#password").fill("qwertyuiopasdfghjkl")
            expect(page.locator("#password-hint meter")).to_be_visible()
        if found := problems_on_a_phone(page, texts):
            problems[name] = found
    page.evaluate("document.body.append('Sign out')")
    assert page.evaluate(ENGLISH, texts) == ["Sign out"]  # an English text would be found
    page.context.close()
    assert problems == {}, json.dumps(problems, indent=1)


def test_first_steps_are_accessible_and_fit(browser: Browser, server: RunningServer, texts: Any) -> None:
    """From the one-time password of an administrator to the first invite link."""
    new = login(server.url, "ada").http.post("/api/admin/users", json={"username": "root", "role": "admin"}).json()
    page = browser.new_context(locale="de-DE", bypass_csp=True, **PHONE).new_page()
    # The steps are for a server whose only user is this one.
    page.route("**/api/admin/users?limit=2", lambda route: route.fulfill(json={"users": [new["user"]], "next": None}))
    page.goto(server.url)
    page.evaluate(AXE.read_text())
    page.locator("#username").fill("root")
    page.locator("#password").fill(new["one_time_password"])
    page.locator("#sign-in-submit").click()
    problems: dict[str, list[str]] = {}
    for name in ("new-password", "first-steps", "first-link"):
        if name == "new-password":
            page.locator("#next-password").fill("donaudampfschifffahrt")
            expect(page.locator("#next-password-hint meter")).to_be_visible()
        elif name == "first-steps":
            page.locator("#next-password").fill(PASSWORD)
            page.locator("#new-password-submit").click()
            expect(page.locator("dialog[open] .primary")).to_be_visible()
        else:
            page.locator("dialog[open] .primary").click()
            expect(page.get_by_test_id("secret")).to_be_visible()
        if found := problems_on_a_phone(page, texts):
            problems[name] = found
    page.context.close()
    assert problems == {}, json.dumps(problems, indent=1)


def problems_on_a_phone(page: Page, texts: Any) -> list[str]:
    """Return what is not accessible, not German, cut off or too small."""
    found = accessibility_violations(page)
    found += page.evaluate(ENGLISH, texts) + page.evaluate(OVERFLOWS) + page.evaluate(SMALL_TARGETS)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    found += [f"200 %: {problem}" for problem in page.evaluate(OVERFLOWS)]
    page.evaluate("document.documentElement.style.fontSize = ''")
    return found


# Safari's keyboard lies above the page: only the visual viewport shrinks.
KEYBOARD = """
const viewport = Object.assign(new EventTarget(), { scale: 1, height: innerHeight });
Object.defineProperty(window, "visualViewport", { value: viewport });
window.showKeyboard = (height) => {
  viewport.height = innerHeight - height;
  viewport.dispatchEvent(new Event("resize"));
};
"""


def test_a_keyboard_above_the_page_does_not_hide_what_is_typed(browser: Browser, server: RunningServer) -> None:
    page = browser.new_context(viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True).new_page()
    page.add_init_script(KEYBOARD)
    sign_in(page, server)
    page.evaluate("showKeyboard(300)")
    assert page.locator("#send").evaluate("node => node.getBoundingClientRect().bottom") <= 480
    SCREENS["create"](page)
    submit = page.locator("dialog[open] .primary")
    submit.scroll_into_view_if_needed()
    assert submit.evaluate("node => node.getBoundingClientRect().bottom") <= 480
    page.evaluate("showKeyboard(0)")
    assert page.locator("#chat").evaluate("node => node.getBoundingClientRect().bottom") == 780
    page.context.close()
