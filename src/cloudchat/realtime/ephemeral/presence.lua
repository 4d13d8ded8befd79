#!lua name=cloudchat_presence_v1

-- Which users have a socket in which process. All keys have one hash tag (one slot of a cluster).
--
-- Keys
--   versions            hash {process = the number of its changes}
--   alive:<process>     expires when the process's heartbeats stop
--   online:<process>    set of the users who have a socket in the process

-- SADD and SREM take one user after the other: a list of thousands does not fit on the stack of Lua.
local CHUNK = 1000

local function for_chunks(command, key, users, first, last)
  for from = first, last, CHUNK do
    redis.call(command, key, unpack(users, from, math.min(from + CHUNK - 1, last)))
  end
end

-- keys: versions alive online; args: process version alive-seconds channel message number-of-came came… left…
-- The message, which repeats the change, is published in the same step: processes that receive it need not read.
local function update(keys, args)
  local came = tonumber(args[6])
  for_chunks('SADD', keys[3], args, 7, 6 + came)
  for_chunks('SREM', keys[3], args, 7 + came, #args)
  redis.call('HSET', keys[1], args[1], args[2])
  redis.call('SET', keys[2], 1, 'EX', args[3])
  redis.call('SPUBLISH', args[4], args[5])
  return 0
end

-- keys: versions alive; args: process alive-seconds alive-prefix online-prefix
-- A heartbeat. Forgets the processes that have none any more. Returns whether the process was known, and for every other
-- one its name and version.
local function poll(keys, args)
  local known = redis.call('HEXISTS', keys[1], args[1])
  redis.call('SET', keys[2], 1, 'EX', args[2])
  local versions, living = redis.call('HGETALL', keys[1]), {}
  for i = 1, #versions, 2 do
    local process = versions[i]
    if redis.call('EXISTS', args[3] .. process) == 0 then
      redis.call('HDEL', keys[1], process)
      redis.call('UNLINK', args[4] .. process)
    elseif process ~= args[1] then
      living[#living + 1] = process
      living[#living + 1] = versions[i + 1]
    end
  end
  return {known, living}
end

-- keys: versions online; args: process
local function read(keys, args)
  return {redis.call('HGET', keys[1], args[1]) or '0', redis.call('SMEMBERS', keys[2])}
end

-- keys: versions alive online; args: process
local function retire(keys, args)
  redis.call('HDEL', keys[1], args[1])
  redis.call('UNLINK', keys[2], keys[3])
  return 0
end

redis.register_function('cloudchat_presence_update_v1', update)
redis.register_function('cloudchat_presence_poll_v1', poll)
redis.register_function{function_name = 'cloudchat_presence_read_v1', callback = read, flags = {'no-writes'}}
redis.register_function('cloudchat_presence_retire_v1', retire)
