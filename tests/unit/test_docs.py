"""The documents are correct: no dead link, no file, command, target or setting that does not exist."""

import contextlib
import io
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cloudchat.cli.main import parser
from cloudchat.settings import Settings
from support.documents import CHECKOUT, Command, anchors, commands, documents, inline_code, links

DECISIONS = CHECKOUT / "docs" / "decisions"
_FILE = re.compile(
    r"(?!/)[\w./-]+/[\w.-]+\.(?:py|lua|js|css|md|sh|conf|yml|yaml|json|toml|lock|ini|service|socket|timer|example)"
)
_FOLDER = re.compile(r"(?:[a-z_]+/)+")
_SOURCE = (".py", ".lua", ".js", ".css")
_ROOTS = ("", "src/cloudchat", "tests", "frontend", "frontend/modules")
_VARIABLE = re.compile(r"\bCLOUDCHAT_[A-Z0-9_]*[A-Z0-9]\b")
_SETTINGS = {f"CLOUDCHAT_{name.upper()}" for name in Settings.model_fields}

each_document = pytest.mark.parametrize("document", documents(), ids=lambda path: path.relative_to(CHECKOUT).as_posix())


def test_finds_the_documents_and_their_commands() -> None:
    names = {path.relative_to(CHECKOUT).as_posix() for path in documents()}
    assert {"README.md", "SECURITY.md", "docs/protocol.md", ".github/pull_request_template.md"} <= names
    assert len(commands("cloudchat", "sudo cloudchat")) > 20
    assert len(commands("make")) > 5


@each_document
def test_no_link_is_dead(document: Path) -> None:
    dead = [target for target in links(document) if not _leads_somewhere(document, target)]
    assert dead == []


@each_document
def test_named_files_exist(document: Path) -> None:
    named = {code for code in inline_code(document) if _FILE.fullmatch(code) or _FOLDER.fullmatch(code)}
    assert [name for name in sorted(named) if not _exists(document, name)] == []


@each_document
def test_named_variables_are_settings(document: Path) -> None:
    if document.name == "CHANGELOG.md":  # it also names settings of earlier versions
        return
    assert set(_VARIABLE.findall(document.read_text())) - _SETTINGS == set()


def test_the_configuration_page_lists_every_setting() -> None:
    listed = re.findall(r"^\| `(CLOUDCHAT_\w+)` \|", (CHECKOUT / "docs/configuration.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(_SETTINGS)


@pytest.mark.parametrize("command", commands("cloudchat", "sudo cloudchat", ".venv/bin/cloudchat"), ids=str)
def test_a_cloudchat_command_exists_with_its_options(command: Command) -> None:
    text = re.sub(r"<[^>]*>", "PLACE", re.sub(r"\[(.*?)\]", r"\1", command.text))
    words = [word for word in shlex.split(text, comments=True) if word != "…"]
    arguments = words[next(at for at, word in enumerate(words) if word.endswith("cloudchat")) + 1 :]
    if "--version" in arguments:
        with pytest.raises(SystemExit, match=r"^0$"):
            parser().parse_args(arguments)
        return
    if command.complete and "--help" not in arguments:
        parser().parse_args(arguments)
        return
    shown = _help([argument for argument in arguments if not argument.isupper()])
    for option in (argument.partition("=")[0] for argument in arguments if argument.startswith("--")):
        assert option in shown


@pytest.mark.parametrize("command", commands("make"), ids=str)
def test_a_make_target_exists(command: Command) -> None:
    targets = re.findall(r"^([a-z-]+):(?!=)", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    named = [word for word in shlex.split(command.text)[1:] if "=" not in word and word != "…"]
    assert named
    assert set(named) <= set(targets)


def test_the_index_of_decisions_is_complete() -> None:
    records = [path.name for path in sorted(DECISIONS.glob("[0-9]*.md"))]
    assert re.findall(r"^\| \[\d{4}\]\(([^)]+)\) \|", (DECISIONS / "README.md").read_text(), re.MULTILINE) == records
    numbers = [int(name[:4]) for name in records]
    assert numbers == list(range(1, len(records) + 1))


@pytest.mark.parametrize("record", sorted(DECISIONS.glob("[0-9]*.md")), ids=lambda path: path.name)
def test_a_decision_record_has_its_sections(record: Path) -> None:
    text = record.read_text()
    assert text.startswith(f"# {record.name[:4]}. ")
    assert "\nStatus: " in text
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sections == ["Context", "Decision", "Consequences", "Alternatives"]


def _leads_somewhere(document: Path, target: str) -> bool:
    if "://" in target:
        url = urlsplit(target)
        return bool(url.hostname) and (url.scheme == "https" or url.hostname == "127.0.0.1")
    path, _, anchor = target.partition("#")
    file = document.parent / path if path else document
    return file.exists() and (not anchor or anchor in anchors(file))


def _exists(document: Path, name: str) -> bool:
    """Return whether a file is in the checkout; also true for files that exist only on an installed machine."""
    roots = (document.parent, *(CHECKOUT / root for root in _ROOTS))
    if any((root / name).exists() for root in roots):
        return True
    first = name.partition("/")[0]
    return not name.endswith(_SOURCE) and not any((root / first).exists() for root in roots)


def _help(arguments: list[str]) -> str:
    """Return what the command's `--help` prints; fails when there is no such command."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit, match=r"^0$"):
        parser().parse_args([*arguments, "--help"])
    return printed.getvalue()
