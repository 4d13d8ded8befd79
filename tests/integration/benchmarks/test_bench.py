"""`make bench` runs to its end, on a small scale."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent.parent.parent / "benchmarks" / "run.py"


@pytest.mark.skipif(not shutil.which("gcc"), reason="the load generator needs gcc")
def test_bench_measures_a_room_and_a_crowd_that_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    arguments = ("--members=20", "--seconds=0.2", "--rounds=1", "--returning=20", f"--json={file}")
    done = subprocess.run(
        [sys.executable, RUN, "--server=cloudchat", "--part=fan-out", "--part=reconnect", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = {row["what"]: row["values"]["cloudchat"] for row in json.loads(file.read_text())["rows"]}
    assert rows["deliveries per second, 16 in flight"][0] > 0
    assert rows["20 clients of a killed server, all are back, after it is ready"][0] < 30
    assert "| deliveries per second, 1 in flight" in done.stdout
