"""Make one page of history of the rows of the hot log and of the archive. Pure functions."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from cloudchat.archive.history.repository import MAX_PAGE_BYTES, ArchivedPage
from cloudchat.broker.reads import HistoryRange, HistoryRows
from cloudchat.core.message_fold import MessageFold, Row


class _Seq(msgspec.Struct):
    seq: int


_decode_seq = msgspec.json.Decoder(_Seq).decode
_encode = msgspec.json.Encoder().encode


def needs_archive(log: HistoryRows, wanted: HistoryRange) -> bool:
    """Whether rows before the log's oldest event are wanted, or whether there are any is not known."""
    return log.oldest > 1 and (wanted.start < log.oldest or (not log.more_before and wanted.before > 1))


def relevant(page: ArchivedPage, events: Iterable[Row], oldest: int) -> list[Row]:
    """Return the events that change a row of the page, or are rows that neither the archive nor the log's pages have.

    The latter belong to an earlier numbering that the log still has, before its `oldest` event.
    """
    seqs = {row["seq"] for row in [*page.older, *page.newer]}
    found = []
    for event in events:
        if event["type"] in ("message", "notice"):
            if event["seq"] < oldest:
                seqs.add(event["seq"])
                found.append(event)
        elif event["target"] in seqs:
            found.append(event)
    return found


def folded(page: ArchivedPage, events: Sequence[Row], wanted: HistoryRange) -> ArchivedPage:
    """Return a page, whose reactions list all users, with the events folded in."""
    fold = MessageFold()
    for row in [*page.older, *page.newer]:
        fold.add_row(row)
    for event in events:
        fold.apply(event)
    rows = fold.rows()
    older = [row for row in rows if row["seq"] < wanted.before]
    known = page.newer[-1]["seq"] if page.newer and page.more_newer else None
    newer = [row for row in rows if row["seq"] >= wanted.start and (known is None or row["seq"] <= known)]
    return replace(
        page,
        older=older[max(0, len(older) - wanted.rows_before) :],
        newer=newer[: wanted.rows_from],
        more_older=page.more_older or len(older) > wanted.rows_before,
        more_newer=page.more_newer or len(newer) > wanted.rows_from,
    )


def joined(log: HistoryRows, page: ArchivedPage, wanted: HistoryRange) -> HistoryRows:
    """Return the rows of both: before the log's oldest event those of the archive, then those of the log."""
    log_rows = [(_decode_seq(row).seq, row) for row in log.rows]
    max_bytes = MAX_PAGE_BYTES // 2 if wanted.rows_before and wanted.rows_from else MAX_PAGE_BYTES

    older = [row for seq, row in log_rows if seq < wanted.before]
    more_before = log.more_before
    if not more_before:
        older = [_encode(row) for row in page.older if row["seq"] < log.oldest] + older
        more_before = page.more_older or len(older) > wanted.rows_before
        older = older[max(0, len(older) - wanted.rows_before) :]
    kept = _fitting(reversed(older), max_bytes)
    older, more_before = older[len(older) - kept :], more_before or kept < len(older)

    newer = [_encode(row) for row in page.newer if row["seq"] < log.oldest]
    more_after = log.more_after
    if page.more_newer and len(newer) == len(page.newer):  # the archive has more rows before those of the log
        more_after = True
    else:
        newer += [row for seq, row in log_rows if seq >= wanted.start]
        more_after = more_after or len(newer) > wanted.rows_from
        newer = newer[: wanted.rows_from]
    kept = _fitting(newer, max_bytes)
    newer, more_after = newer[:kept], more_after or kept < len(newer)

    as_of = max(log.as_of, page.head.seq)
    return replace(log, as_of=as_of, rows=[*older, *newer], more_before=more_before, more_after=more_after)


def _fitting(rows: Iterable[bytes], max_bytes: int) -> int:
    """Return how many of the first rows fit, at least one."""
    size = count = 0
    for row in rows:
        size += len(row)
        if size > max_bytes and count:
            break
        count += 1
    return count
