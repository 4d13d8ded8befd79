#!lua name=cloudchat_v2

-- The room log, as Redis Functions. Each call is one atomic step, and one MULTI/EXEC block in the append-only file, so a
-- crash leaves all of it or nothing. A change of behaviour needs a new number in the names of the functions and of the
-- library, because servers of two versions share a store during an upgrade, and each loads its own library.
--
-- Keys of a room, all with its hash tag (one slot of a cluster):
--   meta  hash {epoch, seq}           seq is that of the newest event
--   log   stream, entry <seq>-0 {e = the event's JSON}
--   seen  hashes {digest = seq and time} of the cids accepted on one day; those of today and yesterday are looked up, so
--         a cid is remembered for 24 to 48 hours. The day comes from the store's clock: around midnight, servers with
--         different clocks would look up different hashes. seen:<day>:first holds the first cids of the day, the others
--         are in seen:<day>:0 to seen:<day>:255. The store keeps a hash of up to 512 fields as one compact block: a cid
--         takes 34 bytes, where one large hash takes 54 (Valkey 9) to 90 (Redis 7).
--         The digest has 128 bits, so a message is never mistaken for another one.
--   seen:<day>  hash {"<user> <cid>" = "<seq> <time>"}, the same as written by the library cloudchat_v1. They are looked
--         up until they expire. While servers of both versions append to a room, each cid is in both.

local DAY = 86400
local FIRST_CIDS = 128
local SEEN_SECONDS = 2 * DAY + 3600
-- A page is read in steps, which fit the size of its events, and stops when its limit of bytes is reached. One step of
-- 500 copied 6 MB of large events into Lua to return 512 KiB.
local FIRST_STEP = 8
local MAX_STEP = 32

local function integer(number)
  return string.format('%.0f', number)
end

-- Returns the room's epoch and the seq of its newest event.
-- A room without meta has lost its log: what may be left of the log must not be mixed with a new numbering.
-- A room whose seq is below the caller's high-water mark has lost the end of its log, in a restore from an older backup
-- or in a failover. The numbers of the lost events must not be assigned again, so it gets a new epoch.
local function current_head(meta, log, new_epoch, mark_epoch, mark_seq)
  local found = redis.call('HMGET', meta, 'epoch', 'seq')
  if found[1] then
    local seq = tonumber(found[2])
    if found[1] == mark_epoch and seq < tonumber(mark_seq) then
      redis.call('HSET', meta, 'epoch', new_epoch)
      return new_epoch, seq
    end
    return found[1], seq
  end
  redis.call('DEL', log)
  redis.call('HSET', meta, 'epoch', new_epoch, 'seq', 0)
  return new_epoch, 0
end

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
    hashes[#hashes + 1] = seen .. day
    hashes[#hashes + 1] = seen .. day .. ':first'
    for number = 0, 255 do
      hashes[#hashes + 1] = seen .. day .. ':' .. number
    end
  end
  redis.call('UNLINK', unpack(hashes))
end

-- keys: meta log seen channel
-- args: new-epoch room kind body user cid digest at history-messages mark-epoch mark-seq
-- Returns {epoch, "<seq> <at>", 1 if the cid was known else 0}.
local function append(keys, args)
  local seen, user_and_cid, digest = keys[3], args[5] .. ' ' .. args[6], args[7]
  local epoch, seq = current_head(keys[1], keys[2], args[1], args[10], args[11])
  local day = math.floor(tonumber(redis.call('TIME')[1]) / DAY)
  local today, yesterday = integer(day), integer(day - 1)
  if seq == 0 then
    -- The log is new or lost: cids of a lost log must not be mistaken for duplicates.
    forget_cids(seen, {today, yesterday})
  end
  local known = find_cid(seen, today, digest) or find_cid(seen, yesterday, digest)
  if known then
    return {epoch, unpack_position(known), 1}
  end
  local with_v1 = redis.call('EXISTS', seen .. today, seen .. yesterday) > 0
  known = with_v1 and (redis.call('HGET', seen .. today, user_and_cid) or redis.call('HGET', seen .. yesterday, user_and_cid))
  if known then
    return {epoch, known, 1}
  end
  local number = integer(seq + 1)
  local event = '{"type":"' .. args[3] .. '","room":"' .. args[2] .. '","epoch":"' .. epoch .. '","seq":' .. number .. ',' .. args[4]
  local seq_and_at = number .. ' ' .. args[8]
  redis.call('XADD', keys[2], 'MAXLEN', '=', args[9], number .. '-0', 'e', event)
  redis.call('HSET', keys[1], 'seq', number)
  remember_cid(seen, today, digest, pack_position(seq + 1, args[8]))
  if with_v1 and redis.call('EXISTS', seen .. today) == 1 then
    -- A server of the earlier version appends to this room today, and the client may repeat the send there.
    redis.call('HSET', seen .. today, user_and_cid, seq_and_at)
  end
  redis.call('SPUBLISH', keys[4], epoch .. ' ' .. number .. ' ' .. event)
  return {epoch, seq_and_at, 0}
end

local function seq_of(entry)
  return tonumber(string.match(entry[1], '^%d+'))
end

local function oldest_seq(log, seq)
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  return first and seq_of(first) or seq + 1
end

-- Returns up to `limit` events, at most max_bytes together but at least one, and the seq of the first one. They begin at
-- `seq`, and go up with the command XRANGE, down with XREVRANGE.
local function collect(command, log, seq, limit, max_bytes)
  local step, last_id = 1, '+'
  if command == 'XREVRANGE' then
    step, last_id = -1, '-'
  end
  local events, size, first, count = {}, 0, nil, FIRST_STEP
  while #events < limit do
    count = math.min(count, limit - #events)
    local entries = redis.call(command, log, integer(seq), last_id, 'COUNT', count)
    first = first or entries[1] and seq_of(entries[1])
    for _, entry in ipairs(entries) do
      size = size + #entry[2][2]
      if size > max_bytes and #events > 0 then
        return events, first
      end
      events[#events + 1] = entry[2][2]
    end
    if #entries < count then
      break
    end
    seq = seq_of(entries[count]) + step
    local average = size / #events
    count = math.max(1, math.min(MAX_STEP, math.ceil((max_bytes - size) / average)))
  end
  return events, first
end

local function page(epoch, seq, log, first, events)
  return {epoch, seq, oldest_seq(log, seq), first, events}
end

-- keys: meta log; args: new-epoch after limit max-bytes mark-epoch mark-seq
local function read(keys, args)
  local epoch, seq = current_head(keys[1], keys[2], args[1], args[5], args[6])
  local after = tonumber(args[2])
  local events, first = collect('XRANGE', keys[2], after + 1, tonumber(args[3]), tonumber(args[4]))
  return page(epoch, seq, keys[2], first or after + 1, events)
end

-- keys: meta log; args: new-epoch before limit max-bytes mark-epoch mark-seq
local function read_before(keys, args)
  local epoch, seq = current_head(keys[1], keys[2], args[1], args[5], args[6])
  local before = math.min(tonumber(args[2]), seq + 1)
  local newest_first = collect('XREVRANGE', keys[2], before - 1, tonumber(args[3]), tonumber(args[4]))
  local events = {}
  for i = #newest_first, 1, -1 do
    events[#events + 1] = newest_first[i]
  end
  return page(epoch, seq, keys[2], before - #events, events)
end

redis.register_function('cloudchat_append_v2', append)
-- allow-oom: a store that is full accepts no message, but it can still be read.
redis.register_function{function_name = 'cloudchat_read_v2', callback = read, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_read_before_v2', callback = read_before, flags = {'allow-oom'}}
