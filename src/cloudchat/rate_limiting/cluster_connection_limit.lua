#!lua name=cloudchat_sockets_v1

-- Counts the open sockets of all processes that share this store, per user and per address. All keys have one hash tag,
-- so they are in one slot of a cluster. That is enough because there are few calls: one when a socket opens, one when
-- some close, and one heartbeat per process.
--
-- Keys
--   user:<id>, address:<network>  sorted set of "<process> <number>", by the time at which each socket was opened
--   alive:<process>               expires without heartbeats of the process; then its sockets are not counted any more
--   leaving:<process>             set of the numbers of sockets that the process must close, replaced by newer ones

local WEEK = 7 * 86400

-- Returns the size of a set. If it is larger than max, first removes the sockets of processes without heartbeats.
local function count(prefix, set, max)
  local size = redis.call('ZCARD', set)
  if size <= max then
    return size
  end
  local alive = {}
  for _, member in ipairs(redis.call('ZRANGE', set, 0, -1)) do
    local process = string.match(member, '^%S+')
    if alive[process] == nil then
      alive[process] = redis.call('EXISTS', prefix .. 'alive:' .. process) == 1
    end
    if not alive[process] then
      redis.call('ZREM', set, member)
      size = size - 1
    end
  end
  return size
end

-- keys: user address alive; args: prefix process number max-per-user max-per-address expire-seconds opened-at
-- Returns -1, without a change, if the address has too many; else 0, after the oldest sockets beyond the user's maximum
-- were added to the sets of their processes.
local function enter(keys, args)
  local prefix, process, member = args[1], args[2], args[2] .. ' ' .. args[3]
  if redis.call('EXISTS', keys[3]) == 0 then
    redis.call('SET', keys[3], 1, 'EX', args[6])
  end
  if count(prefix, keys[2], tonumber(args[5]) - 1) >= tonumber(args[5]) then
    return -1
  end
  for _, set in ipairs({keys[1], keys[2]}) do
    redis.call('ZADD', set, 'NX', args[7], member)
    redis.call('EXPIRE', set, WEEK)
  end
  local too_many = count(prefix, keys[1], tonumber(args[4])) - tonumber(args[4])
  if too_many > 0 then
    local oldest = redis.call('ZPOPMIN', keys[1], too_many)
    for i = 1, #oldest, 2 do
      local owner, number = string.match(oldest[i], '^(%S+) (%S+)$')
      redis.call('SADD', prefix .. 'leaving:' .. owner, number)
      redis.call('EXPIRE', prefix .. 'leaving:' .. owner, args[6])
    end
  end
  return 0
end

-- keys: sets; args: the member to remove from each of them
local function leave(keys, args)
  for i, set in ipairs(keys) do
    redis.call('ZREM', set, args[i])
  end
  return 0
end

-- keys: alive leaving; args: expire-seconds
-- Returns whether the store still knew this process, and the numbers of the sockets that it must close.
local function beat(keys, args)
  local known = redis.call('EXISTS', keys[1])
  redis.call('SET', keys[1], 1, 'EX', args[1])
  local numbers = redis.call('SMEMBERS', keys[2])
  redis.call('DEL', keys[2])
  return {known, numbers}
end

-- keys: alive
local function retire(keys)
  return redis.call('DEL', keys[1])
end

redis.register_function('cloudchat_sockets_enter_v1', enter)
redis.register_function('cloudchat_sockets_leave_v1', leave)
redis.register_function('cloudchat_sockets_beat_v1', beat)
redis.register_function('cloudchat_sockets_retire_v1', retire)
