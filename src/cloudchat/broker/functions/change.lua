-- Append edits, deletions and reactions, if they are permitted.

-- Returns the author and the time of the message with the seq `target`, its event, and its state. The event is nil for a
-- message that the caller has found in the archive. If there is no such message, returns nil, the detail and the outcome.
-- What the archive knows is complete up to its head when the caller read it. Of later changes, the store has all that are
-- newer than its own archived head. So what is older than that cannot be used: the caller reads the archive again.
local function find_message(meta, log, args, side, seq, target)
  local event, found = find_event(meta, log, side, target), find_state(meta, side, target)
  if event then
    local message = cjson.decode(event)
    if message.type ~= 'message' then
      return nil, '0', NOT_FOUND
    end
    return message.user.id, message.at, event, found and cjson.decode(found) or {}
  end
  if target >= oldest_seq(meta, log, seq, side) then
    return nil, '0', NOT_FOUND
  end
  local head, as_of = redis.call('HMGET', meta, 'a', 'kept'), tonumber(args[15])
  if not as_of or as_of < tonumber(head[1] or 0) then
    return nil, head[1] or '0', NOT_IN_LOG
  elseif head[2] and tonumber(head[2]) > as_of then
    return nil, '0', UNARCHIVED
  elseif args[16] == '' then
    return nil, '0', NOT_FOUND
  end
  return args[16], args[17], nil, cjson.decode(found or args[18])
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

function changes.edited(_, _, seq, side, _, _, state)
  return add_edit(state, seq + 1), side
end

function changes.reaction(_, args, _, side, _, _, state)
  return set_reaction(state, args[5], args[13], args[14] == '1'), side
end

function changes.deleted(keys, args, seq, side, target, event, state)
  if event then
    side = erase_text(keys[1], keys[2], side, target, event)
  else
    side = erase_trimmed(keys[1], keys[2], side)
  end
  side = erase_edits(keys[1], keys[2], side, seq, target, state.edits or {})
  state.edits, state.reactions, state.deleted = nil, nil, {at = args[7], user = args[5]}
  return APPENDED, side
end

-- Appends an edit, a deletion or a reaction, if the target is a message and the user may change it.
-- keys: meta log seen channel
-- args: the first ten of `append`, then target moderates emoji on, then what the archive knows of a message that is older
-- than the log: the archived head when it was read or '', the author or '', the time, the state
-- Returns the same as `append`. A change that changes nothing is a DUPLICATE at the position of its target. The detail of
-- NOT_IN_LOG is the archived head.
local function change(keys, args)
  local meta, log, kind, target = keys[1], keys[2], args[3], tonumber(args[11])
  local epoch, seq, version, side = current_head(meta, log, args[1], args[9])
  local today, yesterday = current_days()
  local early = early_outcome(keys, args, epoch, version, side, today, yesterday)
  if early then
    return early
  end
  local author, at, event, state = find_message(meta, log, args, side, seq, target)
  if not author then
    return {epoch, at, event}
  end
  if kind ~= 'reaction' and author ~= args[5] and not (kind == 'deleted' and args[12] == '1') then
    return {epoch, '0', FORBIDDEN}
  end
  local outcome
  if not state.deleted then
    outcome, side = changes[kind](keys, args, seq, side, target, event, state)
  elseif kind ~= 'deleted' then
    return {epoch, '0', NOT_FOUND}
  end
  if outcome == FULL then
    return {epoch, '0', FULL}
  end
  if not outcome then
    remember_cid(keys[3], today, args[6], pack_position(target, at))
    return {epoch, integer(target) .. ' ' .. at, DUPLICATE}
  end
  include_in_side(meta, side, target)
  save_state(meta, target, state, seq + 1)
  return log_event(keys, args, epoch, seq, version, today)
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

redis.register_function('cloudchat_change_v4', change)
redis.register_function('cloudchat_index_v4', index)
