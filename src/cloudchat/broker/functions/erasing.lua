-- Remove deleted texts from the store, also from the unused bytes of a stream.

-- A stream keeps its entries in nodes of up to 100 entries and less than 4096 bytes (stream-node-max-entries and
-- stream-node-max-bytes, whose defaults the store must have).
local NODE_ENTRIES = 100
local NODE_BYTES = 4096

-- Returns the position of the quote that ends the JSON string which begins at `at`: the first one without a backslash.
local function end_of_string(event, at)
  while true do
    at = string.find(event, '["\\]', at)
    if string.sub(event, at, at) == '"' then
      return at
    end
    at = at + 2
  end
end

-- Returns the event with an empty text. Inside of a JSON string quotes are escaped, so that `"text":"` is always the
-- field.
local function without_text(event)
  local _, before = string.find(event, '"text":"', 1, true)
  return before and string.sub(event, 1, before) .. string.sub(event, end_of_string(event, before + 1)) or event
end

-- Adds to `ids` and `members` the entries on one side of an entry of `size` bytes that may be in the same node. They are
-- in the same one only if all events from the one to the other have less than NODE_BYTES.
local function add_neighbours(command, log, seq, last, size, ids, members)
  local step = command == 'XRANGE' and 1 or -1
  local entries
  repeat
    entries = redis.call(command, log, integer(seq), integer(last), 'COUNT', FIRST_STEP)
    for _, entry in ipairs(entries) do
      local id, event = entry[1], entry[2][2]
      size = size + #event
      if size >= NODE_BYTES then
        return
      end
      ids[#ids + 1] = id
      members[#members + 1] = string.match(id, '^%d+')
      members[#members + 1] = event
      seq = tonumber(members[#members - 1]) + step
    end
  until #entries < FIRST_STEP or seq * step > last * step
end

-- Replaces an event of the log in a way that removes its bytes from the store. XDEL only marks an entry as deleted: its
-- bytes stay in the stream, and in every copy of it, until all entries of its node are deleted. So all entries that may be
-- in this node leave the stream. A neighbour that was moved earlier may have left bytes here as well; they go with the node.
local function replace_event(meta, log, side, seq, event, replacement)
  local moved, number = key_beside(meta, 'moved'), integer(seq)
  local ids, members = {number .. '-0'}, {number, replacement}
  add_neighbours('XREVRANGE', log, seq - 1, math.max(1, seq - NODE_ENTRIES + 1), #event, ids, members)
  add_neighbours('XRANGE', log, seq + 1, seq + NODE_ENTRIES - 1, #event, ids, members)
  for i = 1, #members, 2 do
    side = include_in_side(meta, side, tonumber(members[i]))
  end
  redis.call('XDEL', log, unpack(ids))
  redis.call('ZREMRANGEBYSCORE', moved, number, number)
  redis.call('ZADD', moved, unpack(members))
  return side
end

local function erase_text(meta, log, side, seq, event)
  return replace_event(meta, log, side, seq, event, without_text(event))
end

-- Removes the bytes of trimmed events from the store. XTRIM leaves them in the first node, like XDEL.
local function erase_trimmed(meta, log, side)
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if not first then
    return side
  end
  local seq, ids, members = tonumber(string.match(first[1], '^%d+')), {}, {}
  add_neighbours('XRANGE', log, seq, seq + NODE_ENTRIES - 1, 0, ids, members)
  if #ids > 0 then
    side = include_in_side(meta, side, seq)
    redis.call('XDEL', log, unpack(ids))
    redis.call('ZADD', key_beside(meta, 'moved'), unpack(members))
  end
  return side
end
