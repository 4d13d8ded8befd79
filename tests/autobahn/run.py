"""`make autobahn`: the 300 cases of the Autobahn test suite for RFC 6455 against the socket protocol; some minutes.

The suite needs Python 2.7 (`pyenv install 2.7.18`, and PYTHON27=… if it is not on the PATH), so it is not part of the
tests. The suite and its reports are in .autobahn/.
"""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / ".autobahn"
SUITE = "autobahntestsuite==25.10.1"
COMPRESSION = ["12.*", "13.*"]
"""Compression is not offered: it costs 316 KiB per connection, and allows decompression bombs."""
KNOWN = {"7.1.5": "a close within a fragmented message is answered with 1002; so does the websockets library"}
ACCEPTED = {"OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"}


def python27() -> str:
    """Return the path of a Python 2.7 with pip. Ends the program if there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [os.environ.get("PYTHON27", ""), *map(str, sorted(pyenv.glob("2.7*/bin/python2.7"))), "python2.7"]
    for candidate in filter(None, candidates):
        try:
            subprocess.run([candidate, "-m", "pip", "--version"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    raise SystemExit("make autobahn needs Python 2.7 with pip: pyenv install 2.7.18, or set PYTHON27=…")


def install(python: str) -> Path:
    """Install the suite once, and return the directory of its packages."""
    packages, stamp = FOLDER / "packages", FOLDER / "installed"
    if not stamp.exists():
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--target", packages, SUITE], check=True)
        (
            packages / "zope" / "__init__.py"
        ).touch()  # a namespace package, which Python 2 does not find in such a directory
        stamp.touch()
    return packages


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def print_failures(reports: Path) -> int:
    """Print the failed cases; return 1 if any is not a known one, or if no case ran."""
    results = json.loads((reports / "index.json").read_text())["cloudchat"]
    counts: dict[str, int] = {}
    new = 0
    for case, result in sorted(results.items()):
        for verdict in {result["behavior"], result["behaviorClose"]} - ACCEPTED:
            known = KNOWN.get(case)
            new += known is None
            print(f"{case}: {verdict} ({known or 'see ' + str(reports / result['reportfile'])})")
        counts[result["behavior"]] = counts.get(result["behavior"], 0) + 1
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    return 1 if new or not results else 0


def main() -> int:
    python = python27()
    packages = install(python)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    reports = FOLDER / "reports"
    spec = FOLDER / "fuzzingclient.json"
    cases = {"cases": ["*"], "exclude-cases": COMPRESSION, "exclude-agent-cases": {}}
    servers = [{"agent": "cloudchat", "url": f"ws://127.0.0.1:{port}"}]
    spec.write_text(json.dumps({"outdir": str(reports), "servers": servers, **cases}))
    server = subprocess.Popen([sys.executable, HERE / "echo_server.py", str(port)])
    try:
        wait_for(port)
        suite = "from autobahntestsuite.wstest import run; run()"
        arguments = ["-m", "fuzzingclient", "-s", str(spec)]
        environment = {**os.environ, "PYTHONPATH": str(packages), "PYTHONWARNINGS": "ignore"}
        subprocess.run([python, "-c", suite, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)
    finally:
        server.terminate()
        server.wait()
    return print_failures(reports)


if __name__ == "__main__":
    sys.exit(main())
