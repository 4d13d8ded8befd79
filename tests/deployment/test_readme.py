"""The steps of the documents work as they are written, as far as one machine can try them.

`tests/unit/test_docs.py` checks links, files, commands and settings; this file runs things.
"""

import os
import re
import shlex
import subprocess
import threading

import pytest

from support.documents import CHECKOUT, Command, commands
from support.server import CLOUDCHAT, RunningServer, environment_of

README = (CHECKOUT / "README.md").read_text()


@pytest.mark.parametrize("command", commands("sudo config/install.sh", "config/install.sh"), ids=str)
def test_the_installer_accepts_the_options(command: Command) -> None:
    words = [word for word in shlex.split(command.text.rstrip("….")) if word != "sudo"]
    if "--domain" not in words and "--uninstall" not in words and "--help" not in words:
        words += ["--domain", "chat.example.com", "--email", "ops@example.com"]
    done = subprocess.run([*words, "--dry-run"], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", commands("aws cloudformation deploy"), ids=str)
def test_a_stack_has_the_parameters_that_it_is_given(command: Command) -> None:
    words = shlex.split(re.sub(r"<[^>]*>", "PLACE", command.text))
    template = (CHECKOUT / words[words.index("--template-file") + 1]).read_text()
    known = set(re.findall(r"^  (\w+):\n    Type: (?:String|Number)", template, re.MULTILINE))
    given = [word.partition("=")[0] for word in words[words.index("--parameter-overrides") + 1 :]]
    assert given
    assert set(given) <= known
    required = set(re.findall(r"^  (\w+):\n    Type: \w+\n(?!    Default)", template.partition("\nRules:")[0], re.M))
    assert required <= set(given)


def test_the_first_accounts_and_the_bot_work_as_written(server: RunningServer) -> None:
    section = README.partition("## First accounts")[2].partition("\n##")[0]
    steps = re.findall(r"^    (.*cloudchat admin .*)$", section, re.MULTILINE)
    assert len(steps) >= 3
    printed = [_run(server, step) for step in steps]
    [token] = [text for step, text in zip(steps, printed, strict=True) if "issue-token" in step]
    [bot] = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    program = bot.replace("ws://127.0.0.1:8000/ws", server.ws_url)
    assert program != bot
    environment = {**os.environ, "CHAT_TOKEN": token, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [CLOUDCHAT.parent / "python", "-c", program], env=environment, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        deadline = threading.Timer(30, running.kill)
        deadline.start()
        try:
            assert running.stdout.readline() == "ada good morning\n"
        finally:
            deadline.cancel()
            running.kill()


def _run(server: RunningServer, step: str) -> str:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", step.replace("cloudchat", str(CLOUDCHAT))],
        env=environment_of(server.state_dir, {}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (step, done.stderr)
    return done.stdout.strip()
