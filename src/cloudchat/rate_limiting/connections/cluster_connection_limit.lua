#!lua name=cloudchat_sockets_v5

-- The handshakes and the open connections of all processes that share this store, by user and by address. All keys have
-- one hash tag (one slot of a cluster): there are few calls, one or two when connections open, one when some close, and
-- one heartbeat of each process.
--
-- Keys
--   rate:<kind>:<key>             list of the times of the newest handshakes (microseconds), newest first
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

-- Counts a handshake in a moving window of `period` microseconds, which admits `limit` of them. Returns 0, or the
-- milliseconds until the window admits the next one; a handshake that is not admitted does not count.
local function hit(window, limit, period, now)
  local oldest = redis.call('LINDEX', window, limit - 1)
  if oldest then
    local free_at = tonumber(oldest) + period
    if free_at > now then
      return math.max(1, math.ceil((free_at - now) / 1000))
    end
    redis.call('LTRIM', window, 0, limit - 2)
  end
  redis.call('LPUSH', window, string.format('%.0f', now))
  redis.call('PEXPIRE', window, math.ceil(period / 1000))
  return 0
end

-- Returns -1 and adds nothing if the address has too many connections. Else adds the connection, schedules the user's
-- oldest ones over the limit for closing, and returns the milliseconds after which `owed` expires.
local function add(user, address, alive, owed, limits, process, number, opened_at)
  local prefix, max_per_user, max_per_address, alive_seconds = unpack(limits)
  local member = process .. ' ' .. number
  if redis.call('EXISTS', alive) == 0 then
    redis.call('SET', alive, 1, 'EX', alive_seconds)
  end
  if count(prefix, address, max_per_address - 1) >= max_per_address then
    return -1
  end
  for _, set in ipairs({user, address}) do
    redis.call('ZADD', set, 'NX', opened_at, member)
    redis.call('EXPIRE', set, WEEK)
  end
  local excess = count(prefix, user, max_per_user) - max_per_user
  if excess > 0 then
    local oldest = redis.call('ZPOPMIN', user, excess)
    for i = 1, #oldest, 2 do
      local owner, closing = string.match(oldest[i], '^(%S+) (%S+)$')
      redis.call('SADD', prefix .. 'leaving:' .. owner, closing)
      redis.call('EXPIRE', prefix .. 'leaving:' .. owner, alive_seconds)
    end
  end
  return math.max(0, redis.call('PTTL', owed))
end

-- Counts a handshake in the windows from keys[key] on; args[arg] is their number, and the limit and the period of each
-- follow. Returns 0, or the milliseconds to wait if a window does not admit the handshake; then those after it do not
-- count it.
local function hit_all(keys, key, args, arg, now)
  for i = 0, tonumber(args[arg]) - 1 do
    local wait = hit(keys[key + i], tonumber(args[arg + 2 * i + 1]), tonumber(args[arg + 2 * i + 2]), now)
    if wait > 0 then
      return wait
    end
  end
  return 0
end

local function microseconds()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- keys: the windows of each handshake; args of each handshake: the number of its windows, limit and period of each
-- Returns for each handshake what `hit_all` returned.
local function admit(keys, args)
  local replies, key, arg, now = {}, 1, 1, microseconds()
  while args[arg] do
    replies[#replies + 1] = hit_all(keys, key, args, arg, now)
    key, arg = key + tonumber(args[arg]), arg + 1 + 2 * tonumber(args[arg])
  end
  return replies
end

-- keys of each handshake: user address alive owed, windows; args: prefix max-per-user max-per-address alive-seconds,
-- then of each handshake: process number opened-at, the number of its windows, limit and period of each
-- Returns for each handshake the milliseconds to wait, and what `add` returned if there are none.
local function open(keys, args)
  local limits = {args[1], tonumber(args[2]), tonumber(args[3]), args[4]}
  local replies, key, arg, now = {}, 1, 5, microseconds()
  while args[arg] do
    local windows = tonumber(args[arg + 3])
    local wait, outcome = hit_all(keys, key + 4, args, arg + 3, now), 0
    if wait == 0 then
      outcome = add(
        keys[key], keys[key + 1], keys[key + 2], keys[key + 3], limits, args[arg], args[arg + 1], args[arg + 2]
      )
    end
    replies[#replies + 1] = {wait, outcome}
    key, arg = key + 4 + windows, arg + 4 + 2 * windows
  end
  return replies
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

-- Registers a function whose writes are sent to replicas, but not written to the append-only file, which would be an
-- fsync for each call. Nothing of it must outlive the store: after a restart, each process registers its connections
-- again, and the windows begin anew, or as they were when the file was last rewritten.
local function register(name, run)
  redis.register_function(name, function(keys, args)
    redis.set_repl(redis.REPL_REPLICA)
    return run(keys, args)
  end)
end

register('cloudchat_sockets_admit_v5', admit)
register('cloudchat_sockets_open_v5', open)
register('cloudchat_sockets_owe_v5', owe)
register('cloudchat_sockets_leave_v5', remove)
register('cloudchat_sockets_beat_v5', heartbeat)
register('cloudchat_sockets_retire_v5', retire)
