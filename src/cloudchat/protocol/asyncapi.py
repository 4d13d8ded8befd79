"""The AsyncAPI 3 document of the socket, generated from the commands and events.

The document describes the application that the server is (AsyncAPI 3.0, "operation"): it *receives* commands and
*sends* events. The types of this package are the only source, so what the parser accepts and what the document says
cannot differ. What the encoder leaves out when it has its default is optional here. AsyncAPI has no place for close
codes, so they are the extension `x-close-codes` of the channel.
"""

import inspect
from typing import Any

import msgspec

from cloudchat.protocol import commands, events, received_events, replies
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.errors import Error

Json = dict[str, Any]

_REPLIES: dict[type[commands.Command], type[events.Event] | None] = {
    commands.Join: replies.Joined,
    commands.Leave: replies.Left,
    commands.Send: replies.Ack,
    commands.Edit: replies.Ack,
    commands.Delete: replies.Ack,
    commands.React: replies.Ack,
    commands.History: replies.HistoryPage,
    commands.Read: replies.ReadAck,
    commands.Unread: replies.UnreadCounts,
    commands.Typing: None,
    commands.Who: replies.Present,
    commands.Auth: replies.Authenticated,
    commands.Ping: replies.Pong,
}
_UNSOLICITED: tuple[type[events.Event], ...] = (
    events.Welcome,
    events.Head,
    events.Typing,
    events.Read,
    events.ReadBy,
    events.Presence,
    events.RoomAdded,
    events.RoomChanged,
    events.RoomRemoved,
    events.TokenExpiring,
    events.Drain,
)


def asyncapi_document(version: str) -> Json:
    """Return the document, as JSON values. `version` is that of the server."""
    command_schemas = _schemas("command", list(_REPLIES))
    event_types = list(dict.fromkeys([*filter(None, _REPLIES.values()), *_UNSOLICITED]))
    event_schemas = _event_schemas(event_types)
    logged = [type_.__name__ for type_ in received_events.EVENTS]
    names = {
        "command": [type_.__name__ for type_ in _REPLIES],
        "event": [*(type_.__name__ for type_ in event_types), "Error", *logged],
    }
    schemas = command_schemas | event_schemas
    messages = {f"{kind}.{name}": _message(kind, name, schemas) for kind, of_kind in names.items() for name in of_kind}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "cloudchat socket",
            "version": version,
            "description": "The WebSocket protocol cloudchat.v1. Each text frame is one JSON object. A position in a "
            "room is (epoch, seq); the order of frames, replays and close codes are described in docs/protocol.md.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": "/ws",
                "description": "Request the subprotocol cloudchat.v1. Send an access token as "
                "`Authorization: Bearer …`, or as a second subprotocol `cloudchat.token.…`.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
                "x-close-codes": [
                    {"code": int(code), "reason": code.reason, "recovery": code.recovery.value} for code in CloseCode
                ],
            }
        },
        "operations": _operations(names["event"]),
        "components": {"messages": messages, "schemas": schemas},
    }


def _operations(event_names: list[str]) -> Json:
    channel = {"$ref": "#/channels/socket"}
    replies = {reply.__name__ for reply in _REPLIES.values() if reply is not None}
    operations: Json = {
        "deliver": {
            "action": "send",
            "channel": channel,
            "summary": "What the server sends without being asked. `error` without an `id` refuses the connection.",
            "messages": [_channel_message("event", name) for name in event_names if name not in replies],
        }
    }
    for command, reply in _REPLIES.items():
        operation: Json = {
            "action": "receive",
            "channel": channel,
            "summary": _summary(command),
            "messages": [_channel_message("command", command.__name__)],
        }
        answers = [_channel_message("event", "Error")]
        if reply is not None:
            answers.insert(0, _channel_message("event", reply.__name__))
        operation["reply"] = {"channel": channel, "messages": answers}
        operations[command.__name__.lower()] = operation
    return operations


def _message(kind: str, name: str, schemas: Json) -> Json:
    schema = schemas[f"{kind}.{name}"]
    type_name = schema["properties"]["type"]["enum"][0]
    message: Json = {"name": type_name, "title": f"{type_name} ({kind})", "contentType": "application/json"}
    summary = schema.get("description")
    if summary:
        message["description"] = summary
    return message | {"payload": {"$ref": f"#/components/schemas/{kind}.{name}"}}


def _channel_message(kind: str, name: str) -> Json:
    return {"$ref": f"#/channels/socket/messages/{kind}.{name}"}


def _summary(type_: type) -> str:
    return (type_.__doc__ or "").partition("\n")[0]


def _event_schemas(event_types: list[type[events.Event]]) -> Json:
    rows = received_events.HISTORY_ROWS
    schemas = _schemas("event", [*event_types, Error, *dict.fromkeys([*received_events.EVENTS, *rows])])
    # The server passes the rows of a page on as bytes, so the type of the page does not say what they are.
    schemas["event.HistoryPage"]["properties"]["events"]["items"] = {
        "anyOf": [{"$ref": f"#/components/schemas/event.{row.__name__}"} for row in rows]
    }
    return schemas


def _schemas(kind: str, types: list[type]) -> Json:
    """Return the JSON Schemas of types and of all types that they use, by `<kind>.<name>`."""
    _, components = msgspec.json.schema_components(types, ref_template=f"#/components/schemas/{kind}.{{name}}")
    return {f"{kind}.{name}": _portable(schema) for name, schema in components.items()}


def _portable(schema: Any) -> Any:
    """Return a schema without what is special to Python: indented docstrings, and its expression for the end."""
    if isinstance(schema, list):
        return [_portable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    portable = {name: _portable(part) for name, part in schema.items()}
    if isinstance(portable.get("description"), str):
        portable["description"] = inspect.cleandoc(portable["description"])
    if isinstance(portable.get("pattern"), str):
        # JSON Schema uses the expressions of ECMAScript. `$` would be right there, but not for validators in Python.
        portable["pattern"] = portable["pattern"].replace("\\Z", r"(?![\s\S])")
    return portable
