-- The archive's queue: a sorted set of all rooms with events that may not be archived, score = the store's time in seconds when a process
-- put the room into it. In a cluster it is in a slot of its own, so an append cannot write it. Instead a process enqueues
-- the room before the append, in the same write (see archiving/archive_queue.py).

-- keys: the queue; args: rooms
local function enqueue_rooms(keys, args)
  local time, members = now(), {}
  for _, room in ipairs(args) do
    members[#members + 1] = time
    members[#members + 1] = room
  end
  redis.call('ZADD', keys[1], unpack(members))
  return 0
end

-- keys: the queue; args: limit
-- Returns the rooms, those that were enqueued first come first.
local function queued_rooms(keys, args)
  return redis.call('ZRANGE', keys[1], 0, tonumber(args[1]) - 1)
end

-- keys: the queue; args: pairs of a room and a time
-- Removes each room that was last enqueued before that time.
local function dequeue_rooms(keys, args)
  for i = 1, #args, 2 do
    local enqueued = redis.call('ZSCORE', keys[1], args[i])
    if enqueued and tonumber(enqueued) < tonumber(args[i + 1]) then
      redis.call('ZREM', keys[1], args[i])
    end
  end
  return 0
end

redis.register_function('cloudchat_enqueue_rooms_v5', enqueue_rooms)
redis.register_function{function_name = 'cloudchat_queued_rooms_v5', callback = queued_rooms, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_dequeue_rooms_v5', callback = dequeue_rooms, flags = {'allow-oom'}}
