"""The metadata service of an EC2 instance, version 2 only: requests without a token are refused."""

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class InstanceMetadata:
    """Serve the metadata of an instance with these credentials (in the form of `sts:AssumeRole`)."""

    def __init__(self, region: str, credentials: dict[str, str]) -> None:
        token = secrets.token_hex(8)
        metadata = {
            "placement/region": region,
            "instance-id": "i-0123456789abcdef0",
            "public-ipv4": "203.0.113.9",
            "iam/security-credentials/": "the-role",
            "iam/security-credentials/the-role": json.dumps(
                {
                    "AccessKeyId": credentials["AccessKeyId"],
                    "SecretAccessKey": credentials["SecretAccessKey"],
                    "Token": credentials["SessionToken"],
                }
            ),
        }

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                valid = self.path == "/latest/api/token" and "X-aws-ec2-metadata-token-ttl-seconds" in self.headers
                self._respond(token if valid else None)

            def do_GET(self) -> None:
                name = self.path.removeprefix("/latest/meta-data/")
                self._respond(metadata.get(name) if self.headers["X-aws-ec2-metadata-token"] == token else None)

            def _respond(self, text: str | None) -> None:
                self.send_response(401 if text is None else 200)
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
