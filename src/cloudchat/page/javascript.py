"""What the bundler must know of an ECMAScript module: its imports, its exports and its code without comments.

It reads modules as this project writes them, not the whole language: prettier puts each import and export statement at
the start of a line, names are imported one by one, and nothing that is exported is reassigned. Anything else is a
BundleError. A test compares the tokens of every module before and after with those that a parser finds.
"""

import posixpath
import re

from msgspec import Struct, field

_COMMENT = re.compile(r"^[ \t]*(?:/\*.*?\*/|//[^\n]*)[ \t]*\n", re.DOTALL | re.MULTILINE)
"""A comment that stands alone on its lines. One behind code stays."""
_INLINE_TYPE = re.compile(r"/\*\* @[^\n]*?\*/ ?")
"""A type inside of an expression, which can look like an import."""
_BLANK = re.compile(r"\n\s*")
_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async function\*?|function\*?|class|const) (\w+))", re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export \{([\w\s,]*)\};\n", re.MULTILINE)
_OTHER_STATEMENT = re.compile(r"^(?:import|export)\b(?!\().*$", re.MULTILINE)
_DYNAMIC_IMPORT = re.compile(r'\bimport\(\s*"(\.[^"]+)"\s*\)')


class BundleError(Exception):
    """A module is written in a way that the bundler does not know. The message names the module and the statement."""


class Import(Struct, frozen=True):
    """`import { names } from "path";`. The names are as in an object pattern: `text`, `text: translate`."""

    path: str
    names: tuple[str, ...]


class Module(Struct, frozen=True):
    """A module: `body` is its code without import statements and without the word `export`."""

    path: str
    body: str
    imports: tuple[Import, ...]
    exports: tuple[str, ...]
    loads: tuple[str, ...] = field(default=())
    """Paths of the modules that are loaded on demand, by `import("…")`."""


def parse_module(path: str, source: str) -> Module:
    """Parse a module. `path` and the paths in the result are relative to the page. Raises BundleError."""
    code = strip_comments(source)
    imports = tuple(Import(_resolve(path, found[2]), _pattern_names(found[1])) for found in _IMPORT.finditer(code))
    body = _IMPORT.sub("", code)
    lists = [name for names in _EXPORT_LIST.findall(body) for name in _pattern_names(names)]
    exports = (*(found[2] for found in _EXPORT.finditer(body)), *lists)
    body = _EXPORT.sub(r"\1", _EXPORT_LIST.sub("", body))
    unknown = _OTHER_STATEMENT.search(body)
    if unknown or "import.meta" in body:
        raise BundleError(f"{path}: {unknown[0] if unknown else 'import.meta'!r} is not known to the bundler")
    loads = tuple(dict.fromkeys(_resolve(path, found) for found in _DYNAMIC_IMPORT.findall(body)))
    return Module(path, body, imports, exports, loads)


def strip_comments(source: str) -> str:
    """Remove types, comments that stand on their own lines, blank lines and the indentation."""
    return _BLANK.sub("\n", _INLINE_TYPE.sub("", _COMMENT.sub("", source))).lstrip("\n")


def move_dynamic_imports(body: str, source: str, bundle: str) -> str:
    """Make `import("…")` in code of the module `source` relative to the file `bundle`, which contains it now."""

    def moved(found: re.Match[str]) -> str:
        return f'import("{relative_path(bundle, _resolve(source, found[1]))}")'

    return _DYNAMIC_IMPORT.sub(moved, body)


def relative_path(source: str, target: str) -> str:
    """Return how the file `source` names the file `target` in an import."""
    path = posixpath.relpath(target, posixpath.dirname(source) or ".")
    return path if path.startswith(".") else f"./{path}"


def _resolve(source: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), target))


def _pattern_names(names: str) -> tuple[str, ...]:
    return tuple(name.strip().replace(" as ", ": ") for name in names.split(",") if name.strip())
