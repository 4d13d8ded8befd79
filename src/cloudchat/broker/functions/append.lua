-- Append messages and notices.

-- While the archive takes no events, a log grows to history-messages and this many more events; further appends are
-- refused. A message of 60 characters takes 310 bytes of the store's memory (its cid 35 of them), so that is 31 MB.
local MAX_UNARCHIVED_EVENTS = 100000

-- Returns whether the log has as many events as it may have while the archive takes none.
local function is_full(meta, log, side, history_messages)
  local events = redis.call('XLEN', log) + (side and redis.call('ZCARD', key_beside(meta, 'moved')) or 0)
  return events >= tonumber(history_messages) + MAX_UNARCHIVED_EVENTS
end

-- Adds the event of `args` to the log, remembers the cid, and publishes the event.
local function log_event(keys, args, epoch, seq, version, today)
  local number = integer(seq + 1)
  local event = '{"type":"' .. args[3] .. '","room":"' .. args[2] .. '","epoch":"' .. epoch .. '","seq":' .. number .. ',' .. args[4]
  redis.call('XADD', keys[2], number .. '-0', 'e', event)
  if tonumber(args[10]) > version then
    redis.call('HSET', keys[1], 'seq', number, 'v', args[10])
  else
    redis.call('HSET', keys[1], 'seq', number)
  end
  remember_cid(keys[3], today, args[6], pack_position(seq + 1, args[7]))
  redis.call('SPUBLISH', keys[4], epoch .. ' ' .. number .. ' ' .. event)
  return {epoch, number .. ' ' .. args[7], APPENDED}
end

-- Returns whether a message may reply to this seq: to any message, also to a deleted one. What has been trimmed from the
-- log cannot be checked.
local function is_repliable(meta, log, side, seq, reply_to)
  local event = reply_to <= seq and find_event(meta, log, side, reply_to)
  if event then
    return string.sub(event, 1, 17) == '{"type":"message"'
  end
  return reply_to < oldest_seq(meta, log, seq, side)
end

-- Returns how many milliseconds the user must wait before the next message, or nil; then this message counts.
local function slow_mode_wait(meta, user, interval)
  local key, time = key_beside(meta, 'slow:') .. user, redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local wait = tonumber(redis.call('GET', key) or 0) + interval - now
  if wait > 0 then
    return math.min(wait, interval)
  end
  redis.call('SET', key, integer(now), 'PX', integer(interval))
end

-- Returns the outcome of an append that is decided before its event is looked at, or nil.
local function early_outcome(keys, args, epoch, version, side, today, yesterday)
  local known = find_position(keys[3], today, yesterday, args[6])
  if known then
    return {epoch, known, DUPLICATE}
  end
  if args[3] ~= 'notice' and version > tonumber(args[10]) then
    return {epoch, integer(version), STALE}
  end
  if is_full(keys[1], keys[2], side, args[8]) then
    return {epoch, '0', UNARCHIVED}
  end
end

-- Appends a message or a notice.
-- keys: meta log seen channel
-- args: new-epoch room kind body user digest at history-messages mark-seq version slow-mode-ms reply-to
-- Returns {epoch, "<seq> <at>", APPENDED or DUPLICATE}, or {epoch, detail, why it was refused}; the detail is the version
-- for STALE, and the wait in milliseconds for SLOW_MODE. A notice reports a change, which nothing permits or forbids.
local function append(keys, args)
  local epoch, seq, version, side = current_head(keys[1], keys[2], args[1], args[9])
  local today, yesterday = current_days()
  local outcome = early_outcome(keys, args, epoch, version, side, today, yesterday)
  if outcome then
    return outcome
  end
  if args[12] ~= '0' and not is_repliable(keys[1], keys[2], side, seq, tonumber(args[12])) then
    return {epoch, '0', NOT_REPLIABLE}
  end
  if args[11] ~= '0' then
    local wait = slow_mode_wait(keys[1], args[5], tonumber(args[11]))
    if wait then
      return {epoch, integer(wait), SLOW_MODE}
    end
  end
  return log_event(keys, args, epoch, seq, version, today)
end

-- keys: meta; args: version
-- Appends with a lower version are refused from now on. A room without a log has nothing to protect.
local function raise_version(keys, args)
  local found = redis.call('HMGET', keys[1], 'epoch', 'v')
  if found[1] and tonumber(args[1]) > tonumber(found[2] or 0) then
    redis.call('HSET', keys[1], 'v', args[1])
  end
  return 0
end

redis.register_function('cloudchat_append_v4', append)
redis.register_function('cloudchat_raise_version_v4', raise_version)
