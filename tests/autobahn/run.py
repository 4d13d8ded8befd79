"""`make autobahn`: the Autobahn test suite's 300 cases of RFC 6455 against the socket protocol. Takes some minutes.

The suite runs on Python 2.7 alone (`pyenv install 2.7.18`, and PYTHON27=… if it is not on the PATH), so this is no part
of the tests. It and its reports are kept in .autobahn/.
"""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
KEPT = HERE.parents[1] / ".autobahn"
SUITE = "autobahntestsuite==25.10.1"
COMPRESSION = ["12.*", "13.*"]
"""Not offered: 316 KiB a connection, and a bomb's fuse."""
KNOWN = {"7.1.5": "a close in the midst of a message is answered with 1002, as the websockets library has it"}
GOOD = {"OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"}


def python27() -> str:
    """A Python 2.7 that has pip. Ends the program when there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [os.environ.get("PYTHON27", ""), *map(str, sorted(pyenv.glob("2.7*/bin/python2.7"))), "python2.7"]
    for candidate in filter(None, candidates):
        try:
            subprocess.run([candidate, "-m", "pip", "--version"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    raise SystemExit("make autobahn needs Python 2.7 with pip: pyenv install 2.7.18, or name it with PYTHON27=…")


def install(python: str) -> Path:
    """The suite's packages, installed once."""
    packages, stamp = KEPT / "packages", KEPT / "installed"
    if not stamp.exists():
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--target", packages, SUITE], check=True)
        (packages / "zope" / "__init__.py").touch()  # a namespace, which Python 2 can't see in such a folder
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


def judge(reports: Path) -> int:
    """Print what failed; 1 if it is more than what is known."""
    results = json.loads((reports / "index.json").read_text())["cloudchat"]
    counts: dict[str, int] = {}
    new = 0
    for case, result in sorted(results.items()):
        for verdict in {result["behavior"], result["behaviorClose"]} - GOOD:
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
    reports = KEPT / "reports"
    spec = KEPT / "fuzzingclient.json"
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
    return judge(reports)


if __name__ == "__main__":
    sys.exit(main())
