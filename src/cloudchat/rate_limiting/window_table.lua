#!lua name=cloudchat_windows_v1

-- Fixed windows that count events per key: at most so many of them, whatever is counted. Every hash is one shard of a
-- table; all have one hash tag (one slot of a cluster).
--
-- Keys
--   <table>:<shard>  hash {digest of a key = end of its window in milliseconds since 1970, and its count, packed}; it
--                    expires with its last window

local FORMAT = '>I6I4'
local MAX_COUNT = 4294967295
local CANDIDATES = 8

local function now_ms()
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
end

-- Removes one window of a full shard: one that has ended, else the one with the lowest count of a few random ones. So
-- an attacker who fills the table with names or networks that are used once replaces those, and not what has been counted
-- often.
local function evict(shard, now)
  local sample = redis.call('HRANDFIELD', shard, CANDIDATES, 'WITHVALUES')
  local victim, lowest
  for i = 1, #sample, 2 do
    local ends, count = struct.unpack(FORMAT, sample[i + 1])
    if ends <= now then
      count = 0
    end
    if not lowest or count < lowest then
      victim, lowest = sample[i], count
    end
  end
  redis.call('HDEL', shard, victim)
end

-- keys: shard; args: digest window-ms amount max-windows
-- Adds to the count, in a new window if there is none. Returns the count and the milliseconds until the window's end.
local function hit(keys, args)
  local shard, digest, now = keys[1], args[1], now_ms()
  local packed = redis.call('HGET', shard, digest)
  local ends, count = 0, 0
  if packed then
    ends, count = struct.unpack(FORMAT, packed)
  elseif redis.call('HLEN', shard) >= tonumber(args[4]) then
    evict(shard, now)
  end
  if ends <= now then
    ends, count = now + tonumber(args[2]), 0
  end
  count = math.min(count + tonumber(args[3]), MAX_COUNT)
  redis.call('HSET', shard, digest, struct.pack(FORMAT, ends, count))
  if redis.call('PTTL', shard) < ends - now then
    redis.call('PEXPIRE', shard, ends - now)
  end
  return {count, ends - now}
end

-- keys: shard; args: digest
local function read(keys, args)
  local now = now_ms()
  local packed = redis.call('HGET', keys[1], args[1])
  if packed then
    local ends, count = struct.unpack(FORMAT, packed)
    if ends > now then
      return {count, ends - now}
    end
  end
  return {0, 0}
end

-- keys: shard; args: digest
local function clear(keys, args)
  return redis.call('HDEL', keys[1], args[1])
end

-- Without allow-oom: in a store that is full, no limit may take the place of a message; processes count alone then.
redis.register_function('cloudchat_window_hit_v1', hit)
redis.register_function('cloudchat_window_read_v1', read)
redis.register_function('cloudchat_window_clear_v1', clear)
