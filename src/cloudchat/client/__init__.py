"""The Python client, for bots, fault tests and other programs. It uses the same terms as the page's modules.

Import from here; the modules below are internal. Nothing else in cloudchat may import this package.
Start with `chat_client`. It is a thin shell around `chat_protocol`, which holds the rules and does no I/O.
"""

from cloudchat.client.chat_client import ChatClient
from cloudchat.client.errors import (
    ClientClosed,
    ClientError,
    ConnectionEnded,
    ConnectionLost,
    OutboxFull,
    OutcomeUnknown,
    RequestRefused,
    SendRefused,
    SignInRequired,
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
    "ClientClosed",
    "ClientError",
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
    "SignInRequired",
    "StreamPosition",
    "Update",
]
