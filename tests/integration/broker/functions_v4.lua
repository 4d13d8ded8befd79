#!lua name=cloudchat_v4

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
--           functions in archive_functions.lua trim it, up to the archived head.
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
-- The library cloudchat_v3 has the same meta, log, moved, states, slow and seen, and does not know a and kept. A server
-- that uses it trims to history-messages, whether or not the events are archived. It does not put rooms into the archive's
-- queue: the archiver finds them when it compares all heads. It starts the numbering of a lost log at 1, where the next call of this
-- library continues above the caller's mark. And it forgets states of messages that are not in the log.

local DAY = 86400
local FIRST_CIDS = 128
local SEEN_SECONDS = 2 * DAY + 3600
-- A page is read in steps of about STEP_BYTES, by the size of the last events, and stops when its limit of bytes is
-- reached. One step of 500 copied 6 MB of large events into Lua to return 512 KiB.
local FIRST_STEP = 8
local MAX_STEP = 32
local STEP_BYTES = 65536
-- How many events one call of `history` looks at in each direction, to find messages between other events.
local MAX_SCANNED_EVENTS = 1000
local MAX_SCANNED_BYTES = 1048576
-- Bounds of one message's state. The users of an emoji are listed up to MAX_LISTED_USERS.
local MAX_EDITS = 50
local MAX_EMOJI = 20
local MAX_REACTIONS = 1000
local MAX_LISTED_USERS = 20
-- While the archive takes no events, a log grows to history-messages and this many more events; further appends are
-- refused. A message of 60 characters takes 310 bytes of the store's memory (its cid 35 of them), so that is 31 MB.
local MAX_UNARCHIVED_EVENTS = 100000
-- A stream keeps its entries in nodes of up to 100 entries and less than 4096 bytes (stream-node-max-entries and
-- stream-node-max-bytes, whose defaults the store must have).
local NODE_ENTRIES = 100
local NODE_BYTES = 4096
-- Outcomes of an append.
local APPENDED, DUPLICATE, STALE, SLOW_MODE, NOT_FOUND, FORBIDDEN = 0, 1, 2, 3, 4, 5
local FULL, NOT_IN_LOG, UNARCHIVED, NOT_REPLIABLE = 6, 7, 8, 9

local function integer(number)
  return string.format('%.0f', number)
end

-- Returns the name of another key of the room. Only the keys of every call are passed; these are rarely needed.
local function key_beside(meta, name)
  return string.sub(meta, 1, -5) .. name
end

-- -- Accepted cids ----------------------------------------------------------------------------------------------------

local function bucket(seen, day, digest)
  return seen .. day .. ':' .. string.byte(digest)
end

local function find_cid(seen, day, digest)
  return redis.call('HGET', seen .. day .. ':first', digest) or redis.call('HGET', bucket(seen, day, digest), digest)
end

-- The seq and the time of an event in 13 bytes. Of the time, RFC 3339 in UTC with milliseconds, the digits from the
-- third one on are packed as one number.
local function pack_position(seq, at)
  local digits = at:sub(3, 4) .. at:sub(6, 7) .. at:sub(9, 10) .. at:sub(12, 13) .. at:sub(15, 16) .. at:sub(18, 19) .. at:sub(21, 23)
  return struct.pack('>I6I7', seq, tonumber(digits))
end

local function unpack_position(packed)
  local seq, digits = struct.unpack('>I6I7', packed)
  local at = string.gsub(string.format('%015.0f', digits), '(..)(..)(..)(..)(..)(..)(...)', '20%1-%2-%3T%4:%5:%6.%7Z')
  return integer(seq) .. ' ' .. at
end

local function remember_cid(seen, day, digest, position)
  local hash = seen .. day .. ':first'
  local cids = redis.call('HLEN', hash)
  if cids >= FIRST_CIDS then
    hash = bucket(seen, day, digest)
    cids = redis.call('HLEN', hash)
  end
  redis.call('HSET', hash, digest, position)
  if cids == 0 then
    redis.call('EXPIRE', hash, SEEN_SECONDS)
  end
end

