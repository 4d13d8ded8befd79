"""Signals: what one process tells all the others, without a guarantee.

All signals of all rooms use one pub/sub channel of the store. A process publishes what has collected as one message, at
most one every `FLUSH_SECONDS`, so the number of messages depends on the number of processes and not on that of users.
A process receives its own messages, too, and acts on a signal only then: one path for all of them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from cloudchat.broker.connections import BrokerUnavailable

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.05
MAX_COLLECTED = 1000
"""Of the signals within `FLUSH_SECONDS`, more than this many are dropped."""

Publish = Callable[[bytes], Awaitable[None]]
"""Publishes one message to all processes. Raises `BrokerUnavailable`."""


class Signal(msgspec.Struct, frozen=True, array_like=True):
    """The base of all signals."""


class Typing(Signal, frozen=True, array_like=True, tag="typing"):
    """A user types in a room."""

    room: str
    user_id: str
    user_name: str


class ReadAdvanced(Signal, frozen=True, array_like=True, tag="read"):
    """A user has read a room up to `seq`. `connection` is the one that said so: it is not told.

    `is_direct`: the others in the room are told, too.
    """

    room: str
    user_id: str
    seq: int
    connection: str
    is_direct: bool = False


class PresenceChanged(Signal, frozen=True, array_like=True, tag="presence"):
    """Users came to a process, and left it. `version` numbers the changes of a process without holes."""

    process: str
    version: int
    came: list[str]
    left: list[str]


class RoomsChanged(Signal, frozen=True, array_like=True, tag="rooms"):
    """Rooms or their members have changed: read the changes now."""


AnySignal = Typing | ReadAdvanced | PresenceChanged | RoomsChanged

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[list[AnySignal]] = msgspec.json.Decoder(list[AnySignal])


def encode_signals(signals: list[AnySignal]) -> bytes:
    """Return the message that carries signals."""
    return _encoder.encode(signals)


class SignalReceiver(Protocol):
    """Acts on the signals of all processes."""

    def signal_received(self, signal: AnySignal) -> None:
        """Act on one signal. Must not raise."""


class SignalPublisher:
    """Collects the signals of this process and publishes them together."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._collected: list[AnySignal] = []
        self._wake = asyncio.Event()
        self.dropped = 0
        """Signals that were not published because there were too many, or because the store did not answer."""

    def send(self, signal: AnySignal) -> None:
        """Publish a signal within a moment, if the store can be reached. Does not wait."""
        if len(self._collected) >= MAX_COLLECTED:
            self.dropped += 1
            return
        self._collected.append(signal)
        self._wake.set()

    async def run(self) -> None:
        """Publish what is collected, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            signals, self._collected = self._collected, []
            try:
                await self._publish(encode_signals(signals))
            except BrokerUnavailable:
                self.dropped += len(signals)
            await asyncio.sleep(FLUSH_SECONDS)


def receive(message: bytes, receiver: SignalReceiver) -> None:
    """Pass the signals of a published message on. A message of a server that has other signals is ignored."""
    try:
        signals = _decoder.decode(message)
    except msgspec.DecodeError:
        logger.debug("a message with unknown signals was ignored")
        return
    for signal in signals:
        receiver.signal_received(signal)
