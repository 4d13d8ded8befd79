"""`EmulatedAws`: moto's server in its own process, on a free port. No request leaves this machine."""

import re
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
import httpx

from support import processes
from support.server import environment_of

REGION = "eu-central-1"
_MOTO = Path(sysconfig.get_path("scripts")) / "moto_server"
_COLOUR = re.compile("\x1b\\[[0-9;]*m")
_RUNNING = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")


class EmulatedAws:
    """An AWS account that is empty at first. Use as a context manager."""

    def __init__(self) -> None:
        self.url = ""
        self._log = tempfile.NamedTemporaryFile(prefix="moto-", suffix=".log")  # noqa: SIM115 (lives as long as this)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [_MOTO, "-H", "127.0.0.1", "-p", "0"],
            env=environment_of(Path("/nonexistent")),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            processes.wait_until(self._has_started, "moto starts", seconds=60)  # it imports all of AWS
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def log(self) -> str:
        """The log of all requests so far, one line each."""
        return _COLOUR.sub("", Path(self._log.name).read_text(errors="replace"))

    def client(self, service: str) -> Any:
        """Return a boto3 client for this account."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="an-id",
            aws_secret_access_key="a-secret",
        )

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make another process use this account, and hide the developer's own account from it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "an-id",
            "AWS_SECRET_ACCESS_KEY": "a-secret",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def enforce_permissions(self) -> None:
        """Check the signature and the permissions of every further request. This cannot be undone."""
        httpx.post(f"{self.url}/moto-api/reset-auth", content=b"0", verify=False).raise_for_status()

    def _has_started(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"moto exited:\n{self.log}"
        found = _RUNNING.search(self.log)
        self.url = found[1] if found else ""
        return found is not None

    def _stop(self) -> None:
        if self._process is not None:
            processes.stop(self._process)
        self._log.close()
