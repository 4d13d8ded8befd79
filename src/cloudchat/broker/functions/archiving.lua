-- What the archive uses. Only these functions remove events from a log. Nothing is removed that is not in the archive, except by `trim_before`,
-- whose events the archive must not have either.

-- Returns the store's time in seconds since 1970, as a string.
local function now()
  local time = redis.call('TIME')
  return time[1] .. '.' .. string.format('%06d', time[2])
end

-- Returns the lowest seq from `from` on that the log has, or nil. A damaged log has holes.
local function next_seq(meta, log, side, from)
  local entry = redis.call('XRANGE', log, integer(from), '+', 'COUNT', 1)[1]
  local moved = side
    and redis.call('ZRANGEBYSCORE', key_beside(meta, 'moved'), integer(from), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if entry and moved then
    return math.min(seq_of(entry), tonumber(moved))
  end
  return entry and seq_of(entry) or tonumber(moved)
end

-- Returns an iterator over (seq, event, in the kept log) of everything above `after` that the store has: the kept log, then
-- the log. It continues after a hole, which only a damaged log has.
local function each_unarchived(meta, log, side, after, head)
  local kept = tonumber(redis.call('HGET', meta, 'kept')) or 0
  local next_event
  return function()
    local seq, event
    if next_event then
      seq, event = next_event()
    end
    if not seq and after < kept then
      local kept_meta, kept_log = kept_keys(meta)
      local kept_side = redis.call('HGET', kept_meta, 'side')
      local first = next_seq(kept_meta, kept_log, kept_side, after + 1)
      if first then
        next_event = each_event(kept_meta, kept_log, kept_side, first, kept, 1)
        seq, event = next_event()
      end
    end
    if not seq then
      local first = next_seq(meta, log, side, math.max(after, kept) + 1)
      if first then
        next_event = each_event(meta, log, side, first, head, 1)
        seq, event = next_event()
      end
    end
    after = seq
    return seq, event, seq and seq <= kept
  end
end

-- keys: meta log; args: new-epoch after limit max-bytes mark-seq
-- Returns {the highest seq that was assigned, the seq through which the events are complete, the store's time, seq, event,
-- seq, event, …}: up to `limit` events above `after`, at most max_bytes together but at least one. What is missing in them
-- is lost.
local function unarchived(keys, args)
  local _, head, _, side = current_head(keys[1], keys[2], args[1], args[5])
  local limit, max_bytes = tonumber(args[3]), tonumber(args[4])
  local found, size, through = {head, head, now()}, 0, tonumber(args[2])
  for seq, event in each_unarchived(keys[1], keys[2], side, through, head) do
    size = size + #event
    if #found + 1 > 3 + 2 * limit or (size > max_bytes and #found > 3) then
      found[2] = through
      return found
    end
    found[#found + 1] = seq
    found[#found + 1] = event
    through = seq
  end
  return found
end

-- Removes the states of messages that are below `oldest`, once all changes in them are archived. `head` is the log's end.
-- A state that a server of the earlier version has written does not say when it was changed: it stays until everything up
-- to now is archived.
local function drop_states(meta, oldest, archived, head)
  local states = key_beside(meta, 'states')
  for _, found in ipairs(redis.call('ZRANGEBYSCORE', states, '-inf', integer(oldest - 1))) do
    local state = cjson.decode(found)
    if not state.last then
      save_state(meta, tonumber(state.target), state, head)
    elseif tonumber(state.last) <= archived then
      redis.call('ZREM', states, found)
    end
  end
end

-- Writes the lowest seq of `moved` and `states` to meta.
local function update_side(meta)
  local lowest
  for _, name in ipairs({'moved', 'states'}) do
    local first = redis.call('ZRANGE', key_beside(meta, name), 0, 0, 'WITHSCORES')[2]
    if first and (not lowest or tonumber(first) < lowest) then
      lowest = tonumber(first)
    end
  end
  if lowest then
    redis.call('HSET', meta, 'side', integer(lowest))
  else
    redis.call('HDEL', meta, 'side')
  end
end

-- Removes the events up to `last` from a log.
local function trim_log(meta, log, last)
  redis.call('XTRIM', log, 'MINID', '=', integer(last + 1))
  redis.call('ZREMRANGEBYSCORE', key_beside(meta, 'moved'), '-inf', integer(last))
end

-- Removes the events up to `last` from the kept log.
local function trim_kept(meta, last)
  local kept = tonumber(redis.call('HGET', meta, 'kept'))
  if not kept then
    return
  end
  local kept_meta, kept_log = kept_keys(meta)
  if kept <= last then
    redis.call('UNLINK', kept_meta, kept_log, key_beside(kept_meta, 'moved'))
    redis.call('HDEL', meta, 'kept')
  else
    trim_log(kept_meta, kept_log, last)
  end
end

-- keys: meta log; args: new-epoch archived-seq history-messages mark-seq
-- Records that all events up to archived-seq are in the archive, and trims those of them that are older than the newest
-- `history-messages`. Returns the archived head.
local function archived(keys, args)
  local meta, log = keys[1], keys[2]
  local _, head, _, side, before = current_head(meta, log, args[1], math.max(tonumber(args[2]), tonumber(args[4])))
  local archived_head = math.max(before or 0, tonumber(args[2]))
  if archived_head > (before or 0) then
    redis.call('HSET', meta, 'a', integer(archived_head))
  end
  trim_kept(meta, archived_head)
  local last = math.min(archived_head, head - tonumber(args[3]))
  if last > 0 then
    trim_log(meta, log, last)
  end
  if side then
    drop_states(meta, oldest_seq(meta, log, head, side), archived_head, head)
    update_side(meta)
  end
  return archived_head
end

-- keys: meta log; args: new-epoch seq mark-seq
-- Removes the events up to `seq`, also their bytes, whether or not they are archived. The numbering does not change.
local function trim_before(keys, args)
  local meta, log = keys[1], keys[2]
  local _, head, _, side = current_head(meta, log, args[1], args[3])
  local last = math.min(tonumber(args[2]), head)
  trim_kept(meta, last)
  trim_log(meta, log, last)
  erase_trimmed(meta, log, side)
  redis.call('ZREMRANGEBYSCORE', key_beside(meta, 'states'), '-inf', integer(last))
  update_side(meta)
  return last
end

-- Returns the event with another name of the user, as the author and as the target of a notice. Inside of a JSON string
-- quotes are escaped, so that a text cannot look like a field. `user` and `name` are JSON strings.
local function with_name(event, user, name)
  local field, from = '{"id":' .. user .. ',"name":', 1
  while true do
    local first, before = string.find(event, field, from, true)
    if not first then
      return event
    end
    event = string.sub(event, 1, before) .. name .. string.sub(event, end_of_string(event, before + 2) + 1)
    from = before + #name
  end
end

-- keys: meta log; args: new-epoch after limit user name mark-seq; `user` and `name` are JSON strings
-- Replaces the name of a user in up to `limit` events above `after`. Returns the seq through which that is done.
local function rename_user(keys, args)
  local meta, log = keys[1], keys[2]
  local _, head, _, side = current_head(meta, log, args[1], args[6])
  local after, found, seen, through = tonumber(args[2]), {}, 0, head
  for seq, event, is_kept in each_unarchived(meta, log, side, after, head) do
    if seen == tonumber(args[3]) then
      through = after
      break
    end
    seen, after = seen + 1, seq
    local renamed = with_name(event, args[4], args[5])
    if renamed ~= event then
      found[#found + 1] = {seq = seq, event = event, renamed = renamed, is_kept = is_kept}
    end
  end
  local kept_meta, kept_log = kept_keys(meta)
  local kept_side = tonumber(redis.call('HGET', kept_meta, 'side'))
  for _, one in ipairs(found) do
    if one.is_kept then
      kept_side = replace_event(kept_meta, kept_log, kept_side, one.seq, one.event, one.renamed)
    else
      side = replace_event(meta, log, side, one.seq, one.event, one.renamed)
    end
  end
  return through
end

-- allow-oom: a store that is full is relieved by trimming.
redis.register_function{function_name = 'cloudchat_archived_v5', callback = archived, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_unarchived_v5', callback = unarchived, flags = {'allow-oom'}}
redis.register_function{function_name = 'cloudchat_trim_before_v5', callback = trim_before, flags = {'allow-oom'}}
redis.register_function('cloudchat_rename_user_v5', rename_user)
