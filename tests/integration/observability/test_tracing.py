"""The spans of a message that a server with two workers exports to an OpenTelemetry collector."""

import gzip
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from support.accounts import register
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket


@contextmanager
def collector() -> Iterator[tuple[str, list[Span]]]:
    """Run an OTLP receiver; yield its endpoint and the received spans."""
    spans: list[Span] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_all_processes_export_one_trace_per_message_with_its_cid_as_id() -> None:
    with collector() as (endpoint, spans):
        environment = {
            "CLOUDCHAT_TRACE_RATIO": "1",
            "CLOUDCHAT_WORKERS": "2",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        with RunningServer(environment=environment) as server:
            user = register(server.url)
            sockets = [
                ChatSocket(server.ws_url, user.access_token) for _ in range(8)
            ]  # so many that both workers get some
            for socket in sockets:
                socket.command("join", room="lobby")
            cid = uuid.uuid4()
            ack = sockets[0].command("send", room="lobby", cid=str(cid), text="followed")
            assert ack["type"] == "ack"
            wait_until(lambda: {span.name for span in list(spans)} == {"send", "deliver"}, "the spans")
            for socket in sockets:
                socket.close()
        (send,) = [span for span in spans if span.name == "send"]
        delivers = [span for span in spans if span.name == "deliver"]
        assert {span.trace_id for span in spans} == {cid.bytes}
        assert send.parent_span_id == b""
        assert {span.parent_span_id for span in delivers} == {send.span_id}
        assert 1 <= len(delivers) <= 2
        attributes = {pair.key: pair.value for pair in send.attributes}
        assert attributes["cloudchat.seq"].int_value == ack["seq"]
