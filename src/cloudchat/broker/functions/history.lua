-- Read messages and notices in their current form.

-- Returns what a reader needs to know of a state, '' for nothing: all but the users that are not listed.
local function summary_of(state)
  local reactions
  for index, reaction in ipairs(state.reactions or {}) do
    local users = {}
    for user in string.gmatch(reaction.users, '%S+') do
      if #users == MAX_LISTED_USERS then
        break
      end
      users[#users + 1] = user
    end
    reactions = reactions or {}
    reactions[index] = {emoji = reaction.emoji, count = reaction.count, users = users}
  end
  local is_changed = reactions or state.edits or state.deleted
  return is_changed and cjson.encode({reactions = reactions, deleted = state.deleted}) or ''
end

-- Returns a message with the summary of its state and its last edit, '' where there is none.
local function current_form(meta, log, side, seq, event)
  local found = find_state(meta, side, seq)
  if not found then
    return {event, '', ''}
  end
  local state = cjson.decode(found)
  local last_edit = state.edits and find_event(meta, log, side, tonumber(state.edits[#state.edits]))
  return {event, summary_of(state), last_edit or ''}
end

local function is_row(event)
  return string.sub(event, 1, 17) == '{"type":"message"' or string.sub(event, 1, 16) == '{"type":"notice"'
end

-- Returns up to `limit` messages and notices from `from` to `to` in their current form, whether there are more, and the
-- seq from which the search continues when it ended before it found one. It looks one row further than it returns.
local function find_rows(meta, log, side, from, to, step, limit, max_bytes)
  local rows, size, scanned, scanned_bytes = {}, 0, 0, 0
  for seq, event in each_event(meta, log, side, from, to, step) do
    if scanned == MAX_SCANNED_EVENTS or scanned_bytes > MAX_SCANNED_BYTES then
      return rows, 1, seq
    end
    scanned, scanned_bytes = scanned + 1, scanned_bytes + #event
    if is_row(event) then
      if #rows == limit then
        return rows, 1, seq
      end
      local row = current_form(meta, log, side, seq, event)
      size = size + #row[1] + #row[2] + #row[3]
      if size > max_bytes and #rows > 0 then
        return rows, 1, seq
      end
      rows[#rows + 1] = row
    end
  end
  return rows, 0, to + step
end

-- keys: meta log
-- args: new-epoch before rows-before from rows-from max-bytes mark-seq
-- Returns {epoch, seq of the newest event, of the oldest one, version, the rows before `before` (newest first), whether
-- there are more, where to continue, the rows at and after `from` (oldest first), whether there are more, where to
-- continue}.
local function history(keys, args)
  local meta, log = keys[1], keys[2]
  local epoch, seq, version, side = current_head(meta, log, args[1], args[7])
  local oldest = oldest_seq(meta, log, seq, side)
  local before, from = math.min(tonumber(args[2]), seq + 1), math.max(tonumber(args[4]), oldest)
  local max_bytes = tonumber(args[6])
  local older, more_older, next_older = find_rows(meta, log, side, before - 1, oldest, -1, tonumber(args[3]), max_bytes)
  local newer, more_newer, next_newer = find_rows(meta, log, side, from, seq, 1, tonumber(args[5]), max_bytes)
  return {epoch, seq, oldest, version, older, more_older, next_older, newer, more_newer, next_newer}
end

redis.register_function{function_name = 'cloudchat_history_v5', callback = history, flags = {'allow-oom'}}
