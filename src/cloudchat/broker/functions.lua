#!lua name=cloudchat_v1

-- The room log, as Redis Functions: each call is one atomic step, and one MULTI/EXEC block in the append-only file, so
-- that a crash leaves all of it or nothing. A change of behaviour gets a new number in the names, because servers of two
-- versions share one store during an upgrade.
--
-- Keys of a room, all with its hash tag (one slot of a cluster):
--   meta  hash {epoch, seq}           seq is that of the last event
--   log   stream, entry <seq>-0 {e = the event's JSON}
--   seen  hashes seen:<day> {"<user> <cid>" = "<seq> <at>"}; today's and yesterday's are asked, so 24 to 48 hours.
--         The day comes from the store's clock: servers whose clocks differ around midnight must ask the same hash.

local DAY = 86400

local function whole(number)
  return string.format('%.0f', number)
end

-- A room whose meta is gone has lost its log: what may be left of it must not be mixed with a new numbering.
-- A room that ends before what its caller has already been told of (known-epoch, known-seq) has lost that, in a restore
-- from an older backup or in a failover: the lost events' numbers must not be given again, so the numbering ends here too.
local function standing(meta, log, candidate, known_epoch, known_seq)
  local found = redis.call('HMGET', meta, 'epoch', 'seq')
  if found[1] then
    local seq = tonumber(found[2])
    if found[1] == known_epoch and seq < tonumber(known_seq) then
      redis.call('HSET', meta, 'epoch', candidate)
      return candidate, seq
    end
    return found[1], seq
  end
  redis.call('DEL', log)
  redis.call('HSET', meta, 'epoch', candidate, 'seq', 0)
  return candidate, 0
end

-- keys: meta log seen channel; args: epoch-if-new room kind body user cid at keep known-epoch known-seq
local function append(keys, args)
  local epoch, seq = standing(keys[1], keys[2], args[1], args[9], args[10])
  local day = math.floor(tonumber(redis.call('TIME')[1]) / DAY)
  local today, yesterday = keys[3] .. whole(day), keys[3] .. whole(day - 1)
  if seq == 0 then
    -- What is left of a log that is gone must not answer for this one.
    redis.call('DEL', today, yesterday)
  end
  local cid = args[5] .. ' ' .. args[6]
  local known = redis.call('HGET', today, cid) or redis.call('HGET', yesterday, cid)
  if known then
    return {epoch, known, 1}
  end
  local number = whole(seq + 1)
  local event = '{"type":"' .. args[3] .. '","room":"' .. args[2] .. '","epoch":"' .. epoch .. '","seq":' .. number .. ',' .. args[4]
  local place = number .. ' ' .. args[7]
  redis.call('XADD', keys[2], 'MAXLEN', '=', args[8], number .. '-0', 'e', event)
  redis.call('HSET', keys[1], 'seq', number)
  redis.call('HSET', today, cid, place)
  if redis.call('HLEN', today) == 1 then
    redis.call('EXPIRE', today, 2 * DAY + 3600)
  end
  redis.call('SPUBLISH', keys[4], epoch .. ' ' .. number .. ' ' .. event)
  return {epoch, place, 0}
end

local function oldest(log, seq)
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  return first and tonumber(string.match(first[1], '^%d+')) or seq + 1
end

-- Entries until `most` bytes are full, but at least one.
local function fitting(entries, most)
  local events, size = {}, 0
  for i, entry in ipairs(entries) do
    size = size + #entry[2][2]
    if i > 1 and size > most then
      break
    end
    events[i] = entry[2][2]
  end
  return events
end

local function page(epoch, seq, log, first, events)
  return {epoch, seq, oldest(log, seq), first, events}
end

-- keys: meta log; args: epoch-if-new after limit most-bytes known-epoch known-seq
local function read(keys, args)
  local epoch, seq = standing(keys[1], keys[2], args[1], args[5], args[6])
  local after = tonumber(args[2])
  local entries = redis.call('XRANGE', keys[2], whole(after + 1), '+', 'COUNT', args[3])
  local first = entries[1] and tonumber(string.match(entries[1][1], '^%d+')) or after + 1
  return page(epoch, seq, keys[2], first, fitting(entries, tonumber(args[4])))
end

-- keys: meta log; args: epoch-if-new before limit most-bytes known-epoch known-seq
local function read_before(keys, args)
  local epoch, seq = standing(keys[1], keys[2], args[1], args[5], args[6])
  local before = math.min(tonumber(args[2]), seq + 1)
  local entries = redis.call('XREVRANGE', keys[2], whole(before - 1), '-', 'COUNT', args[3])
  local newest_first = fitting(entries, tonumber(args[4]))
  local events = {}
  for i = #newest_first, 1, -1 do
    events[#events + 1] = newest_first[i]
  end
  return page(epoch, seq, keys[2], before - #events, events)
end

redis.register_function('cloudchat_append_v1', append)
-- A store that is full takes no message, but what is there can still be read.
redis.register_function{function_name = 'cloudchat_read_v1', callback = read, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_read_before_v1', callback = read_before, flags = {'allow-oom'}}
