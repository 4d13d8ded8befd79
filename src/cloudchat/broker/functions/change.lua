-- Append edits, deletions and reactions, if they are permitted.

-- Returns the author and the time of the target, its event, and its state. The event is nil for a message that the caller
-- has found in the archive. If there is no such message, returns nil, the detail and the outcome.
-- What the archive knows is complete up to its head when the caller read it. Of later changes, the store has all that are
-- newer than its own archived head. So what is older than that cannot be used: the caller reads the archive again.
local function find_target(room, entry)
  local meta, log, side, target = room.meta, room.log, room.side, entry.target
  local event, found = find_event(meta, log, side, target), find_state(meta, side, target)
  if event then
    local message = cjson.decode(event)
    if message.type ~= 'message' then
      return nil, 0, NOT_FOUND
    end
    return message.user.id, message.at, event, found and cjson.decode(found) or {}
  end
  if target >= oldest_seq(meta, log, room.seq, side) then
    return nil, 0, NOT_FOUND
  end
  local as_of, head, kept = entry.known.as_of, room.archived or 0, redis.call('HGET', meta, 'kept')
  if not as_of or as_of < head then
    return nil, head, NOT_IN_LOG
  elseif kept and tonumber(kept) > as_of then
    return nil, 0, UNARCHIVED
  elseif entry.known.author == '' then
    return nil, 0, NOT_FOUND
  end
  return entry.known.author, entry.known.at, nil, cjson.decode(found or entry.known.state)
end

-- Removes the texts of a message's edits from the log. An edit that only the archive knows has the seq 0: then the log is
-- searched for it.
local function erase_edits(meta, log, side, seq, target, edits)
  local is_search = false
  for _, edit in ipairs(edits) do
    local edited = edit ~= '0' and find_event(meta, log, side, tonumber(edit))
    if edited then
      side = erase_text(meta, log, side, tonumber(edit), edited)
    end
    is_search = is_search or edit == '0'
  end
  if is_search then
    local field, found = '"target":' .. integer(target) .. ',', {}
    for number, event in each_event(meta, log, side, oldest_seq(meta, log, seq, side), seq, 1) do
      if string.sub(event, 1, 16) == '{"type":"edited"' and string.find(event, field, 1, true) then
        found[#found + 1] = {number, event}
      end
    end
    for _, edited in ipairs(found) do
      side = erase_text(meta, log, side, edited[1], edited[2])
    end
  end
  return side
end

-- The changes of a message, by the type of their events. Each updates the state, and returns the outcome and the new
-- lowest seq in `moved` and `states`. The outcome nil means that there is nothing to change.
local changes = {}

function changes.edited(room, _, _, state)
  return add_edit(state, room.seq + 1), room.side
end

function changes.reaction(room, entry, _, state)
  return set_reaction(state, entry.user, entry.emoji, entry.on), room.side
end

function changes.deleted(room, entry, event, state)
  local meta, log, side = room.meta, room.log, room.side
  if event then
    side = erase_text(meta, log, side, entry.target, event)
  else
    side = erase_trimmed(meta, log, side)
  end
  side = erase_edits(meta, log, side, room.seq, entry.target, state.edits or {})
  state.edits, state.reactions, state.deleted = nil, nil, {at = entry.at, user = entry.user}
  return APPENDED, side
end

local function change_target(call, room, entry)
  local author, at, event, state = find_target(room, entry)
  if not author then
    return {room.epoch, at, event}
  end
  if entry.kind ~= 'reaction' and author ~= entry.user and not (entry.kind == 'deleted' and entry.moderates) then
    return {room.epoch, 0, FORBIDDEN}
  end
  local outcome, side
  if not state.deleted then
    outcome, side = changes[entry.kind](room, entry, event, state)
  elseif entry.kind ~= 'deleted' then
    return {room.epoch, 0, NOT_FOUND}
  end
  if outcome == FULL then
    return {room.epoch, 0, FULL}
  end
  if not outcome then
    remember(call, room, entry, entry.target, at)
    return {room.epoch, entry.target, DUPLICATE, at}
  end
  include_in_side(room.meta, side, entry.target)
  save_state(room.meta, entry.target, state, room.seq + 1)
  return log_event(call, room, entry)
end

-- Appends an edit, a deletion or a reaction, if the target is a message and the user may change it.
-- keys: meta
-- args: new-epoch history-messages own-channel, the entry as in `append`, then target moderates emoji on, then what the
-- archive knows of a message that is older than the log: the archived head when it was read or '', the author or '', the
-- time, the state
-- Returns the same as `append`. A change that changes nothing is a DUPLICATE at the position of its target. The detail of
-- NOT_IN_LOG is the archived head.
local function change(_, args)
  local call, entry = new_call(args), read_entry(args, 4)
  entry.target, entry.moderates, entry.emoji, entry.on = tonumber(args[12]), args[13] == '1', args[14], args[15] == '1'
  entry.known = {as_of = tonumber(args[16]), author = args[17], at = args[18], state = args[19]}
  local room = open_room(call, entry)
  local outcome = early_outcome(call, room, entry) or change_target(call, room, entry)
  return {call.is_published and 1 or 0, outcome}
end

-- Restores the states of the messages in a log that was written without them, from its edits, reactions and deletions.
-- keys: meta log; args: first last, between which the events are read
-- Returns the lowest seq in `states`, -1 if it is empty. The caller writes it to `meta`.
local function index(keys, args)
  local meta, log = keys[1], keys[2]
  for seq, event in each_event(meta, log, nil, tonumber(args[1]), tonumber(args[2]), 1) do
    if not is_row(event) then
      local decoded = cjson.decode(event)
      local target = tonumber(decoded.target)
      if target and find_event(meta, log, nil, target) then
        local state = cjson.decode(find_state(meta, 0, target) or '{}')
        if decoded.type == 'edited' then
          add_edit(state, seq)
        elseif decoded.type == 'reaction' then
          set_reaction(state, decoded.user.id, decoded.emoji, decoded.on)
        elseif decoded.type == 'deleted' then
          state = {deleted = {at = decoded.at, user = decoded.user.id}}
        end
        save_state(meta, target, state, seq)
      end
    end
  end
  return tonumber(redis.call('ZRANGE', key_beside(meta, 'states'), 0, 0, 'WITHSCORES')[2] or -1)
end

redis.register_function('cloudchat_change_v5', change)
redis.register_function('cloudchat_index_v5', index)
