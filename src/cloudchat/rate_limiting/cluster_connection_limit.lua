#!lua name=cloudchat_sockets_v2

-- The open connections of all processes that share this store, by user and by address. All keys have one hash tag (one
-- slot of a cluster): there are few calls, one when a connection opens, one when some close, and one heartbeat of each
-- process.
--
-- Keys
--   user:<id>, address:<network>  sorted sets of "<process> <number>", by the time when each connection was opened
--   alive:<process>               expires when the process's heartbeats stop; then its connections no longer count
--   owed:<user>                   expires when a connection of the user that was closed could again send its full burst
--   leaving:<process>             set of the numbers that a process must close because the user opened newer connections

local WEEK = 7 * 86400

-- Returns how many connections of living processes a set holds, or its size if that is at most `limit`: only a set that
-- seems too large is searched for the connections of killed processes, which are removed.
local function count(prefix, set, limit)
  local size = redis.call('ZCARD', set)
  if size <= limit then
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

-- keys: user address alive owed; args: prefix process number max-per-user max-per-address alive-seconds opened-at
-- Returns -1 and adds nothing if the address has too many connections. Else adds the connection, schedules the user's
-- oldest ones over the limit for closing, and returns the milliseconds after which `owed` expires.
local function add(keys, args)
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
  local excess = count(prefix, keys[1], tonumber(args[4])) - tonumber(args[4])
  if excess > 0 then
    local oldest = redis.call('ZPOPMIN', keys[1], excess)
    for i = 1, #oldest, 2 do
      local owner, number = string.match(oldest[i], '^(%S+) (%S+)$')
      redis.call('SADD', prefix .. 'leaving:' .. owner, number)
      redis.call('EXPIRE', prefix .. 'leaving:' .. owner, args[6])
    end
  end
  return math.max(0, redis.call('PTTL', keys[4]))
end

-- keys: owed; args: the milliseconds for each of them
local function owe(keys, args)
  for i, key in ipairs(keys) do
    if redis.call('PTTL', key) < tonumber(args[i]) then
      redis.call('SET', key, 1, 'PX', args[i])
    end
  end
  return 0
end

-- keys: sets; args: the member to remove from each of them
local function remove(keys, args)
  for i, set in ipairs(keys) do
    redis.call('ZREM', set, args[i])
  end
  return 0
end

-- keys: alive leaving; args: alive-seconds
-- Returns whether the process counted as alive until now, and the numbers of the connections that it must close.
local function heartbeat(keys, args)
  local known = redis.call('EXISTS', keys[1])
  redis.call('SET', keys[1], 1, 'EX', args[1])
  local numbers = redis.call('SMEMBERS', keys[2])
  redis.call('DEL', keys[2])
  return {known, numbers}
end

-- keys: alive
-- The process's connections no longer count.
local function retire(keys)
  return redis.call('DEL', keys[1])
end

redis.register_function('cloudchat_sockets_enter_v2', add)
redis.register_function('cloudchat_sockets_owe_v2', owe)
redis.register_function('cloudchat_sockets_leave_v2', remove)
redis.register_function('cloudchat_sockets_beat_v2', heartbeat)
redis.register_function('cloudchat_sockets_retire_v2', retire)
