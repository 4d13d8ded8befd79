-- Read events as they are stored: a page, the newest ones, or only the head.

-- keys: meta log; args: new-epoch after limit max-bytes mark-seq
-- Returns {epoch, seq of the newest event, of the oldest one, of the first one returned, events, version}: up to `limit`
-- events, at most max_bytes together but at least one.
local function read(keys, args)
  local epoch, seq, version, side = current_head(keys[1], keys[2], args[1], args[5])
  local oldest = oldest_seq(keys[1], keys[2], seq, side)
  local first = math.max(tonumber(args[2]) + 1, math.min(oldest, seq + 1))
  local last, max_bytes = math.min(seq, first + tonumber(args[3]) - 1), tonumber(args[4])
  local events, size = {}, 0
  for _, event in each_event(keys[1], keys[2], side, first, last, 1) do
    size = size + #event
    if size > max_bytes and #events > 0 then
      break
    end
    events[#events + 1] = event
  end
  return {epoch, seq, oldest, first, events, version}
end

-- keys: meta log; args: new-epoch mark-seq
-- Returns {epoch, seq of the newest event}.
local function head(keys, args)
  local epoch, seq = current_head(keys[1], keys[2], args[1], args[2])
  return {epoch, seq}
end

-- keys: meta log; args: new-epoch limit max-bytes mark-seq
-- Returns the same as `read`, of the newest events: up to `limit`, at most max_bytes together but at least one.
local function newest(keys, args)
  local epoch, seq, version, side = current_head(keys[1], keys[2], args[1], args[4])
  local oldest = oldest_seq(keys[1], keys[2], seq, side)
  local from, max_bytes = math.max(oldest, seq - tonumber(args[2]) + 1), tonumber(args[3])
  local found, size = {}, 0
  for _, event in each_event(keys[1], keys[2], side, seq, from, -1) do
    size = size + #event
    if size > max_bytes and #found > 0 then
      break
    end
    found[#found + 1] = event
  end
  local events = {}
  for i = #found, 1, -1 do
    events[#events + 1] = found[i]
  end
  return {epoch, seq, oldest, seq - #events + 1, events, version}
end

-- allow-oom: a store that is full accepts no message, but it can still be read.
redis.register_function{function_name = 'cloudchat_read_v5', callback = read, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_head_v5', callback = head, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_newest_v5', callback = newest, flags = {'allow-oom'}}
