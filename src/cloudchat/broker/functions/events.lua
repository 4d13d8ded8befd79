-- Read the events of a log, those in the stream and those that were moved out of it.

-- A page is read in steps of about STEP_BYTES, by the size of the last events, and stops when its limit of bytes is
-- reached. One step of 500 copied 6 MB of large events into Lua to return 512 KiB.
local FIRST_STEP = 8
local MAX_STEP = 32
local STEP_BYTES = 65536
-- How many events one call of `history` looks at in each direction, to find messages between other events.
local MAX_SCANNED_EVENTS = 1000
local MAX_SCANNED_BYTES = 1048576

local function seq_of(entry)
  return tonumber(string.match(entry[1], '^%d+'))
end

local function oldest_seq(meta, log, seq, side)
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  local oldest = first and seq_of(first) or seq + 1
  local moved = side and redis.call('ZRANGE', key_beside(meta, 'moved'), 0, 0, 'WITHSCORES')[2]
  return moved and math.min(oldest, tonumber(moved)) or oldest
end

-- Returns the events from `first` to `last` by their seq.
local function events_between(meta, log, side, first, last)
  local events, count = {}, last - first + 1
  local entries = redis.call('XRANGE', log, integer(first), integer(last), 'COUNT', count)
  for _, entry in ipairs(entries) do
    events[seq_of(entry)] = entry[2][2]
  end
  if side and #entries < count then
    local moved = redis.call('ZRANGEBYSCORE', key_beside(meta, 'moved'), integer(first), integer(last), 'WITHSCORES')
    for i = 1, #moved, 2 do
      events[tonumber(moved[i + 1])] = moved[i]
    end
  end
  return events
end

local function find_event(meta, log, side, seq)
  return events_between(meta, log, side, seq, seq)[seq]
end

-- Returns an iterator over (seq, event) from `from` to `to`, upwards (step 1) or downwards (step -1). It ends at a hole,
-- which only a damaged log has.
local function each_event(meta, log, side, from, to, step)
  local seq, last, events, count, size = from - step, from - step, {}, 0, 0
  return function()
    if (to - seq) * step <= 0 then
      return nil
    end
    if seq == last then
      count = size == 0 and FIRST_STEP or math.max(1, math.min(MAX_STEP, math.ceil(STEP_BYTES * count / size)))
      count, size = math.min(count, math.abs(to - seq)), 0
      last = seq + step * count
      events = events_between(meta, log, side, math.min(seq + step, last), math.max(seq + step, last))
    end
    seq = seq + step
    local event = events[seq]
    if event then
      size = size + #event
      return seq, event
    end
  end
end
