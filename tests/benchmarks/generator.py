"""Build the load generator and the bare C loop with gcc, and run measurements with it."""

import json
import resource
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import monotonic
from typing import IO

from benchmarks.machine import SERVER_CORE, cpu_seconds, machine_cpu_seconds
from benchmarks.servers import PROGRAMS, Server

Options = Mapping[str, float]  # of the load generator, as in `load --help`, with underscores
Measured = dict[str, float]
_SOURCES = Path(__file__).parent / "load"
_GCC = ("gcc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O2", "-Wall", "-Wextra", "-Werror")


class LoadFailed(RuntimeError):
    """The server refused a client, closed a connection or lost a message: the results would be worthless."""


class NoCompiler(RuntimeError):
    """There is no gcc, and without it no load."""


@dataclass
class Generator:
    """The built programs. `others_cpu`: the largest share of the machine that unrelated processes took in a run."""

    load: Path
    bare_loop: Path
    others_cpu: float = 0.0

    def run(self, measurement: str, server: Server, options: Options, *, first_token: int = 0) -> Measured:
        """Run one measurement on `server`. Raises LoadFailed."""
        with self.started(measurement, server, options, first_token=first_token) as process:
            return last_line(process)

    def ceiling(self, options: Options) -> Measured:
        """Measure what the generator itself can receive."""
        command = [str(self.load), "ceiling", f"--server-core={SERVER_CORE}", *_arguments(options)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            return last_line(process)

    @contextmanager
    def started(
        self, measurement: str, server: Server, options: Options, *, first_token: int = 0
    ) -> Iterator[subprocess.Popen[str]]:
        """Start a measurement, with the tokens from `first_token` on. The end of the block ends it."""
        pids = server.pids
        with NamedTemporaryFile("w", prefix="bench-", suffix=".tokens") as tokens:
            tokens.write("\n".join([*server.tokens[first_token:], *server.tokens[:first_token]]))
            tokens.flush()
            command = [
                *(str(self.load), measurement, f"--dialect={server.dialect}", f"--port={server.port}"),
                *([f"--tokens={tokens.name}"] if server.tokens else []),
                *(f"--pid={pid}" for pid in pids),
                *_arguments(options),
            ]
            started_at, machine = monotonic(), machine_cpu_seconds()
            ours = _children_seconds() + cpu_seconds(pids)
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            try:
                yield process
            finally:
                process.kill()
                process.communicate()
            if measurement == "fan-out":
                ours = _children_seconds() + cpu_seconds(pids) - ours
                share = (machine_cpu_seconds() - machine - ours) / (monotonic() - started_at)
                self.others_cpu = max(self.others_cpu, share)


def build(folder: Path) -> Generator:
    """Compile both programs into `folder`, which takes two seconds. Raises NoCompiler."""
    if not shutil.which("gcc"):
        raise NoCompiler("the load generator needs gcc: apt-get install gcc libc6-dev")
    folder.mkdir(parents=True, exist_ok=True)
    built = Generator(load=folder / "load", bare_loop=folder / "bare_loop")
    subprocess.run([*_GCC, "-o", built.load, *sorted(_SOURCES.glob("*.c"))], check=True)
    subprocess.run([*_GCC, "-o", built.bare_loop, PROGRAMS / "bare_loop.c", _SOURCES / "frames.c"], check=True)
    return built


def next_line(process: subprocess.Popen[str]) -> Measured:
    """Return the next result of a measurement. Raises LoadFailed if it has failed."""
    line = _stream(process.stdout).readline()
    if not line:
        raise LoadFailed(_stream(process.stderr).read().strip() or "the load generator ended")
    return {name: float(value) for name, value in json.loads(line).items()}


def last_line(process: subprocess.Popen[str]) -> Measured:
    """Wait for the end of a measurement, and return its result. Raises LoadFailed."""
    result = next_line(process)
    if process.wait(60) != 0:
        raise LoadFailed(_stream(process.stderr).read().strip())
    return result


def _arguments(options: Options) -> list[str]:
    return [f"--{name.replace('_', '-')}={value:g}" for name, value in options.items()]


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
