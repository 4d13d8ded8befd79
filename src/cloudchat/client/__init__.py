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
from cloudchat.client.updates import Connected, Disconnected, Gap, Joined, JoinRefused, Logged, Passing, Update
from cloudchat.core.stream_position import StreamPosition

__all__ = [
    "ChatClient",
    "ClientError",
    "Closed",
    "Connected",
    "ConnectionEnded",
    "ConnectionLost",
    "Disconnected",
    "Gap",
    "JoinRefused",
    "Joined",
    "Logged",
    "OutboxFull",
    "OutcomeUnknown",
    "Passing",
    "ReconnectPolicy",
    "RequestRefused",
    "SendRefused",
    "SignInNeeded",
    "StreamPosition",
    "Update",
]
