"""Put the modules of the page together into few files.

- `early_start.js`: the modules that it imports, and itself: it runs while the rest is being loaded.
- `app.js`: all other modules that `script.js` imports, directly or not.
- A module that is loaded on demand keeps its address and contains what only it imports.
- `shared.js`: what several modules that are loaded on demand import, and the page does not.

A module is in exactly one file, because some have state (the language, the open layers). In a file, each module is a
function that returns its exports: `const $ui_dom = (() => { … return { element }; })();`. Other files import that
object under the same name, so that a page of one version does not confuse the modules of another one.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from cloudchat.page.javascript import BundleError, Module, move_dynamic_imports, parse_module, relative_path

ENTRY = "script.js"
EARLY = "early_start.js"
APP = "app.js"
SHARED = "shared.js"


class _Bundle(Struct, frozen=True):
    """A file and the modules in it, each after those that it imports. `entry` is the module whose address it has."""

    path: str
    modules: tuple[Module, ...]
    entry: Module | None = None


def build_bundles(sources: Mapping[str, str]) -> dict[str, str]:
    """Return the files for the modules that are reachable from `script.js`. Raises BundleError."""
    modules = {path: parse_module(path, source) for path, source in sources.items()}
    bundles = list(_divide(modules))
    places = {module.path: bundle.path for bundle in bundles for module in bundle.modules}
    return {bundle.path: _render(bundle, places) for bundle in bundles}


def _divide(modules: Mapping[str, Module]) -> Iterator[_Bundle]:
    script = _find(modules, ENTRY, "index.html")
    early = _imported(modules, EARLY) if EARLY in modules else []
    if early:
        yield _Bundle(EARLY, tuple(early))
    app = [module for module in _imported(modules, ENTRY) if module is not script and module not in early]
    yield _Bundle(APP, tuple(app))
    yield _Bundle(ENTRY, (), script)
    known = {module.path for module in [*early, *app]} | {ENTRY}
    entries = _loaded(modules, [*early, *app, script], known)
    on_demand = {path: [one for one in _imported(modules, path) if one.path not in known] for path in entries}
    importers: dict[str, int] = {}
    for reached in on_demand.values():
        for module in reached:
            importers[module.path] = importers.get(module.path, 0) + 1
    shared: dict[str, Module] = {}
    for path, reached in on_demand.items():
        own = [module for module in reached if importers[module.path] == 1]
        if not own or own[-1].path != path:
            raise BundleError(f"{path} is loaded on demand, and imported by a module that is loaded on demand, too")
        shared |= {module.path: module for module in reached if module not in own}
        yield _Bundle(path, tuple(own), own[-1])
    if shared:
        yield _Bundle(SHARED, tuple(shared.values()))


def _imported(modules: Mapping[str, Module], entry: str) -> list[Module]:
    """Return the module `entry` and all that it imports, each after its imports. Raises BundleError for a cycle."""
    order: dict[str, Module] = {}
    open_paths: list[str] = []

    def visit(path: str, importer: str) -> None:
        if path in order:
            return
        if path in open_paths:
            raise BundleError(f"{' imports '.join([*open_paths[open_paths.index(path) :], path])}: a cycle")
        open_paths.append(path)
        module = _find(modules, path, importer)
        for one in module.imports:
            visit(one.path, path)
        order[open_paths.pop()] = module

    visit(entry, "index.html")
    return list(order.values())


def _loaded(modules: Mapping[str, Module], start: list[Module], known: set[str]) -> list[str]:
    """Return the paths of the modules that `start` and what it loads load on demand, without those in `known`."""
    found: dict[str, None] = {}
    waiting = list(start)
    while waiting:
        for path in waiting.pop().loads:
            if path in known:
                raise BundleError(f"{path} is loaded on demand, but the page imports it already")
            if path not in found:
                found[path] = None
                waiting += _imported(modules, path)
    return sorted(found)


def _find(modules: Mapping[str, Module], path: str, importer: str) -> Module:
    if path not in modules:
        raise BundleError(f"{importer} imports {path}, which does not exist")
    return modules[path]


# -- Text --


def _render(bundle: _Bundle, places: Mapping[str, str]) -> str:
    inside = {module.path for module in bundle.modules}
    outside: dict[str, set[str]] = {}
    for module in [*bundle.modules, *([bundle.entry] if bundle.entry else [])]:
        for one in module.imports:
            if one.path not in inside:
                outside.setdefault(places[one.path], set()).add(_variable(one.path))
    lines = [
        f'import {{ {", ".join(sorted(names))} }} from "{relative_path(bundle.path, path)}";'
        for path, names in sorted(outside.items())
    ]
    lines += [_render_module(module, bundle.path) for module in bundle.modules]
    if bundle.entry is None:
        lines.append(f"export {{ {', '.join(_variable(module.path) for module in bundle.modules)} }};")
    elif bundle.entry.path in inside:
        lines.append(f"export const {{ {', '.join(bundle.entry.exports)} }} = {_variable(bundle.entry.path)};")
    else:  # the script itself, which waits at its top level
        lines.append(_patterns(bundle.entry) + bundle.entry.body)
    return "\n".join(lines) + "\n"


def _render_module(module: Module, bundle: str) -> str:
    body = _patterns(module) + move_dynamic_imports(module.body, module.path, bundle)
    returned = f"return {{ {', '.join(module.exports)} }};\n" if module.exports else ""
    return f"const {_variable(module.path)} = (() => {{\n{body}{returned}}})();"


def _patterns(module: Module) -> str:
    return "".join(f"const {{ {', '.join(one.names)} }} = {_variable(one.path)};\n" for one in module.imports)


def _variable(path: str) -> str:
    return "$" + re.sub(r"\W", "_", path.removeprefix("modules/").removesuffix(".js"))
