"""The Python client, for bots, the terminal client and fault tests. It uses the same terms as the page's modules.

Import from here; the modules below are internal. Only `cloudchat.terminal` imports this package.
Start with `chat_client`. It is a thin shell around `protocol/`, which holds the rules and does no I/O.
"""

from cloudchat.client.chat_client import ChatClient
from cloudchat.client.connection_loop import TokenProvider
from cloudchat.client.errors import (
    ClientClosed,
    ClientError,
    CommandRefused,
    ConnectionEnded,
    ConnectionLost,
    OutboxFull,
    OutcomeUnknown,
    RequestRefused,
    SendRefused,
    SignInRequired,
)
from cloudchat.client.network_problem import network_problem
from cloudchat.client.protocol.reconnect_policy import ReconnectPolicy
from cloudchat.client.protocol.replies import Ack, HistoryPage, Present, UnreadCount
from cloudchat.client.protocol.room_events import (
    Deleted,
    Edited,
    Message,
    Notice,
    Reaction,
    ReactionCount,
    RoomEvent,
    User,
)
from cloudchat.client.protocol.updates import (
    Connected,
    Disconnected,
    EphemeralEvent,
    Gap,
    Joined,
    JoinRefused,
    Presence,
    ReadBy,
    ReadElsewhere,
    Room,
    RoomAdded,
    RoomChanged,
    RoomRemoved,
    Typing,
    Update,
)
from cloudchat.core.stream_position import StreamPosition

__all__ = [
    "Ack",
    "ChatClient",
    "ClientClosed",
    "ClientError",
    "CommandRefused",
    "Connected",
    "ConnectionEnded",
    "ConnectionLost",
    "Deleted",
    "Disconnected",
    "Edited",
    "EphemeralEvent",
    "Gap",
    "HistoryPage",
    "JoinRefused",
    "Joined",
    "Message",
    "Notice",
    "OutboxFull",
    "OutcomeUnknown",
    "Presence",
    "Present",
    "Reaction",
    "ReactionCount",
    "ReadBy",
    "ReadElsewhere",
    "ReconnectPolicy",
    "RequestRefused",
    "Room",
    "RoomAdded",
    "RoomChanged",
    "RoomEvent",
    "RoomRemoved",
    "SendRefused",
    "SignInRequired",
    "StreamPosition",
    "TokenProvider",
    "Typing",
    "UnreadCount",
    "Update",
    "User",
    "network_problem",
]
