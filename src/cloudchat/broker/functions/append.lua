-- Append messages and notices. What is here before `append` serves the changes of messages (change.lua), too.
--
-- `call` is what all appends of one call share, `room` is a room's keys and head, `entry` is what a caller appends.

-- While the archive takes no events, a log grows to history-messages and this many more events; further appends are
-- refused. A message of 60 characters takes 310 bytes of the store's memory (its cid 35 of them), so that is 31 MB.
local MAX_UNARCHIVED_EVENTS = 100000
local SIGNALS = 'cloudchat:signals'

-- Returns whether a process listens that does not have this channel. Each process subscribes to the signals, then to a
-- channel of its own, and then to the channels of its rooms, on one connection. So the first count has all processes.
local function do_others_listen(own_channel)
  local counts = redis.call('PUBSUB', 'SHARDNUMSUB', SIGNALS, own_channel)
  return counts[2] > counts[4]
end

-- args: new-epoch history-messages own-channel …
local function new_call(args)
  local today, yesterday = current_days()
  return {
    new_epoch = args[1],
    history_messages = tonumber(args[2]),
    is_published = do_others_listen(args[3]),
    today = today,
    yesterday = yesterday,
  }
end

-- args from `i` on: room kind body user digest at mark-seq version
local function read_entry(args, i)
  return {
    room = args[i],
    kind = args[i + 1],
    body = args[i + 2],
    user = args[i + 3],
    digest = args[i + 4],
    at = args[i + 5],
    mark = args[i + 6],
    version = tonumber(args[i + 7]),
  }
end

-- One constructor with all fields, because a table that grows costs as much as a command.
local function open_room(call, entry)
  local channel = 'cloudchat:{' .. entry.room .. '}'
  local meta, log = channel .. ':meta', channel .. ':log'
  local epoch, seq, version, side, archived = current_head(meta, log, call.new_epoch, entry.mark)
  return {
    channel = channel,
    meta = meta,
    log = log,
    seen = channel .. ':seen:',
    epoch = epoch,
    seq = seq,
    version = version,
    side = side,
    archived = archived,
    cid_hash = nil,
    cids = nil,
  }
end

-- Returns whether the log has as many events as it may have while the archive takes none. It has no more than
-- history-messages and those that were appended after the archived head, so it is rarely counted.
local function is_full(call, room)
  if room.seq - (room.archived or 0) < MAX_UNARCHIVED_EVENTS then
    return false
  end
  local moved = room.side and redis.call('ZCARD', key_beside(room.meta, 'moved')) or 0
  return redis.call('XLEN', room.log) + moved >= call.history_messages + MAX_UNARCHIVED_EVENTS
end

-- Remembers the cid of an entry, whose event has this seq and time. `early_outcome` has found its place.
local function remember(call, room, entry, seq, at)
  if call.packed_at ~= at then
    call.packed_at, call.packed_time = at, pack_time(at)
  end
  remember_cid(room.cid_hash, room.cids, entry.digest, seq, call.packed_time)
end

-- Adds the event of an entry to the log, remembers the cid, and publishes the event if another process listens.
local function log_event(call, room, entry)
  local seq, epoch = room.seq + 1, room.epoch
  local number = integer(seq)
  local event = '{"type":"' .. entry.kind .. '","room":"' .. entry.room .. '","epoch":"' .. epoch .. '","seq":' .. number .. ',' .. entry.body
  redis.call('XADD', room.log, number .. '-0', 'e', event)
  if entry.version > room.version then
    redis.call('HSET', room.meta, 'seq', number, 'v', integer(entry.version))
  else
    redis.call('HSET', room.meta, 'seq', number)
  end
  remember(call, room, entry, seq, entry.at)
  if call.is_published then
    redis.call('SPUBLISH', room.channel, epoch .. ' ' .. number .. ' ' .. event)
  end
  return {epoch, seq, APPENDED}
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

-- Returns the outcome of an append that is decided before its event is looked at, or nil. Finds the place of the cid.
local function early_outcome(call, room, entry)
  local known, hash, cids = find_cid(room.seen, call.today, entry.digest)
  room.cid_hash, room.cids = hash, cids
  known = known or find_cid(room.seen, call.yesterday, entry.digest)
  if known then
    local seq, at = unpack_position(known)
    return {room.epoch, seq, DUPLICATE, at}
  end
  if entry.kind ~= 'notice' and room.version > entry.version then
    return {room.epoch, room.version, STALE}
  end
  if is_full(call, room) then
    return {room.epoch, 0, UNARCHIVED}
  end
end

local function append_entry(call, entry, slow_mode_ms, reply_to)
  local room = open_room(call, entry)
  local outcome = early_outcome(call, room, entry)
  if outcome then
    return outcome
  end
  if reply_to ~= '0' and not is_repliable(room.meta, room.log, room.side, room.seq, tonumber(reply_to)) then
    return {room.epoch, 0, NOT_REPLIABLE}
  end
  if slow_mode_ms ~= '0' then
    local wait = slow_mode_wait(room.meta, entry.user, tonumber(slow_mode_ms))
    if wait then
      return {room.epoch, wait, SLOW_MODE}
    end
  end
  return log_event(call, room, entry)
end

-- Appends messages and notices of several rooms, in order.
-- keys: none, because the rooms of a call are in different slots
-- args: new-epoch history-messages own-channel, then for each append: room kind body user digest at mark-seq version
-- slow-mode-ms reply-to
-- Returns {1 if the events were published, else 0: then no other process listens, and the caller delivers them, a reply
-- for each append}. A reply is {epoch, seq, APPENDED}, {epoch, seq, DUPLICATE, at}, or {epoch, detail, why it was refused};
-- the detail is the version for STALE, the wait in milliseconds for SLOW_MODE, and a text for FAILED. A notice reports a
-- change, which nothing permits or forbids.
local function append(_, args)
  local call = new_call(args)
  local replies = {call.is_published and 1 or 0}
  for i = 4, #args, 10 do
    -- An error in one room, whose keys may be damaged, must not fail the appends to others.
    local is_done, reply = pcall(append_entry, call, read_entry(args, i), args[i + 8], args[i + 9])
    replies[#replies + 1] = is_done and reply or {'', type(reply) == 'table' and reply.err or tostring(reply), FAILED}
  end
  return replies
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

-- allow-cross-slot-keys: a server in cluster mode with all slots, such as MemoryDB with one shard, accepts the call.
redis.register_function{function_name = 'cloudchat_append_v5', callback = append, flags = {'allow-cross-slot-keys'}}
redis.register_function('cloudchat_raise_version_v5', raise_version)
