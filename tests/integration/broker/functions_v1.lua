#!lua name=cloudchat_v1

-- The room log, as Redis Functions. Each call is one atomic step, and one MULTI/EXEC block in the append-only file, so a
-- crash leaves all of it or nothing. A change of behaviour needs a new number in the function names, because servers of
-- two versions share a store during an upgrade.
--
-- Keys of a room, all with its hash tag (one slot of a cluster):
--   meta  hash {epoch, seq}           seq is that of the newest event
--   log   stream, entry <seq>-0 {e = the event's JSON}
--   seen  hashes seen:<day> {"<user> <cid>" = "<seq> <at>"}; those of today and yesterday are looked up, so a cid is
--         remembered for 24 to 48 hours. The day comes from the store's clock: around midnight, servers with different
--         clocks would look up different hashes.

local DAY = 86400

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

-- keys: meta log seen channel
-- args: new-epoch room kind body user cid at history-messages mark-epoch mark-seq
-- Returns {epoch, "<seq> <at>", 1 if the cid was known else 0}.
local function append(keys, args)
  local epoch, seq = current_head(keys[1], keys[2], args[1], args[9], args[10])
  local day = math.floor(tonumber(redis.call('TIME')[1]) / DAY)
  local today, yesterday = keys[3] .. integer(day), keys[3] .. integer(day - 1)
  if seq == 0 then
    -- The log is new or lost: cids of a lost log must not be taken for duplicates.
    redis.call('DEL', today, yesterday)
  end
  local cid = args[5] .. ' ' .. args[6]
  local known = redis.call('HGET', today, cid) or redis.call('HGET', yesterday, cid)
  if known then
    return {epoch, known, 1}
  end
  local number = integer(seq + 1)
  local event = '{"type":"' .. args[3] .. '","room":"' .. args[2] .. '","epoch":"' .. epoch .. '","seq":' .. number .. ',' .. args[4]
  local seq_and_at = number .. ' ' .. args[7]
  redis.call('XADD', keys[2], 'MAXLEN', '=', args[8], number .. '-0', 'e', event)
  redis.call('HSET', keys[1], 'seq', number)
  redis.call('HSET', today, cid, seq_and_at)
  if redis.call('HLEN', today) == 1 then
    redis.call('EXPIRE', today, 2 * DAY + 3600)
  end
  redis.call('SPUBLISH', keys[4], epoch .. ' ' .. number .. ' ' .. event)
  return {epoch, seq_and_at, 0}
end

local function oldest_seq(log, seq)
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  return first and tonumber(string.match(first[1], '^%d+')) or seq + 1
end

-- Returns the events of the first entries: at most max_bytes together, but at least one.
local function events_within(entries, max_bytes)
  local events, size = {}, 0
  for i, entry in ipairs(entries) do
    size = size + #entry[2][2]
    if i > 1 and size > max_bytes then
      break
    end
    events[i] = entry[2][2]
  end
  return events
end

local function page(epoch, seq, log, first, events)
  return {epoch, seq, oldest_seq(log, seq), first, events}
end

-- keys: meta log; args: new-epoch after limit max-bytes mark-epoch mark-seq
local function read(keys, args)
  local epoch, seq = current_head(keys[1], keys[2], args[1], args[5], args[6])
  local after = tonumber(args[2])
  local entries = redis.call('XRANGE', keys[2], integer(after + 1), '+', 'COUNT', args[3])
  local first = entries[1] and tonumber(string.match(entries[1][1], '^%d+')) or after + 1
  return page(epoch, seq, keys[2], first, events_within(entries, tonumber(args[4])))
end

-- keys: meta log; args: new-epoch before limit max-bytes mark-epoch mark-seq
local function read_before(keys, args)
  local epoch, seq = current_head(keys[1], keys[2], args[1], args[5], args[6])
  local before = math.min(tonumber(args[2]), seq + 1)
  local entries = redis.call('XREVRANGE', keys[2], integer(before - 1), '-', 'COUNT', args[3])
  local newest_first = events_within(entries, tonumber(args[4]))
  local events = {}
  for i = #newest_first, 1, -1 do
    events[#events + 1] = newest_first[i]
  end
  return page(epoch, seq, keys[2], before - #events, events)
end

redis.register_function('cloudchat_append_v1', append)
-- allow-oom: a store that is full accepts no message, but it can still be read.
redis.register_function{function_name = 'cloudchat_read_v1', callback = read, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_read_before_v1', callback = read_before, flags = {'allow-oom'}}
