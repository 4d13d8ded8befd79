"""The modules of the page in few files: each module once, after those that it imports."""

import re

import pytest

from cloudchat.page.bundles import APP, SHARED, build_bundles
from cloudchat.page.javascript import BundleError

PAGE = {
    "script.js": """/** The root. */
import { openChat } from "./modules/shell/chat.js";
await openChat();
""",
    "modules/shell/chat.js": """import { element as make } from "../ui/dom.js";
import {
  count,
  limit,
} from "../counter.js";

/** @param {string} text */
export async function openChat(text) {
  // What is not needed at first.
  const { search } = await import("../search/search.js");
  const { settings } = await import("../settings/settings.js");
  return make(/** @type {import("../other.js").Other} */ (text), count(), limit, search, settings);
}
""",
    "modules/ui/dom.js": "export function element() {}\nexport class Box {}\n",
    "modules/counter.js": """let value = 0;
export const limit = 3;
function count() {
  return (value += 1);
}
export { count };
""",
    "modules/search/search.js": """import { element } from "../ui/dom.js";
import { form } from "../form.js";
import { only } from "./only.js";
export const search = [element, form, only];
""",
    "modules/search/only.js": "export const only = 1;\n",
    "modules/settings/settings.js": 'import { form } from "../form.js";\nexport const settings = [form];\n',
    "modules/form.js": 'import { count } from "../modules/counter.js";\nexport const form = count;\n',
    "modules/types.js": "/** @typedef {object} Type */\nexport {};\n",
}


def test_a_module_is_in_one_file_after_those_that_it_imports() -> None:
    bundles = build_bundles(PAGE)
    assert set(bundles) == {APP, SHARED, "script.js", "modules/search/search.js", "modules/settings/settings.js"}
    contents = {path: re.findall(r"^const (\S+) = \(\(\) =>", text, re.MULTILINE) for path, text in bundles.items()}
    assert contents == {
        APP: ["$ui_dom", "$counter", "$shell_chat"],
        SHARED: ["$form"],
        "script.js": [],
        "modules/search/search.js": ["$search_only", "$search_search"],
        "modules/settings/settings.js": ["$settings_settings"],
    }


def test_imports_and_exports_become_objects() -> None:
    bundles = build_bundles(PAGE)
    assert (
        bundles[APP]
        == """\
const $ui_dom = (() => {
function element() {}
class Box {}
return { element, Box };
})();
const $counter = (() => {
let value = 0;
const limit = 3;
function count() {
return (value += 1);
}
return { limit, count };
})();
const $shell_chat = (() => {
const { element: make } = $ui_dom;
const { count, limit } = $counter;
async function openChat(text) {
const { search } = await import("./modules/search/search.js");
const { settings } = await import("./modules/settings/settings.js");
return make((text), count(), limit, search, settings);
}
return { openChat };
})();
export { $ui_dom, $counter, $shell_chat };
"""
    )
    assert bundles["script.js"] == (
        'import { $shell_chat } from "./app.js";\nconst { openChat } = $shell_chat;\nawait openChat();\n\n'
    )
    search = bundles["modules/search/search.js"]
    assert search.startswith('import { $ui_dom } from "../../app.js";\nimport { $form } from "../../shared.js";\n')
    assert search.endswith("export const { search } = $search_search;\n")


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("modules/ui/dom.js", "export default 1;\n", "export default 1;"),
        ("modules/ui/dom.js", "export let a = 1;\n", "export let a = 1;"),
        ("modules/ui/dom.js", 'import * as all from "./all.js";\n', "import . as all"),
        ("modules/ui/dom.js", "new URL('a', import.meta.url);\n", "import.meta"),
        ("modules/ui/dom.js", 'import { openChat } from "../shell/chat.js";\n', "imports .*: a cycle"),
        ("modules/ui/dom.js", 'import { a } from "./none.js";\n', "none.js, which does not exist"),
        ("modules/ui/dom.js", 'import("../counter.js");\n', "counter.js is loaded on demand, but"),
        (
            "modules/form.js",
            'import { only } from "./search/only.js";\nimport("./search/only.js");\n',
            "only.js is loaded",
        ),
    ],
)
def test_what_the_bundler_does_not_know_is_named(path: str, text: str, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        build_bundles({**PAGE, path: text})
