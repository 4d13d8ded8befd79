#!lua name=cloudchat_sockets_v1

-- The sockets of all processes that share this store, per user and per address. All keys have one hash tag (one slot of a
-- cluster): there are few calls, one when a socket opens, one when some close, and one heartbeat a process.
--
-- Keys
--   user:<id>, address:<network>  sorted sets of "<process> <number>", by the instant each was opened
--   alive:<process>               lives as long as the process's heartbeats come; without it its sockets count no more
--   leaving:<process>             set of the numbers that a process must close, because a newer socket took their place

local WEEK = 7 * 86400

-- Counts what lives; what a killed process left behind is struck off, but only looked for when the set seems too large.
local function count(prefix, set, most)
  local size = redis.call('ZCARD', set)
  if size <= most then
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

-- keys: user address alive; args: prefix process number most-per-user most-per-address seconds-alive opened-at
-- Returns -1 if the address has too many, which leaves nothing behind; else 0 after the oldest ones were told to leave.
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
      local its_process, number = string.match(oldest[i], '^(%S+) (%S+)$')
      redis.call('SADD', prefix .. 'leaving:' .. its_process, number)
      redis.call('EXPIRE', prefix .. 'leaving:' .. its_process, args[6])
    end
  end
  return 0
end

-- keys: sets; args: member for each of them
local function leave(keys, args)
  for i, set in ipairs(keys) do
    redis.call('ZREM', set, args[i])
  end
  return 0
end

-- keys: alive leaving; args: seconds-alive. Returns whether the store still knew this process, and whom it must close.
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
