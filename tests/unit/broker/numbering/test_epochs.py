import subprocess
import sys

from cloudchat.broker.numbering.epochs import new_epoch


def test_names_are_unique() -> None:
    assert len({new_epoch() for _ in range(1000)}) == 1000


def test_forked_process_makes_other_names() -> None:
    """A replaced worker is a fork of the same process as the worker before it."""
    program = (
        "import os\n"
        "from cloudchat.broker.numbering.epochs import new_epoch\n"
        "child = os.fork()\n"
        "os.write(1, new_epoch().encode() + b'\\n')\n"
        "if child: os.wait()\n"
    )
    names = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert len(set(names)) == len(names) == 2
