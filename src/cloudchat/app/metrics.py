"""`/metrics`: what the parts of the chat count, read when it is asked for.

Imported only when it is served: the library takes 6 MiB of every process.
"""

from collections import Counter
from pathlib import Path

from cloudchat.app.chat import Chat
from cloudchat.observability.metrics import LoopLag, Metrics, MetricsSnapshot
from cloudchat.observability.metrics_listener import MetricsListener


def serve_metrics(chat: Chat, requests: Counter[tuple[str, str, int]], port: int, state_dir: Path) -> None:
    """Serve them on a port of the loopback interface, in permanent tasks of the chat."""
    loop_lag = LoopLag()
    store, delivery, stats = chat.store, chat.delivery, chat.stats

    def read() -> MetricsSnapshot:
        return MetricsSnapshot(
            connections=len(delivery.registry),
            rooms=delivery.relay.rooms,
            connects=stats.handshakes,
            closes=stats.closes,
            commands=stats.commands,
            sends=stats.messages_stored,
            deliveries=delivery.hub.deliveries,
            frames_dropped=stats.frames_dropped,
            append_seconds=store.broker.append_seconds,
            relay_seconds=delivery.relay.delivery_seconds,
            holes_repaired=delivery.relay.holes_repaired,
            requests=requests,
            archive_lag_events=store.archiver.lag_events,
            archive_lag_seconds=store.archiver.lag_seconds,
            archive_failures=store.archiver.failures,
            task_failures=chat.supervisor.failures,
            tasks_dead=len(chat.supervisor.dead),
            loop_lag_seconds=loop_lag.take(),
            ready=store.broker.subscription.connected and not chat.supervisor.dead,
        )

    chat.supervisor.spawn_permanent(loop_lag.run(), "loop lag")
    chat.supervisor.spawn_permanent(MetricsListener(Metrics(read).text, port, state_dir).run(), "metrics")
