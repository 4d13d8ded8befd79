"""OpenTelemetry spans of a message: `send` in the process that accepts it, `deliver` in each process that delivers it.

The id of the trace is the message's `cid`, which has 128 bits, too, and is already in the event. So all processes use
one trace, and sample the same messages, with no extra field on the wire. A thread of the library exports the spans in
batches; its queue is bounded, and spans that do not fit are dropped. The `OTEL_*` variables set the destination.
"""

import re
import time
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
from cloudchat.broker.appends import AppendCallback, Appended, AppendOutcome, Refused
from cloudchat.broker.broker import Listener
from cloudchat.core.timestamps import instant_of
from cloudchat.messages.service import MessageService
from cloudchat.protocol.commands import Delete, Edit, React, Send
from cloudchat.protocol.errors import Error
from cloudchat.rooms.summaries.summary import RoomSummary

_CID = re.compile(rb'"cid":"([0-9a-fA-F-]{32,36})"')


class MessageTracing:
    """Create the spans of one process."""

    def __init__(self, ratio: float) -> None:
        """`ratio`: the share of messages to trace, from 0 to 1."""
        self._ids = _Ids()
        resource = Resource.create({"service.name": "cloudchat", "service.version": __version__})
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(ratio), id_generator=self._ids, resource=resource, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("cloudchat", __version__)

    def messages(self, messages: MessageService) -> MessageService:
        """Return a service that does the same, and creates a span for each message."""
        return _TracedMessageService(messages, self)

    def listener(self, listener: Listener) -> Listener:
        """Return a listener that does the same, and creates a span for each event."""
        return _TracedListener(listener, self)

    def close(self) -> None:
        """Export the remaining spans and end the thread. Blocks."""
        self._provider.shutdown()

    def start_send(self, cid: str, room: str) -> Span:
        """Start the span of an append. It is the root of the trace, and its ids follow from the cid."""
        self._ids.next_root = UUID(cid)
        return self._tracer.start_span(
            "send", context=Context(), kind=SpanKind.SERVER, attributes={"cloudchat.room": room}
        )

    def record_delivery(self, cid: str, room: str, seq: int, stored_at: float | None, now: float) -> None:
        """Record a span from the time in the event to its delivery in this process. Times are seconds since 1970."""
        trace_id = UUID(cid)
        root = SpanContext(
            trace_id.int, _root_span_id(trace_id), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
        )
        span = self._tracer.start_span(
            "deliver",
            context=set_span_in_context(NonRecordingSpan(root), Context()),
            kind=SpanKind.CONSUMER,
            attributes={"cloudchat.room": room, "cloudchat.seq": seq},
            start_time=_nanoseconds(now if stored_at is None else min(stored_at, now)),
        )
        span.end(_nanoseconds(now))


class _TracedMessageService(MessageService):
    def __init__(self, messages: MessageService, tracing: MessageTracing) -> None:
        self._messages = messages
        self._tracing = tracing

    def post(
        self,
        author: Principal,
        room: RoomSummary | None,
        command: Send,
        now: float,
        on_done: AppendCallback,
    ) -> Error | None:
        """See `MessageService`."""
        span = self._tracing.start_send(command.cid, command.room)

        def end_span(outcome: AppendOutcome) -> None:
            if isinstance(outcome, Appended):
                span.set_attributes({"cloudchat.seq": outcome.seq, "cloudchat.duplicate": outcome.duplicate})
            else:
                reason = outcome.reason.name.lower() if isinstance(outcome, Refused) else "unavailable"
                span.set_status(StatusCode.ERROR, reason)
            span.end()
            on_done(outcome)

        rejection = self._messages.post(author, room, command, now, end_span)
        if rejection is not None:
            span.set_status(StatusCode.ERROR, rejection.code)
            span.end()
        return rejection

    def change(
        self,
        author: Principal,
        room: RoomSummary | None,
        command: Edit | Delete | React,
        now: float,
        on_done: AppendCallback,
    ) -> Error | None:
        """See `MessageService`. A change has no span: the id of a trace is in the event of a message only."""
        return self._messages.change(author, room, command, now, on_done)

    def notice(self, room: str, cid: str, notice: bytes, at: float, version: int, on_done: AppendCallback) -> None:
        """See `MessageService`."""
        self._messages.notice(room, cid, notice, at, version, on_done)


class _TracedListener:
    def __init__(self, listener: Listener, tracing: MessageTracing) -> None:
        self._listener = listener
        self._tracing = tracing

    def subscribed(self, room: str) -> None:
        """See `Listener`."""
        self._listener.subscribed(room)

    def event_received(self, room: str, epoch: str, seq: int, event: bytes) -> None:
        """See `Listener`."""
        self._listener.event_received(room, epoch, seq, event)
        cid = _CID.search(event)
        if cid is not None:
            self._tracing.record_delivery(cid[1].decode(), room, seq, instant_of(event), time.time())


class _Ids(IdGenerator):
    """Random ids, except for one root span whose trace id was set before."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.next_root: UUID | None = None

    def generate_span_id(self) -> int:
        trace_id, self.next_root = self.next_root, None
        return self._random.generate_span_id() if trace_id is None else _root_span_id(trace_id)

    def generate_trace_id(self) -> int:
        return self._random.generate_trace_id() if self.next_root is None else self.next_root.int


def _root_span_id(trace_id: UUID) -> int:
    return (trace_id.int & (2**64 - 1)) or 1


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
