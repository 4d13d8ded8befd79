"""Messages from a command to the log, and back as history."""

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from cloudchat.app.delivery import Delivery
from cloudchat.app.presence import Presence
from cloudchat.app.store import Store
from cloudchat.archive.history.reader import HistoryReader
from cloudchat.messages.mention_directory import MentionDirectory
from cloudchat.messages.message_log import MessageLog
from cloudchat.messages.request_posting import RequestPosting
from cloudchat.messages.service import MessageService, RoomLogMessageService
from cloudchat.process.supervision import Supervisor
from cloudchat.realtime.ephemeral.signals import RoomsChanged
from cloudchat.realtime.membership.notice_outbox import NoticeOutbox
from cloudchat.services import Services

if TYPE_CHECKING:
    from cloudchat.observability.tracing import MessageTracing


class Messaging(Struct, frozen=True):
    """What sockets and HTTP routes share: both post, change and read messages through the same objects."""

    messages: MessageService
    posting: RequestPosting
    log: MessageLog
    mentions: MentionDirectory
    history: HistoryReader
    notices: NoticeOutbox


def create_messaging(
    store: Store,
    delivery: Delivery,
    presence: Presence,
    services: Services,
    supervisor: Supervisor,
    tracing: "MessageTracing | None",
) -> Messaging:
    """Create it. With `tracing`, each message is traced from its command to its delivery."""
    broker, versions = store.broker, delivery.room_sync.versions
    mentions = MentionDirectory(services.member_ids_by_name_key, versions)
    log = MessageLog(broker, services.archived_message, supervisor.spawn)
    messages: MessageService = RoomLogMessageService(log, mentions, versions)
    if tracing is not None:
        messages = tracing.messages(messages)
    tell_others = partial(presence.signals.send, RoomsChanged())
    notices = NoticeOutbox(services, messages, broker.raise_version, delivery.hints, tell_others)
    history = HistoryReader(broker, broker.archive, services)
    posting = RequestPosting(messages, mentions, versions, delivery.room_sync.refresh)
    return Messaging(messages, posting, log, mentions, history, notices)