local function forget_cids(seen, days)
  local hashes = {}
  for _, day in ipairs(days) do
    hashes[#hashes + 1] = seen .. day .. ':first'
    for number = 0, 255 do
      hashes[#hashes + 1] = seen .. day .. ':' .. number
    end
  end
  redis.call('UNLINK', unpack(hashes))
end

-- Returns the position of the event with this cid, or nil.
local function find_position(seen, today, yesterday, digest)
  local packed = find_cid(seen, today, digest) or find_cid(seen, yesterday, digest)
  return packed and unpack_position(packed)
end

-- Returns today and yesterday as days since 1970.
local function current_days()
  local day = math.floor(tonumber(redis.call('TIME')[1]) / DAY)
  return integer(day), integer(day - 1)
end

-- -- Messages that have changed ---------------------------------------------------------------------------------------

-- Notes in `meta` that `moved` or `states` gets an entry for `seq`. Returns the new lowest seq.
local function include_in_side(meta, side, seq)
  if not side then
    -- What is there belongs to a lost log, whose new one was started by a server of the earlier version.
    redis.call('DEL', key_beside(meta, 'moved'), key_beside(meta, 'states'))
  elseif side <= seq then
    return side
  end
  redis.call('HSET', meta, 'side', integer(seq))
  return seq
end

-- Returns the JSON of a message's state, or nil.
local function find_state(meta, side, target)
  if side and side <= target then
    return redis.call('ZRANGEBYSCORE', key_beside(meta, 'states'), integer(target), integer(target))[1]
  end
end

-- `last` is the seq of the last change. The members of a sorted set are unique, so the state contains its target. A seq
-- is a string, because cjson writes numbers with 14 digits.
-- A state that says nothing is saved, too: the archive may not know yet that the last reaction is off again.
local function save_state(meta, target, state, last)
  local number, states = integer(target), key_beside(meta, 'states')
  redis.call('ZREMRANGEBYSCORE', states, number, number)
  state.target, state.last = number, integer(last)
  redis.call('ZADD', states, number, cjson.encode(state))
end

-- Turns a user's reaction on or off. Returns nil if it is so already, FULL if the message has too many, else APPENDED.
-- `users` are the ids between spaces, in the order of their reactions: a plain search finds one among a thousand in a
-- microsecond, without decoding a list.
local function set_reaction(state, user, emoji, on)
  local reactions, total, found = state.reactions or {}, 0, nil
  for index, reaction in ipairs(reactions) do
    total = total + reaction.count
    if reaction.emoji == emoji then
      found = index
    end
  end
  local reaction = reactions[found] or {emoji = emoji, users = ' ', count = 0}
  local first, last = string.find(reaction.users, ' ' .. user .. ' ', 1, true)
  if on == (first ~= nil) then
    return nil
  end
  if on then
    if total >= MAX_REACTIONS or (not found and #reactions >= MAX_EMOJI) then
      return FULL
    end
    reaction.users, reaction.count = reaction.users .. user .. ' ', reaction.count + 1
    reactions[found or #reactions + 1] = reaction
  else
    reaction.users, reaction.count = string.sub(reaction.users, 1, first) .. string.sub(reaction.users, last + 1), reaction.count - 1
    if reaction.count == 0 then
      table.remove(reactions, found)
    end
  end
  state.reactions = #reactions > 0 and reactions or nil
  return APPENDED
end

local function add_edit(state, seq)
  local edits = state.edits or {}
  if #edits >= MAX_EDITS then
    return FULL
  end
  edits[#edits + 1] = integer(seq)
  state.edits = edits
  return APPENDED
end

-- -- Deleted texts ----------------------------------------------------------------------------------------------------

-- Returns the position of the quote that ends the JSON string which begins at `at`: the first one without a backslash.
local function end_of_string(event, at)
  while true do
    at = string.find(event, '["\\]', at)
    if string.sub(event, at, at) == '"' then
      return at
    end
    at = at + 2
  end
end

-- Returns the event with an empty text. Inside of a JSON string quotes are escaped, so that `"text":"` is always the
-- field.
local function without_text(event)
  local _, before = string.find(event, '"text":"', 1, true)
  return before and string.sub(event, 1, before) .. string.sub(event, end_of_string(event, before + 1)) or event
end

-- Adds to `ids` and `members` the entries on one side of an entry of `size` bytes that may be in the same node. They are
-- in the same one only if all events from the one to the other have less than NODE_BYTES.
local function add_neighbours(command, log, seq, last, size, ids, members)
  local step = command == 'XRANGE' and 1 or -1
  local entries
  repeat
    entries = redis.call(command, log, integer(seq), integer(last), 'COUNT', FIRST_STEP)
    for _, entry in ipairs(entries) do
      local id, event = entry[1], entry[2][2]
      size = size + #event
      if size >= NODE_BYTES then
        return
      end
      ids[#ids + 1] = id
      members[#members + 1] = string.match(id, '^%d+')
      members[#members + 1] = event
      seq = tonumber(members[#members - 1]) + step
    end
  until #entries < FIRST_STEP or seq * step > last * step
end

-- Replaces an event of the log in a way that removes its bytes from the store. XDEL only marks an entry as deleted: its
-- bytes stay in the stream, and in every copy of it, until all entries of its node are deleted. So all entries that may be
-- in this node leave the stream. A neighbour that was moved earlier may have left bytes here as well; they go with the node.
local function replace_event(meta, log, side, seq, event, replacement)
  local moved, number = key_beside(meta, 'moved'), integer(seq)
  local ids, members = {number .. '-0'}, {number, replacement}
  add_neighbours('XREVRANGE', log, seq - 1, math.max(1, seq - NODE_ENTRIES + 1), #event, ids, members)
  add_neighbours('XRANGE', log, seq + 1, seq + NODE_ENTRIES - 1, #event, ids, members)
  for i = 1, #members, 2 do
    side = include_in_side(meta, side, tonumber(members[i]))
  end
  redis.call('XDEL', log, unpack(ids))
  redis.call('ZREMRANGEBYSCORE', moved, number, number)
  redis.call('ZADD', moved, unpack(members))
  return side
end

local function erase_text(meta, log, side, seq, event)
  return replace_event(meta, log, side, seq, event, without_text(event))
end

-- Removes the bytes of trimmed events from the store. XTRIM leaves them in the first node, like XDEL.
local function erase_trimmed(meta, log, side)
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if not first then
    return side
  end
  local seq, ids, members = tonumber(string.match(first[1], '^%d+')), {}, {}
  add_neighbours('XRANGE', log, seq, seq + NODE_ENTRIES - 1, 0, ids, members)
  if #ids > 0 then
    side = include_in_side(meta, side, seq)
    redis.call('XDEL', log, unpack(ids))
    redis.call('ZADD', key_beside(meta, 'moved'), unpack(members))
  end
  return side
end

-- -- Reading the log --------------------------------------------------------------------------------------------------

local function seq_of(entry)
  return tonumber(string.match(entry[1], '^%d+'))
end

local function oldest_seq(meta, log, seq, side)
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  local oldest = first and seq_of(first) or seq + 1
  local moved = side and redis.call('ZRANGE', key_beside(meta, 'moved'), 0, 0, 'WITHSCORES')[2]
  return moved and math.min(oldest, tonumber(moved)) or oldest
end

-- Returns the events from `first` to `last` by their seq.
local function events_between(meta, log, side, first, last)
  local events, count = {}, last - first + 1
  local entries = redis.call('XRANGE', log, integer(first), integer(last), 'COUNT', count)
  for _, entry in ipairs(entries) do
    events[seq_of(entry)] = entry[2][2]
  end
  if side and #entries < count then
    local moved = redis.call('ZRANGEBYSCORE', key_beside(meta, 'moved'), integer(first), integer(last), 'WITHSCORES')
    for i = 1, #moved, 2 do
      events[tonumber(moved[i + 1])] = moved[i]
    end
  end
  return events
end

local function find_event(meta, log, side, seq)
  return events_between(meta, log, side, seq, seq)[seq]
end

-- Returns an iterator over (seq, event) from `from` to `to`, upwards (step 1) or downwards (step -1). It ends at a hole,
-- which only a damaged log has.
local function each_event(meta, log, side, from, to, step)
  local seq, last, events, count, size = from - step, from - step, {}, 0, 0
  return function()
    if (to - seq) * step <= 0 then
      return nil
    end
    if seq == last then
      count = size == 0 and FIRST_STEP or math.max(1, math.min(MAX_STEP, math.ceil(STEP_BYTES * count / size)))
      count, size = math.min(count, math.abs(to - seq)), 0
      last = seq + step * count
      events = events_between(meta, log, side, math.min(seq + step, last), math.max(seq + step, last))
    end
    seq = seq + step
    local event = events[seq]
    if event then
      size = size + #event
      return seq, event
    end
  end
end

-- -- The numbering ----------------------------------------------------------------------------------------------------

-- Returns the names of meta and log of the kept log.
local function kept_keys(meta)
  return key_beside(meta, 'kept:meta'), key_beside(meta, 'kept:log')
end

-- Makes the log the kept log, if it has events that the archive does not have yet. A kept log that exists already is
-- continued: that is a second loss before the archive took the events of the first one.
local function keep_unarchived(meta, log, side, last, archived)
  local moved, kept_meta, kept_log = key_beside(meta, 'moved'), kept_keys(meta)
  local kept_moved = key_beside(kept_meta, 'moved')
  if last <= archived or redis.call('EXISTS', log, moved) == 0 then
    return
  end
  if redis.call('HEXISTS', meta, 'kept') == 0 then
    redis.call('UNLINK', kept_meta, kept_log, kept_moved)
    for from, to in pairs({[log] = kept_log, [moved] = kept_moved}) do
      if redis.call('EXISTS', from) == 1 then
        redis.call('RENAME', from, to)
      end
    end
  else
    local from, entries = '-', nil
    repeat
      entries = redis.call('XRANGE', log, from, '+', 'COUNT', MAX_SCANNED_EVENTS)
      for _, entry in ipairs(entries) do
        redis.call('XADD', kept_log, entry[1], 'e', entry[2][2])
        from = '(' .. entry[1]
      end
    until #entries < MAX_SCANNED_EVENTS
    local events = redis.call('ZRANGE', moved, 0, -1, 'WITHSCORES')
    for i = 1, #events, 2 do
      redis.call('ZADD', kept_moved, events[i + 1], events[i])
    end
  end
  if side then
    redis.call('HSET', kept_meta, 'side', 1)
  end
  redis.call('HSET', meta, 'kept', integer(last))
end

-- Starts a new epoch above the highest seq that is known. The log begins empty: what is left of the earlier one does not
-- follow on without a hole, and is kept for the archive only. `found` are the fields of meta.
-- A room without meta has lost it, with its log or a part of it, or is new. The cids of a lost log are forgotten: they must
-- not be mistaken for duplicates.
local function start_epoch(meta, log, new_epoch, found, mark)
  local version, side, seq = tonumber(found[3] or 0), found[4], found[1] and tonumber(found[2])
  if not seq then
    local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
    seq, side = last and seq_of(last) or 0, true
    local today, yesterday = current_days()
    forget_cids(key_beside(meta, 'seen:'), {today, yesterday})
  end
  keep_unarchived(meta, log, side, seq, tonumber(redis.call('HGET', meta, 'a') or 0))
  redis.call('UNLINK', log, key_beside(meta, 'moved'), key_beside(meta, 'states'))
  seq = math.max(seq, mark)
  redis.call('HSET', meta, 'epoch', new_epoch, 'seq', integer(seq))
  redis.call('HDEL', meta, 'side')
  return new_epoch, seq, version, nil
end

-- Returns the room's epoch, the highest seq that was assigned, the room's version, and the lowest seq in `moved` and
-- `states` or nil.
-- The mark is the highest seq that the caller knows to be assigned, in any epoch. A log that ends before it has lost
-- events: the store was emptied or restored from an older backup, or a failover lost the last moment. A seq is never
-- assigned twice, so the numbering continues above the mark.
local function current_head(meta, log, new_epoch, mark_seq)
  local found = redis.call('HMGET', meta, 'epoch', 'seq', 'v', 'side')
  local mark = tonumber(mark_seq)
  if found[1] and tonumber(found[2]) >= mark then
    return found[1], tonumber(found[2]), tonumber(found[3] or 0), found[4] and tonumber(found[4])
  end
  return start_epoch(meta, log, new_epoch, found, mark)
end

-- keys: meta log; args: new-epoch after limit max-bytes mark-seq
-- Returns {epoch, seq of the newest event, of the oldest one, of the first one returned, events, version}: up to `limit`
-- events, at most max_bytes together but at least one.
local function read(keys, args)
  local epoch, seq, version, side = current_head(keys[1], keys[2], args[1], args[5])
  local oldest = oldest_seq(keys[1], keys[2], seq, side)
  local first = math.max(tonumber(args[2]) + 1, math.min(oldest, seq + 1))
  local last, max_bytes = math.min(seq, first + tonumber(args[3]) - 1), tonumber(args[4])
  local events, size = {}, 0
  for _, event in each_event(keys[1], keys[2], side, first, last, 1) do
    size = size + #event
    if size > max_bytes and #events > 0 then
      break
    end
    events[#events + 1] = event
  end
  return {epoch, seq, oldest, first, events, version}
end

-- Returns what a reader needs to know of a state, '' for nothing: all but the users that are not listed.
local function summary_of(state)
  local reactions
  for index, reaction in ipairs(state.reactions or {}) do
    local users = {}
    for user in string.gmatch(reaction.users, '%S+') do
      if #users == MAX_LISTED_USERS then
        break
      end
      users[#users + 1] = user
    end
    reactions = reactions or {}
    reactions[index] = {emoji = reaction.emoji, count = reaction.count, users = users}
  end
  local is_changed = reactions or state.edits or state.deleted
  return is_changed and cjson.encode({reactions = reactions, deleted = state.deleted}) or ''
end

-- Returns a message with the summary of its state and its last edit, '' where there is none.
local function current_form(meta, log, side, seq, event)
  local found = find_state(meta, side, seq)
  if not found then
    return {event, '', ''}
  end
  local state = cjson.decode(found)
  local last_edit = state.edits and find_event(meta, log, side, tonumber(state.edits[#state.edits]))
  return {event, summary_of(state), last_edit or ''}
end

local function is_row(event)
  return string.sub(event, 1, 17) == '{"type":"message"' or string.sub(event, 1, 16) == '{"type":"notice"'
end

-- Returns up to `limit` messages and notices from `from` to `to` in their current form, whether there are more, and the
-- seq from which the search continues when it ended before it found one. It looks one row further than it returns.
local function find_rows(meta, log, side, from, to, step, limit, max_bytes)
  local rows, size, scanned, scanned_bytes = {}, 0, 0, 0
  for seq, event in each_event(meta, log, side, from, to, step) do
    if scanned == MAX_SCANNED_EVENTS or scanned_bytes > MAX_SCANNED_BYTES then
      return rows, 1, seq
    end
    scanned, scanned_bytes = scanned + 1, scanned_bytes + #event
    if is_row(event) then
      if #rows == limit then
        return rows, 1, seq
      end
      local row = current_form(meta, log, side, seq, event)
      size = size + #row[1] + #row[2] + #row[3]
      if size > max_bytes and #rows > 0 then
        return rows, 1, seq
      end
      rows[#rows + 1] = row
    end
  end
  return rows, 0, to + step
end

-- keys: meta log
-- args: new-epoch before rows-before from rows-from max-bytes mark-seq
-- Returns {epoch, seq of the newest event, of the oldest one, version, the rows before `before` (newest first), whether
-- there are more, where to continue, the rows at and after `from` (oldest first), whether there are more, where to
-- continue}.
local function history(keys, args)
  local meta, log = keys[1], keys[2]
  local epoch, seq, version, side = current_head(meta, log, args[1], args[7])
  local oldest = oldest_seq(meta, log, seq, side)
  local before, from = math.min(tonumber(args[2]), seq + 1), math.max(tonumber(args[4]), oldest)
  local max_bytes = tonumber(args[6])
  local older, more_older, next_older = find_rows(meta, log, side, before - 1, oldest, -1, tonumber(args[3]), max_bytes)
  local newer, more_newer, next_newer = find_rows(meta, log, side, from, seq, 1, tonumber(args[5]), max_bytes)
  return {epoch, seq, oldest, version, older, more_older, next_older, newer, more_newer, next_newer}
end

-- -- Writing the log --------------------------------------------------------------------------------------------------

-- Returns whether the log has as many events as it may have while the archive takes none.
local function is_full(meta, log, side, history_messages)
  local events = redis.call('XLEN', log) + (side and redis.call('ZCARD', key_beside(meta, 'moved')) or 0)
  return events >= tonumber(history_messages) + MAX_UNARCHIVED_EVENTS
end

-- Adds the event of `args` to the log, remembers the cid, and publishes the event.
local function log_event(keys, args, epoch, seq, version, today)
  local number = integer(seq + 1)
  local event = '{"type":"' .. args[3] .. '","room":"' .. args[2] .. '","epoch":"' .. epoch .. '","seq":' .. number .. ',' .. args[4]
  redis.call('XADD', keys[2], number .. '-0', 'e', event)
  if tonumber(args[10]) > version then
    redis.call('HSET', keys[1], 'seq', number, 'v', args[10])
  else
    redis.call('HSET', keys[1], 'seq', number)
  end
  remember_cid(keys[3], today, args[6], pack_position(seq + 1, args[7]))
  redis.call('SPUBLISH', keys[4], epoch .. ' ' .. number .. ' ' .. event)
  return {epoch, number .. ' ' .. args[7], APPENDED}
end

-- Returns whether a message may reply to this seq: to any message, also to a deleted one. What has been trimmed from the
-- log cannot be checked.
local function is_repliable(meta, log, side, seq, reply_to)
  local event = reply_to <= seq and find_event(meta, log, side, reply_to)
  if event then
    return string.sub(event, 1, 17) == '{"type":"message"'
  end
  return reply_to < oldest_seq(meta, log, seq, side)
end

-- Returns how many milliseconds the user must wait before the next message, or nil; then this message counts.
local function slow_mode_wait(meta, user, interval)
  local key, time = key_beside(meta, 'slow:') .. user, redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local wait = tonumber(redis.call('GET', key) or 0) + interval - now
  if wait > 0 then
    return math.min(wait, interval)
  end
  redis.call('SET', key, integer(now), 'PX', integer(interval))
end

-- Returns the outcome of an append that is decided before its event is looked at, or nil.
local function early_outcome(keys, args, epoch, version, side, today, yesterday)
  local known = find_position(keys[3], today, yesterday, args[6])
  if known then
    return {epoch, known, DUPLICATE}
  end
  if args[3] ~= 'notice' and version > tonumber(args[10]) then
    return {epoch, integer(version), STALE}
  end
  if is_full(keys[1], keys[2], side, args[8]) then
    return {epoch, '0', UNARCHIVED}
  end
end

-- Appends a message or a notice.
-- keys: meta log seen channel
-- args: new-epoch room kind body user digest at history-messages mark-seq version slow-mode-ms reply-to
-- Returns {epoch, "<seq> <at>", APPENDED or DUPLICATE}, or {epoch, detail, why it was refused}; the detail is the version
-- for STALE, and the wait in milliseconds for SLOW_MODE. A notice reports a change, which nothing permits or forbids.
local function append(keys, args)
  local epoch, seq, version, side = current_head(keys[1], keys[2], args[1], args[9])
  local today, yesterday = current_days()
  local outcome = early_outcome(keys, args, epoch, version, side, today, yesterday)
  if outcome then
    return outcome
  end
  if args[12] ~= '0' and not is_repliable(keys[1], keys[2], side, seq, tonumber(args[12])) then
    return {epoch, '0', NOT_REPLIABLE}
  end
  if args[11] ~= '0' then
    local wait = slow_mode_wait(keys[1], args[5], tonumber(args[11]))
    if wait then
      return {epoch, integer(wait), SLOW_MODE}
    end
  end
  return log_event(keys, args, epoch, seq, version, today)
end

-- Returns the author and the time of the message with the seq `target`, its event, and its state. The event is nil for a
-- message that the caller has found in the archive. If there is no such message, returns nil, the detail and the outcome.
-- What the archive knows is complete up to its head when the caller read it. Of later changes, the store has all that are
-- newer than its own archived head. So what is older than that cannot be used: the caller reads the archive again.
local function find_message(meta, log, args, side, seq, target)
  local event, found = find_event(meta, log, side, target), find_state(meta, side, target)
  if event then
    local message = cjson.decode(event)
    if message.type ~= 'message' then
      return nil, '0', NOT_FOUND
    end
    return message.user.id, message.at, event, found and cjson.decode(found) or {}
  end
  if target >= oldest_seq(meta, log, seq, side) then
    return nil, '0', NOT_FOUND
  end
  local head, as_of = redis.call('HMGET', meta, 'a', 'kept'), tonumber(args[15])
  if not as_of or as_of < tonumber(head[1] or 0) then
    return nil, head[1] or '0', NOT_IN_LOG
  elseif head[2] and tonumber(head[2]) > as_of then
    return nil, '0', UNARCHIVED
  elseif args[16] == '' then
    return nil, '0', NOT_FOUND
  end
  return args[16], args[17], nil, cjson.decode(found or args[18])
end

-- Removes the texts of a message's edits from the log. An edit that only the archive knows has the seq 0: then the log is
-- searched for it.
local function erase_edits(meta, log, side, seq, target, edits)
  local is_search = false
  for _, edit in ipairs(edits) do
    local edited = edit ~= '0' and find_event(meta, log, side, tonumber(edit))
    if edited then
      side = erase_text(meta, log, side, tonumber(edit), edited)
    end
    is_search = is_search or edit == '0'
  end
  if is_search then
    local field, found = '"target":' .. integer(target) .. ',', {}
    for number, event in each_event(meta, log, side, oldest_seq(meta, log, seq, side), seq, 1) do
      if string.sub(event, 1, 16) == '{"type":"edited"' and string.find(event, field, 1, true) then
        found[#found + 1] = {number, event}
      end
    end
    for _, edited in ipairs(found) do
      side = erase_text(meta, log, side, edited[1], edited[2])
    end
  end
  return side
end

-- The changes of a message, by the type of their events. Each updates the state, and returns the outcome and the new
-- lowest seq in `moved` and `states`. The outcome nil means that there is nothing to change.
local changes = {}

function changes.edited(_, _, seq, side, _, _, state)
  return add_edit(state, seq + 1), side
end

function changes.reaction(_, args, _, side, _, _, state)
  return set_reaction(state, args[5], args[13], args[14] == '1'), side
end

function changes.deleted(keys, args, seq, side, target, event, state)
  if event then
    side = erase_text(keys[1], keys[2], side, target, event)
  else
    side = erase_trimmed(keys[1], keys[2], side)
  end
  side = erase_edits(keys[1], keys[2], side, seq, target, state.edits or {})
  state.edits, state.reactions, state.deleted = nil, nil, {at = args[7], user = args[5]}
  return APPENDED, side
end

-- Appends an edit, a deletion or a reaction, if the target is a message and the user may change it.
-- keys: meta log seen channel
-- args: the first ten of `append`, then target moderates emoji on, then what the archive knows of a message that is older
-- than the log: the archived head when it was read or '', the author or '', the time, the state
-- Returns the same as `append`. A change that changes nothing is a DUPLICATE at the position of its target. The detail of
-- NOT_IN_LOG is the archived head.
local function change(keys, args)
  local meta, log, kind, target = keys[1], keys[2], args[3], tonumber(args[11])
  local epoch, seq, version, side = current_head(meta, log, args[1], args[9])
  local today, yesterday = current_days()
  local early = early_outcome(keys, args, epoch, version, side, today, yesterday)
  if early then
    return early
  end
  local author, at, event, state = find_message(meta, log, args, side, seq, target)
  if not author then
    return {epoch, at, event}
  end
  if kind ~= 'reaction' and author ~= args[5] and not (kind == 'deleted' and args[12] == '1') then
    return {epoch, '0', FORBIDDEN}
  end
  local outcome
  if not state.deleted then
    outcome, side = changes[kind](keys, args, seq, side, target, event, state)
  elseif kind ~= 'deleted' then
    return {epoch, '0', NOT_FOUND}
  end
  if outcome == FULL then
    return {epoch, '0', FULL}
  end
  if not outcome then
    remember_cid(keys[3], today, args[6], pack_position(target, at))
    return {epoch, integer(target) .. ' ' .. at, DUPLICATE}
  end
  include_in_side(meta, side, target)
  save_state(meta, target, state, seq + 1)
  return log_event(keys, args, epoch, seq, version, today)
end

-- Restores the states of the messages in a log that was written without them, from its edits, reactions and deletions.
-- keys: meta log; args: first last, between which the events are read
-- Returns the lowest seq in `states`, -1 if it is empty. The caller writes it to `meta`.
local function index(keys, args)
  local meta, log = keys[1], keys[2]
  for seq, event in each_event(meta, log, nil, tonumber(args[1]), tonumber(args[2]), 1) do
    if not is_row(event) then
      local decoded = cjson.decode(event)
      local target = tonumber(decoded.target)
      if target and find_event(meta, log, nil, target) then
        local state = cjson.decode(find_state(meta, 0, target) or '{}')
        if decoded.type == 'edited' then
          add_edit(state, seq)
        elseif decoded.type == 'reaction' then
          set_reaction(state, decoded.user.id, decoded.emoji, decoded.on)
        elseif decoded.type == 'deleted' then
          state = {deleted = {at = decoded.at, user = decoded.user.id}}
        end
        save_state(meta, target, state, seq)
      end
    end
  end
  return tonumber(redis.call('ZRANGE', key_beside(meta, 'states'), 0, 0, 'WITHSCORES')[2] or -1)
end

-- keys: meta; args: version
-- Appends with a lower version are refused from now on. A room without a log has nothing to protect.
local function raise_version(keys, args)
  local found = redis.call('HMGET', keys[1], 'epoch', 'v')
  if found[1] and tonumber(args[1]) > tonumber(found[2] or 0) then
    redis.call('HSET', keys[1], 'v', args[1])
  end
  return 0
end

redis.register_function('cloudchat_append_v4', append)
redis.register_function('cloudchat_raise_version_v4', raise_version)
redis.register_function('cloudchat_change_v4', change)
redis.register_function('cloudchat_index_v4', index)
-- allow-oom: a store that is full accepts no message, but it can still be read.
redis.register_function{function_name = 'cloudchat_read_v4', callback = read, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_history_v4', callback = history, flags = {'allow-oom'}}

-- -- Many rooms at once -----------------------------------------------------------------------------------------------

-- How many messages `unread` counts, and how much of a log it looks at to find them.
local MAX_UNREAD = 1000
local MAX_UNREAD_EVENTS = 2000
local MAX_UNREAD_BYTES = 2097152

-- keys: meta log; args: new-epoch mark-seq
-- Returns {epoch, seq of the newest event}.
local function head(keys, args)
  local epoch, seq = current_head(keys[1], keys[2], args[1], args[2])
  return {epoch, seq}
end

-- keys: meta log; args: new-epoch limit max-bytes mark-seq
-- Returns the same as `read`, of the newest events: up to `limit`, at most max_bytes together but at least one.
local function newest(keys, args)
  local epoch, seq, version, side = current_head(keys[1], keys[2], args[1], args[4])
  local oldest = oldest_seq(keys[1], keys[2], seq, side)
  local from, max_bytes = math.max(oldest, seq - tonumber(args[2]) + 1), tonumber(args[3])
  local found, size = {}, 0
  for _, event in each_event(keys[1], keys[2], side, seq, from, -1) do
    size = size + #event
    if size > max_bytes and #found > 0 then
      break
    end
    found[#found + 1] = event
  end
  local events = {}
  for i = #found, 1, -1 do
    events[#events + 1] = found[i]
  end
  return {epoch, seq, oldest, seq - #events + 1, events, version}
end

-- Returns whether a message mentions the user or the room. Inside of a JSON string quotes are escaped, so that a text
-- cannot look like a field.
local function is_mention(event, quoted_user)
  if string.find(event, '"mentions_room":true', 1, true) then
    return true
  end
  local _, before = string.find(event, '"mentions":[', 1, true)
  local last = before and string.find(event, ']', before, true)
  local at = last and string.find(event, quoted_user, before, true)
  return at ~= nil and at < last
end

-- Counts the messages after a position that others wrote and that are not deleted. Only a deleted message has an empty
-- text. A position of another epoch that is beyond the end of the log belongs to a lost log: everything is unread.
-- keys: meta log; args: new-epoch user read-epoch read-seq mark-seq
-- Returns {messages, those of them that mention the user, bytes that were read, version of the room, read-seq that
-- counts, seq of the first event that was read}. It reads from the newest event backwards, at most MAX_UNREAD_EVENTS and
-- MAX_UNREAD_BYTES, and nothing if the position is the head.
local function unread(keys, args)
  local epoch, seq, version, side = current_head(keys[1], keys[2], args[1], args[5])
  local read_seq = tonumber(args[4])
  if args[3] ~= epoch and read_seq > seq then
    read_seq = 0
  end
  local messages, mentions, events, size, first = 0, 0, 0, 0, seq + 1
  if read_seq >= seq then
    return {0, 0, 0, version, read_seq, read_seq + 1}
  end
  local quoted = '"' .. args[2] .. '"'
  local own = '"user":{"id":' .. quoted
  for event_seq, event in each_event(keys[1], keys[2], side, seq, read_seq + 1, -1) do
    events, size, first = events + 1, size + #event, event_seq
    if string.sub(event, 1, 17) == '{"type":"message"'
      and not string.find(event, own, 1, true) and not string.find(event, '"text":""', 1, true) then
      messages = messages + 1
      if is_mention(event, quoted) then
        mentions = mentions + 1
      end
    end
    if messages == MAX_UNREAD or events == MAX_UNREAD_EVENTS or size > MAX_UNREAD_BYTES then
      break
    end
  end
  return {messages, mentions, size, version, read_seq, first}
end

redis.register_function{function_name = 'cloudchat_head_v4', callback = head, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_newest_v4', callback = newest, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_unread_v4', callback = unread, flags = {'allow-oom'}}

-- The part of the library that the archive uses. It follows functions.lua in the same source, and uses its local functions.
--
-- Only these functions remove events from a log. Nothing is removed that is not in the archive, except by `trim_before`,
-- whose events the archive must not have either.

-- Returns the store's time in seconds since 1970, as a string.
local function now()
  local time = redis.call('TIME')
  return time[1] .. '.' .. string.format('%06d', time[2])
end

-- Returns the lowest seq from `from` on that the log has, or nil. A damaged log has holes.
local function next_seq(meta, log, side, from)
  local entry = redis.call('XRANGE', log, integer(from), '+', 'COUNT', 1)[1]
  local moved = side
    and redis.call('ZRANGEBYSCORE', key_beside(meta, 'moved'), integer(from), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if entry and moved then
    return math.min(seq_of(entry), tonumber(moved))
  end
  return entry and seq_of(entry) or tonumber(moved)
end

-- Returns an iterator over (seq, event, in the kept log) of everything above `after` that the store has: the kept log, then
-- the log. It continues after a hole, which only a damaged log has.
local function each_unarchived(meta, log, side, after, head)
  local kept = tonumber(redis.call('HGET', meta, 'kept')) or 0
  local next_event
  return function()
    local seq, event
    if next_event then
      seq, event = next_event()
    end
    if not seq and after < kept then
      local kept_meta, kept_log = kept_keys(meta)
      local kept_side = redis.call('HGET', kept_meta, 'side')
      local first = next_seq(kept_meta, kept_log, kept_side, after + 1)
      if first then
        next_event = each_event(kept_meta, kept_log, kept_side, first, kept, 1)
        seq, event = next_event()
      end
    end
    if not seq then
      local first = next_seq(meta, log, side, math.max(after, kept) + 1)
      if first then
        next_event = each_event(meta, log, side, first, head, 1)
        seq, event = next_event()
      end
    end
    after = seq
    return seq, event, seq and seq <= kept
  end
end

-- keys: meta log; args: new-epoch after limit max-bytes mark-seq
-- Returns {the highest seq that was assigned, the seq through which the events are complete, the store's time, seq, event,
-- seq, event, …}: up to `limit` events above `after`, at most max_bytes together but at least one. What is missing in them
-- is lost.
local function unarchived(keys, args)
  local _, head, _, side = current_head(keys[1], keys[2], args[1], args[5])
  local limit, max_bytes = tonumber(args[3]), tonumber(args[4])
  local found, size, through = {head, head, now()}, 0, tonumber(args[2])
  for seq, event in each_unarchived(keys[1], keys[2], side, through, head) do
    size = size + #event
    if #found + 1 > 3 + 2 * limit or (size > max_bytes and #found > 3) then
      found[2] = through
      return found
    end
    found[#found + 1] = seq
    found[#found + 1] = event
    through = seq
  end
  return found
end

-- Removes the states of messages that are below `oldest`, once all changes in them are archived. `head` is the log's end.
-- A state that a server of the earlier version has written does not say when it was changed: it stays until everything up
-- to now is archived.
local function drop_states(meta, oldest, archived, head)
  local states = key_beside(meta, 'states')
  for _, found in ipairs(redis.call('ZRANGEBYSCORE', states, '-inf', integer(oldest - 1))) do
    local state = cjson.decode(found)
    if not state.last then
      save_state(meta, tonumber(state.target), state, head)
    elseif tonumber(state.last) <= archived then
      redis.call('ZREM', states, found)
    end
  end
end

-- Writes the lowest seq of `moved` and `states` to meta.
local function update_side(meta)
  local lowest
  for _, name in ipairs({'moved', 'states'}) do
    local first = redis.call('ZRANGE', key_beside(meta, name), 0, 0, 'WITHSCORES')[2]
    if first and (not lowest or tonumber(first) < lowest) then
      lowest = tonumber(first)
    end
  end
  if lowest then
    redis.call('HSET', meta, 'side', integer(lowest))
  else
    redis.call('HDEL', meta, 'side')
  end
end

-- Removes the events up to `last` from a log.
local function trim_log(meta, log, last)
  redis.call('XTRIM', log, 'MINID', '=', integer(last + 1))
  redis.call('ZREMRANGEBYSCORE', key_beside(meta, 'moved'), '-inf', integer(last))
end

-- Removes the events up to `last` from the kept log.
local function trim_kept(meta, last)
  local kept = tonumber(redis.call('HGET', meta, 'kept'))
  if not kept then
    return
  end
  local kept_meta, kept_log = kept_keys(meta)
  if kept <= last then
    redis.call('UNLINK', kept_meta, kept_log, key_beside(kept_meta, 'moved'))
    redis.call('HDEL', meta, 'kept')
  else
    trim_log(kept_meta, kept_log, last)
  end
end

-- keys: meta log; args: new-epoch archived-seq history-messages mark-seq
-- Records that all events up to archived-seq are in the archive, and trims those of them that are older than the newest
-- `history-messages`. Returns the archived head.
local function archived(keys, args)
  local meta, log = keys[1], keys[2]
  local _, head, _, side = current_head(meta, log, args[1], math.max(tonumber(args[2]), tonumber(args[4])))
  local before = tonumber(redis.call('HGET', meta, 'a') or 0)
  local archived_head = math.max(before, tonumber(args[2]))
  if archived_head > before then
    redis.call('HSET', meta, 'a', integer(archived_head))
  end
  trim_kept(meta, archived_head)
  local last = math.min(archived_head, head - tonumber(args[3]))
  if last > 0 then
    trim_log(meta, log, last)
  end
  if side then
    drop_states(meta, oldest_seq(meta, log, head, side), archived_head, head)
    update_side(meta)
  end
  return archived_head
end

-- keys: meta log; args: new-epoch seq mark-seq
-- Removes the events up to `seq`, also their bytes, whether or not they are archived. The numbering does not change.
local function trim_before(keys, args)
  local meta, log = keys[1], keys[2]
  local _, head, _, side = current_head(meta, log, args[1], args[3])
  local last = math.min(tonumber(args[2]), head)
  trim_kept(meta, last)
  trim_log(meta, log, last)
  erase_trimmed(meta, log, side)
  redis.call('ZREMRANGEBYSCORE', key_beside(meta, 'states'), '-inf', integer(last))
  update_side(meta)
  return last
end

-- Returns the event with another name of the user, as the author and as the target of a notice. Inside of a JSON string
-- quotes are escaped, so that a text cannot look like a field. `user` and `name` are JSON strings.
local function with_name(event, user, name)
  local field, from = '{"id":' .. user .. ',"name":', 1
  while true do
    local first, before = string.find(event, field, from, true)
    if not first then
      return event
    end
    event = string.sub(event, 1, before) .. name .. string.sub(event, end_of_string(event, before + 2) + 1)
    from = before + #name
  end
end

-- keys: meta log; args: new-epoch after limit user name mark-seq; `user` and `name` are JSON strings
-- Replaces the name of a user in up to `limit` events above `after`. Returns the seq through which that is done.
local function rename_user(keys, args)
  local meta, log = keys[1], keys[2]
  local _, head, _, side = current_head(meta, log, args[1], args[6])
  local after, found, seen, through = tonumber(args[2]), {}, 0, head
  for seq, event, is_kept in each_unarchived(meta, log, side, after, head) do
    if seen == tonumber(args[3]) then
      through = after
      break
    end
    seen, after = seen + 1, seq
    local renamed = with_name(event, args[4], args[5])
    if renamed ~= event then
      found[#found + 1] = {seq = seq, event = event, renamed = renamed, is_kept = is_kept}
    end
  end
  local kept_meta, kept_log = kept_keys(meta)
  local kept_side = tonumber(redis.call('HGET', kept_meta, 'side'))
  for _, one in ipairs(found) do
    if one.is_kept then
      kept_side = replace_event(kept_meta, kept_log, kept_side, one.seq, one.event, one.renamed)
    else
      side = replace_event(meta, log, side, one.seq, one.event, one.renamed)
    end
  end
  return through
end

-- -- The archive's queue ----------------------------------------------------------------------------------------------

-- A sorted set of all rooms with events that may not be archived, score = the store's time in seconds when a process
-- put the room into it. In a cluster it is in a slot of its own, so an append cannot write it. Instead a process enqueues
-- the room before the append, in the same write (see archiving/archive_queue.py).

-- keys: the queue; args: rooms
local function enqueue_rooms(keys, args)
  local time, members = now(), {}
  for _, room in ipairs(args) do
    members[#members + 1] = time
    members[#members + 1] = room
  end
  redis.call('ZADD', keys[1], unpack(members))
  return 0
end

-- keys: the queue; args: limit
-- Returns the rooms, those that were enqueued first come first.
local function queued_rooms(keys, args)
  return redis.call('ZRANGE', keys[1], 0, tonumber(args[1]) - 1)
end

-- keys: the queue; args: pairs of a room and a time
-- Removes each room that was last enqueued before that time.
local function dequeue_rooms(keys, args)
  for i = 1, #args, 2 do
    local enqueued = redis.call('ZSCORE', keys[1], args[i])
    if enqueued and tonumber(enqueued) < tonumber(args[i + 1]) then
      redis.call('ZREM', keys[1], args[i])
    end
  end
  return 0
end

-- allow-oom: a store that is full is relieved by trimming.
redis.register_function{function_name = 'cloudchat_archived_v4', callback = archived, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_unarchived_v4', callback = unarchived, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_trim_before_v4', callback = trim_before, flags = {'allow-oom'}}
redis.register_function('cloudchat_rename_user_v4', rename_user)
redis.register_function('cloudchat_enqueue_rooms_v4', enqueue_rooms)
redis.register_function{function_name = 'cloudchat_queued_rooms_v4', callback = queued_rooms, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_dequeue_rooms_v4', callback = dequeue_rooms, flags = {'allow-oom'}}
