"""The path of a message as OpenTelemetry spans: `send` where it came in, `deliver` in every process that heard it.

The trace's id is the message's `cid`, which is 128 bits too and travels with it already: so all processes speak of one
trace, and keep or leave the same ones, without a word more on the wire. Spans leave in batches from a thread of the
library's; its queue is bounded, and what does not fit is dropped. Where to, say the library's own `OTEL_*` variables.
"""

import re
import time
from collections.abc import Mapping
from uuid import UUID

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags, set_span_in_context
from opentelemetry.trace.status import StatusCode

from cloudchat import __version__
from cloudchat.auth.principal import Principal
from cloudchat.broker.broker import Appended, BrokerUnavailable, Done, Listener
from cloudchat.core.timestamps import instant_of
from cloudchat.messages.service import MessageService
from cloudchat.protocol.commands import Send
from cloudchat.protocol.errors import Error
from cloudchat.rooms.service import RoomSummary

_CID = re.compile(rb'"cid":"([0-9a-fA-F-]{32,36})"')


class MessageTracing:
    """Makes the spans of one process."""

    def __init__(self, ratio: float) -> None:
        """`ratio` of all messages are traced, from 0 to 1."""
        self._ids = _Ids()
        resource = Resource.create({"service.name": "cloudchat", "service.version": __version__})
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(ratio), id_generator=self._ids, resource=resource, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("cloudchat", __version__)

    def sending(self, cid: str, room: str) -> Span:
        """The span of a message on its way to the log: the trace's root, whose ids follow from the cid."""
        self._ids.next_root = UUID(cid)
        return self._tracer.start_span(
            "send", context=Context(), kind=SpanKind.SERVER, attributes={"cloudchat.room": room}
        )

    def delivered(self, cid: str, room: str, seq: int, written_at: float | None, now: float) -> None:
        """The span of an event from its own time to its delivery here. Instants are seconds since 1970."""
        trace = UUID(cid)
        root = SpanContext(trace.int, _span_id(trace), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
        span = self._tracer.start_span(
            "deliver",
            context=set_span_in_context(NonRecordingSpan(root), Context()),
            kind=SpanKind.CONSUMER,
            attributes={"cloudchat.room": room, "cloudchat.seq": seq},
            start_time=_nanoseconds(now if written_at is None else min(written_at, now)),
        )
        span.end(_nanoseconds(now))

    def messages(self, messages: MessageService) -> MessageService:
        """The same service, with a span for each message."""
        return TracedMessages(messages, self)

    def listener(self, listener: Listener) -> Listener:
        """The same listener, with a span for each event."""
        return TracedListener(listener, self)

    def close(self) -> None:
        """Send what is left, and end the thread. Blocking."""
        self._provider.shutdown()


class TracedMessages(MessageService):
    """Messages with their spans."""

    def __init__(self, messages: MessageService, traces: MessageTracing) -> None:
        self._messages = messages
        self._traces = traces

    def post(
        self, author: Principal, rooms: Mapping[str, RoomSummary], command: Send, now: float, done: Done
    ) -> Error | None:
        """See `MessageService`."""
        span = self._traces.sending(command.cid, command.room)

        def traced(outcome: Appended | BrokerUnavailable) -> None:
            if isinstance(outcome, Appended):
                span.set_attributes({"cloudchat.seq": outcome.seq, "cloudchat.duplicate": outcome.duplicate})
            else:
                span.set_status(StatusCode.ERROR, "unavailable")
            span.end()
            done(outcome)

        refusal = self._messages.post(author, rooms, command, now, traced)
        if refusal is not None:
            span.set_status(StatusCode.ERROR, refusal.code)
            span.end()
        return refusal


class TracedListener:
    """A subscription's listener, with a span for each event that it hears."""

    def __init__(self, listener: Listener, traces: MessageTracing) -> None:
        self._listener = listener
        self._traces = traces

    def subscribed(self, room: str) -> None:
        """See `Listener`."""
        self._listener.subscribed(room)

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        """See `Listener`."""
        self._listener.event_received(room, epoch, seq, event)
        cid = _CID.search(event)
        if cid is not None:
            self._traces.delivered(cid[1].decode(), room, seq, instant_of(event), time.time())


class _Ids(IdGenerator):
    """Random ids, but for a root that was asked for."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.next_root: UUID | None = None

    def generate_span_id(self) -> int:
        root, self.next_root = self.next_root, None
        return self._random.generate_span_id() if root is None else _span_id(root)

    def generate_trace_id(self) -> int:
        return self._random.generate_trace_id() if self.next_root is None else self.next_root.int


def _span_id(trace: UUID) -> int:
    return (trace.int & (2**64 - 1)) or 1


def _nanoseconds(instant: float) -> int:
    return int(instant * 1e9)
