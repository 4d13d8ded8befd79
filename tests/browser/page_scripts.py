"""The page's modules as one script, for tests of what the page does and not of how it is loaded.

A page loads 130 modules, and each costs 5 ms of CPU in Chromium and Playwright: more than half of what a short test of
the page costs. `docs/subsystems/testing.md` says which tests load the modules as they are served.
"""

import functools
import posixpath
import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Route

FRONTEND = Path(__file__).parents[2] / "frontend"
_ENTRY = "script.js"
_IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";$', re.MULTILINE)
_DYNAMIC_IMPORT = re.compile(r'\bimport\("(\.[^"]+)"\)')
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
_NO_EXPORT = re.compile(r"^export \{\};$", re.MULTILINE)
_STATEMENT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def serve_scripts(context: BrowserContext) -> None:
    """Answer the requests of all pages of a context for scripts. Other requests go to the server."""

    def answer(route: Route) -> None:
        route.fulfill(body=script(urlsplit(route.request.url).path.lstrip("/")), content_type="text/javascript")

    context.route("**/*.js", answer)


@functools.cache
def script(path: str) -> str:
    """Return a script: the first one with every module that it imports, another one as it uses those modules."""
    bundled = _bundled_modules()
    if path == _ENTRY:
        return "\n".join(["globalThis.bundledModules = {};", *bundled.values()])

    def use(imported: re.Match[str]) -> str:
        return _use(path, imported) if _target(path, imported[2]) in bundled else imported[0]

    return _IMPORT.sub(use, (FRONTEND / path).read_text())


@functools.cache
def _bundled_modules() -> dict[str, str]:
    """Return each module that is loaded at the start, as a script, after the modules that it imports."""
    modules: dict[str, str] = {}

    def add(path: str) -> None:
        source = (FRONTEND / path).read_text()
        for imported in _IMPORT.finditer(source):
            if (target := _target(path, imported[2])) not in modules:
                add(target)  # a cycle would be an endless recursion
        source = _IMPORT.sub(functools.partial(_use, path), source)
        # Relative to the file of the script that contains it now.
        source = _DYNAMIC_IMPORT.sub(lambda imported: f'import("./{_target(path, imported[1])}")', source)
        modules[path] = source if path == _ENTRY else _wrapped(path, source)

    add(_ENTRY)
    return modules


def _use(path: str, imported: re.Match[str]) -> str:
    """Return the statement that replaces an import of a bundled module."""
    names = imported[1].replace(" as ", ": ")
    return f'const {{{names}}} = globalThis.bundledModules["{_target(path, imported[2])}"];'


def _wrapped(path: str, source: str) -> str:
    """Return a module as a function, which keeps the names that it does not export for itself."""
    exported = ", ".join(found[2] for found in _EXPORT.finditer(source))
    source = _NO_EXPORT.sub("", _EXPORT.sub(r"\1", source))
    assert not (statements := _STATEMENT.findall(source)), f"{path}: unknown kinds of statements: {statements}"
    return f'globalThis.bundledModules["{path}"] = (() => {{\n{source}\nreturn {{ {exported} }};\n}})();'


def _target(path: str, imported: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), imported))
