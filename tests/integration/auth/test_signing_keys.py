"""Signing keys that several processes create at the same time."""

import subprocess
import sys
from pathlib import Path


def test_concurrent_first_starts_get_the_same_key(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from cloudchat.auth.keys.signing_keys import load_or_create; "
        "sys.stdin.read(); print(load_or_create(Path(sys.argv[1])).signing_kid)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "keys")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    kids = set()
    for process in started:
        assert process.stdout is not None
        kids.add(process.stdout.read())
        process.stdout.close()
        assert process.wait(30) == 0
    assert len(kids) == 1
