"""The Python client: what bots, the command line's chat, and the tests use."""

from cloudchat.client.chat_client import ChatClient
from cloudchat.client.errors import (
    ClientError,
    Closed,
    ConnectionEnded,
    ConnectionLost,
    OutboxFull,
    OutcomeUnknown,
    RequestRefused,
    SendRefused,
    SignInNeeded,
)
from cloudchat.client.reconnect_policy import ReconnectPolicy
from cloudchat.client.updates import (
    Connected,
    Disconnected,
    EphemeralEvent,
    Gap,
    Joined,
    JoinRefused,
    RoomEvent,
    Update,
)
from cloudchat.core.stream_position import StreamPosition

__all__ = [
    "ChatClient",
    "ClientError",
    "Closed",
    "Connected",
    "ConnectionEnded",
    "ConnectionLost",
    "Disconnected",
    "EphemeralEvent",
    "Gap",
    "JoinRefused",
    "Joined",
    "OutboxFull",
    "OutcomeUnknown",
    "ReconnectPolicy",
    "RequestRefused",
    "RoomEvent",
    "SendRefused",
    "SignInNeeded",
    "StreamPosition",
    "Update",
]
