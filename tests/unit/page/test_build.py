"""The real page as it is served: what is loaded at first, and what is not."""

import gzip
import re

import pytest

from cloudchat.page.build import BuiltFile, build_page, read_directory
from cloudchat.resources import frontend_directory

MAX_FIRST_LOAD_BYTES = 90_000
FIRST_LOAD = ("early_start.js", "app.js", "script.js", "styles.css")
MAX_EARLY_BYTES = 6_000


@pytest.fixture(scope="module")
def page() -> dict[str, BuiltFile]:
    return build_page(read_directory(frontend_directory()))


def test_the_chat_loads_little_at_first(page: dict[str, BuiltFile]) -> None:
    """All modules that the page imports and all styles, compressed. What is opened later is loaded on demand."""
    sizes = {path: len(page[path].compressed or b"") for path in FIRST_LOAD}
    assert 0 < sum(sizes.values()) <= MAX_FIRST_LOAD_BYTES, sizes


def test_what_runs_first_is_small(page: dict[str, BuiltFile]) -> None:
    """It is on the way at the same time as all the rest, and has no texts."""
    assert 0 < len(page["early_start.js"].compressed or b"") <= MAX_EARLY_BYTES


def test_the_page_names_what_it_loads_at_first(page: dict[str, BuiltFile]) -> None:
    html = page["index.html"].content.decode()
    assert re.findall(r'<link rel="(?:stylesheet|modulepreload)" href="(.+)">', html) == ["styles.css", "app.js"]
    assert re.findall(r'<script type="module" src="([^"]+)"', html) == ["early_start.js", "script.js"]
    named = set(re.findall(r'(?:href|src)="([^":]+)"', html))
    assert named <= set(page)
    for path, file in page.items():
        imports = re.findall(r'(?:from|import\()\s*"(\.[^"]+)"', file.content.decode()) if path.endswith(".js") else ()
        assert {re.sub(r"^(?:\.\.?/)+", "", name) for name in imports} <= set(page) or path.startswith("modules/")


def test_every_module_is_served_once(page: dict[str, BuiltFile]) -> None:
    """A module in two files would have its state twice. Types only need no file."""
    sources = {path for path in read_directory(frontend_directory()) if path.startswith("modules/")}
    text = "\n".join(file.content.decode() for path, file in page.items() if path.endswith(".js"))
    bundled = re.findall(r"^const \$(\w+) = \(\(\) => \{$", text, re.MULTILINE)
    assert len(bundled) == len(set(bundled)) > 100
    missing = {path for path in sources if path[len("modules/") : -len(".js")].replace("/", "_") not in bundled}
    assert all("\nexport {};" in (frontend_directory() / path).read_text() for path in missing), missing


def test_a_compressed_file_is_the_file(page: dict[str, BuiltFile]) -> None:
    for file in page.values():
        assert file.compressed is None or gzip.decompress(file.compressed) == file.content


def test_texts_that_come_later_are_not_used_before(page: dict[str, BuiltFile]) -> None:
    """The texts of the settings and of the administration are added by these parts."""
    source = read_directory(frontend_directory())
    names = ("modules/strings/en/account.js", "modules/strings/en/administration.js")
    keys = {key for name in names for key in re.findall(r'^  "([\w.]+)":', source[name].decode(), re.MULTILINE)}
    later = ("shared.js", "modules/settings/", "modules/administration/", "modules/strings/")
    for path, file in page.items():
        if path.endswith((".js", ".html")) and not path.startswith(later):
            assert not keys & set(re.findall(r'["`]([\w.]+)["`]', file.content.decode())), path
    assert len(keys) > 100
