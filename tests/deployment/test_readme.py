"""Every command in README.md and the runbook works as it stands there, as far as one machine can try it."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudchat.cli.main import parser
from support.server import CLOUDCHAT, RunningServer, environment_of

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = (CHECKOUT / "README.md", CHECKOUT / "docs/RUNBOOK.md", CHECKOUT / "tests/README.md")
_INDENTED = re.compile(r"^(?: {4}| {7})(?=\S)(?!- )(?P<line>.*)$", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`(?P<line>[^`]+)`")
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


def lines_of(document: Path) -> Iterator[str]:
    """The commands of a document: indented lines, those that go on joined; and what stands between backticks."""
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for pattern in (_INDENTED, _INLINE):
        yield from (found["line"].replace("\n", " ") for found in pattern.finditer(re.sub(r"\\\n\s*", "", text)))


def commands_beginning(*words: str) -> list[str]:
    found = {
        part.strip()
        for document in DOCUMENTS
        for line in lines_of(document)
        for part in re.split(r"\s[|·]\s", line)
        if any(part.strip().startswith(f"{word} ") for word in words)
    }
    return sorted(found)


def cloudchat_commands() -> list[str]:
    prefixes = "cloudchat", "sudo cloudchat", ".venv/bin/cloudchat"
    return [command for command in commands_beginning(*prefixes) if "…" not in command]


@pytest.mark.parametrize("command", cloudchat_commands())
def test_a_command_of_cloudchat_is_one(command: str) -> None:
    words = shlex.split(re.sub(r"<[^>]*>", "PLACE", re.sub(r"\[(.*?)\]", r"\1", command)), comments=True)
    arguments = words[words.index(next(word for word in words if word.endswith("cloudchat"))) + 1 :]
    if "--help" not in arguments:
        parser().parse_args(arguments)
        return
    with pytest.raises(SystemExit, match=r"^0$"):
        parser().parse_args(arguments)


def test_there_are_such_commands() -> None:
    assert len(cloudchat_commands()) > 10


@pytest.mark.parametrize("command", commands_beginning("make"))
def test_a_target_of_make_is_one(command: str) -> None:
    target = shlex.split(command)[1]
    assert subprocess.run(["make", "-n", "-C", CHECKOUT, target], capture_output=True).returncode == 0


@pytest.mark.parametrize("command", commands_beginning("sudo config/install.sh", "config/install.sh"))
def test_the_installer_takes_its_options(command: str) -> None:
    words = [word for word in shlex.split(command.rstrip("….")) if word != "sudo"]
    if "--domain" not in words and "--uninstall" not in words and "--help" not in words:
        words += ["--domain", "chat.example.com", "--email", "ops@example.com"]
    done = subprocess.run([*words, "--dry-run"], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", commands_beginning("aws cloudformation deploy"))
def test_a_stack_takes_the_parameters_that_it_is_given(command: str) -> None:
    words = shlex.split(re.sub(r"<[^>]*>", "PLACE", command))
    template = (CHECKOUT / words[words.index("--template-file") + 1]).read_text()
    known = set(re.findall(r"^  (\w+):\n    Type: (?:String|Number)", template, re.MULTILINE))
    given = [word.partition("=")[0] for word in words[words.index("--parameter-overrides") + 1 :]]
    assert given
    assert set(given) <= known
    required = set(re.findall(r"^  (\w+):\n    Type: \w+\n(?!    Default)", template.partition("\nRules:")[0], re.M))
    assert required <= set(given)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_link_leads_somewhere(document: Path) -> None:
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in document.read_text().splitlines()
        if line.startswith("#")
    }
    for target in (found["target"] for found in _LINK.finditer(document.read_text())):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif not target.startswith("http"):
            assert (document.parent / target.partition("#")[0]).exists(), target


def test_the_first_steps_of_an_administrator_work_as_they_stand_there(server: RunningServer) -> None:
    section = (CHECKOUT / "README.md").read_text().partition("## Accounts and tokens")[2].partition("\n##")[0]
    steps = [found["line"] for found in _INDENTED.finditer(section) if "cloudchat admin" in found["line"]]
    assert len(steps) >= 3
    for step in steps:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", step.replace("cloudchat", str(CLOUDCHAT))],
            env=environment_of(server.state_dir, {}),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (step, done.stderr)
