#!lua name=cloudchat_v5

-- The room log, as Redis Functions. Each call is one atomic step, and one MULTI/EXEC block in the append-only file, so a
-- crash leaves all of it or nothing. A change of behaviour needs a new number in the names of the functions and of the
-- library, because servers of two versions share a store during an upgrade, and each loads its own library.
--
-- Keys of a room, all with its hash tag (one slot of a cluster) and one prefix:
--   meta    hash {epoch, seq, v?, side?, a?, kept?}   seq is the highest seq that was assigned. v is the highest version
--           of the room's members and rules that a caller has named. side is the lowest seq in `moved` and `states`;
--           without it, both count as empty. a is the archived head: all events up to it are in the archive, 0 without
--           it. kept is the highest seq in kept:log.
--   log     stream, entry <seq>-0 {e = the event's JSON}: the newest events of one numbering, without holes. Only the
--           functions in archiving.lua trim it, up to the archived head.
--   kept:log, kept:moved, kept:meta   the log before a loss, with events that the archive does not have yet. It has the form
--           of the log, and its meta only side.
--   moved   sorted set, score = seq: events that were taken out of the stream so that a deleted text leaves no bytes
--           there. The deleted ones have no text; their neighbours are unchanged. Every read merges both.
--   states  sorted set, score = seq of a message: its edits, reactions and deletion, as JSON. Only messages that have
--           changed. The state of a message that is not in the log any more stays until its last change is archived.
--   slow:<user>  the time of the user's last message, in a room with slow mode; expires when the interval is over
--   seen  hashes {digest = seq and time} of the cids accepted on one day; those of today and yesterday are looked up, so
--         a cid is remembered for 24 to 48 hours. The day comes from the store's clock: around midnight, servers with
--         different clocks would look up different hashes. seen:<day>:first holds the first cids of the day, the others
--         are in seen:<day>:0 to seen:<day>:255. The store keeps a hash of up to 512 fields as one compact block: a cid
--         takes 34 bytes, where one large hash takes 54 (Valkey 9) to 90 (Redis 7).
--         The digest has 128 bits, so a message is never mistaken for another one.
--
-- The library cloudchat_v4 has the same keys. It appends one message per call and publishes every event. A server that
-- uses it has no channel of its own, so it counts as a process that listens (append.lua).

-- Outcomes of an append.
local APPENDED, DUPLICATE, STALE, SLOW_MODE, NOT_FOUND, FORBIDDEN = 0, 1, 2, 3, 4, 5
local FULL, NOT_IN_LOG, UNARCHIVED, NOT_REPLIABLE, FAILED = 6, 7, 8, 9, 10

local function integer(number)
  return string.format('%d', number)
end

-- Returns the name of another key of the room. Only the keys of every call are passed; these are rarely needed.
local function key_beside(meta, name)
  return string.sub(meta, 1, -5) .. name
end
