"""Every log call that a client can reach is rate-limited: this test walks all calls in the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import cloudchat

SOURCE = Path(cloudchat.__file__).parent
METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}

DEBUG = "written only by an operator who chose the level debug"
STARTS_AND_STOPS = "once for each start or stop"
PERIODIC = "by a periodic task of this process"
BY_A_COMMAND = "written by a command, once"

NOT_LIMITED = {
    ("database/copies/post_restore.py", "the replaced database cannot be read completely"): BY_A_COMMAND,
    ("database/copies/post_restore.py", "the erasures of the replaced database cannot be read"): BY_A_COMMAND,
    ("archive/erasure/erasure_task.py", "an erasure is interrupted"): PERIODIC,
    ("archive/erasure/erasure_task.py", "erased a user"): "once for each erasure, which an operator ordered",
    ("archive/index_merge/merge_task.py", "removed the words of deleted texts"): "after deletions, with growing pauses",
    ("archive/index_merge/merge_task.py", "the merge of the search index is interrupted"): PERIODIC,
    ("archive/retention/retention_task.py", "deleted messages by retention"): PERIODIC,
    ("archive/retention/retention_task.py", "retention is interrupted"): PERIODIC,
    ("auth/bootstrap.py", "first administrator created"): STARTS_AND_STOPS,
    ("auth/tokens/token_last_used.py", "last use of a token"): DEBUG,
    ("broker/embedded/file_rewrite.py", "the store's file cannot be rewritten now error=%s"): PERIODIC,
    ("broker/embedded/file_rewrite.py", "the rewrite of the store's file has failed; it is repeated"): PERIODIC,
    ("broker/embedded/server.py", "embedded store killed"): STARTS_AND_STOPS,
    ("broker/embedded/server.py", "embedded store cannot be restarted"): "with growing pauses between the attempts",
    ("broker/embedded/server.py", "embedded store ended"): "with growing pauses between the attempts",
    ("broker/numbering/log_checkpoint.py", "log checkpoints cannot be read"): "once for each connection to the store",
    ("broker/numbering/log_checkpoint.py", "log checkpoints cannot be saved"): PERIODIC,
    ("client/connection_loop.py", "not connected to"): "written by a client program, with growing pauses",
    ("database/audit.py", "audit action"): "one for each row of the audit log, which no limit may leave out; the "
    "limits of the routes bound the rows",
    ("database/pruning.py", "pruning is interrupted"): PERIODIC,
    ("database/pruning.py", "pruned old entries"): PERIODIC,
    (
        "observability/logging.py",
        "lines left out",
    ): "these lines are the limit: one for each kind and client in a window",
    ("observability/metrics_listener.py", "another process has the metrics port"): STARTS_AND_STOPS,
    ("observability/metrics_listener.py", "worker does not answer"): "only this machine can request the metrics",
    ("process/loop_watchdog.py", "event loop is blocked"): "it ends the process",
    ("process/sd_notify.py", "service manager is unreachable"): PERIODIC,
    ("process/supervision.py", "permanent background task"): "each permanent task ends once",
    ("rate_limiting/circuit_breaker.py", "the store counts again"): "the breaker limits its lines itself",
    ("rate_limiting/circuit_breaker.py", "the store does not count"): "the breaker limits its lines itself",
    ("rate_limiting/connections/cluster_connection_limit.py", "the count of open sockets waits"): DEBUG,
    ("realtime/connection.py", "socket closed connection"): DEBUG,
    ("realtime/ephemeral/presence_delivery.py", "presence cannot be delivered"): PERIODIC,
    ("realtime/ephemeral/signals.py", "a message with unknown signals"): DEBUG,
    ("realtime/membership/notice_outbox.py", "notices of rooms cannot be read"): PERIODIC,
    ("realtime/membership/room_sync.py", "changes of rooms cannot be read"): PERIODIC,
    ("realtime/opening/endpoint.py", "socket opened"): DEBUG,
    ("realtime/feeds/erased_names.py", "finished erasures cannot be read"): PERIODIC,
    ("realtime/feeds/relay.py", "room %s: the log has a new epoch"): "only the store can change an epoch",
    ("realtime/revocation_sweep.py", "revocations cannot be read"): PERIODIC,
    ("realtime/store_outage.py", "the store has been unreachable"): PERIODIC,
    (
        "realtime/transport/socket_handshake.py",
        "the application failed",
    ): "uvicorn's logger: LogRateLimitFilter limits libraries",
}


def log_calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Yield module, beginning of the event and call, of every call of a log method of a logger."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS):
                continue
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            if name.lstrip("_") in ("log", "logger", "logging"):
                event = node.args[0]
                text = str(event.value) if isinstance(event, ast.Constant) else ast.unparse(event)
                yield path.relative_to(SOURCE).as_posix(), text, node


def is_limited(call: ast.Call) -> bool:
    return any(keyword.arg == "extra" and ast.unparse(keyword.value) == "RATE_LIMITED" for keyword in call.keywords)


def test_every_log_call_is_limited_or_known_not_to_be_caused_by_clients() -> None:
    """A request that met a closed transport logged 1.1 MB/s without a login."""
    found = set()
    for module, event, call in log_calls():
        known = [entry for entry in NOT_LIMITED if entry[0] == module and event.startswith(entry[1])]
        assert is_limited(call) or known, (
            f"{module}:{call.lineno}: mark it with extra=RATE_LIMITED, or say in NOT_LIMITED why it needs no limit"
        )
        assert not (is_limited(call) and known), f"{module}:{call.lineno} is limited: remove it from NOT_LIMITED"
        found.update(known)
    assert NOT_LIMITED.keys() == found, "these calls no longer exist"


def test_the_walk_finds_the_calls() -> None:
    assert len(list(log_calls())) > 40
