-- The head of a room: its epoch and its seq, and a new epoch after a loss.

-- Returns the names of meta and log of the kept log.
local function kept_keys(meta)
  return key_beside(meta, 'kept:meta'), key_beside(meta, 'kept:log')
end

-- Makes the log the kept log, if it has events that the archive does not have yet. A kept log that exists already is
-- continued: that is a second loss before the archive took the events of the first one.
local function keep_unarchived(meta, log, side, last, archived)
  local moved, kept_meta, kept_log = key_beside(meta, 'moved'), kept_keys(meta)
  local kept_moved = key_beside(kept_meta, 'moved')
  if last <= archived or redis.call('EXISTS', log, moved) == 0 then
    return
  end
  if redis.call('HEXISTS', meta, 'kept') == 0 then
    redis.call('UNLINK', kept_meta, kept_log, kept_moved)
    for from, to in pairs({[log] = kept_log, [moved] = kept_moved}) do
      if redis.call('EXISTS', from) == 1 then
        redis.call('RENAME', from, to)
      end
    end
  else
    local from, entries = '-', nil
    repeat
      entries = redis.call('XRANGE', log, from, '+', 'COUNT', MAX_SCANNED_EVENTS)
      for _, entry in ipairs(entries) do
        redis.call('XADD', kept_log, entry[1], 'e', entry[2][2])
        from = '(' .. entry[1]
      end
    until #entries < MAX_SCANNED_EVENTS
    local events = redis.call('ZRANGE', moved, 0, -1, 'WITHSCORES')
    for i = 1, #events, 2 do
      redis.call('ZADD', kept_moved, events[i + 1], events[i])
    end
  end
  if side then
    redis.call('HSET', kept_meta, 'side', 1)
  end
  redis.call('HSET', meta, 'kept', integer(last))
end

-- Starts a new epoch above the highest seq that is known. The log begins empty: what is left of the earlier one does not
-- follow on without a hole, and is kept for the archive only. `found` are the fields of meta.
-- A room without meta has lost it, with its log or a part of it, or is new. The cids of a lost log are forgotten: they must
-- not be mistaken for duplicates.
local function start_epoch(meta, log, new_epoch, found, mark)
  local version, side, seq = tonumber(found[3] or 0), found[4], found[1] and tonumber(found[2])
  if not seq then
    local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
    seq, side = last and seq_of(last) or 0, true
    local today, yesterday = current_days()
    forget_cids(key_beside(meta, 'seen:'), {today, yesterday})
  end
  keep_unarchived(meta, log, side, seq, tonumber(found[5] or 0))
  redis.call('UNLINK', log, key_beside(meta, 'moved'), key_beside(meta, 'states'))
  seq = math.max(seq, mark)
  redis.call('HSET', meta, 'epoch', new_epoch, 'seq', integer(seq))
  redis.call('HDEL', meta, 'side')
  return new_epoch, seq, version, nil, tonumber(found[5])
end

-- Returns the room's epoch, the highest seq that was assigned, the room's version, the lowest seq in `moved` and `states`
-- or nil, and the archived head or nil.
-- The mark is the highest seq that the caller knows to be assigned, in any epoch. A log that ends before it has lost
-- events: the store was emptied or restored from an older backup, or a failover lost the last moment. A seq is never
-- assigned twice, so the numbering continues above the mark.
local function current_head(meta, log, new_epoch, mark_seq)
  local found = redis.call('HMGET', meta, 'epoch', 'seq', 'v', 'side', 'a')
  local mark, seq = tonumber(mark_seq), tonumber(found[2])
  if found[1] and seq >= mark then
    return found[1], seq, tonumber(found[3] or 0), tonumber(found[4]), tonumber(found[5])
  end
  return start_epoch(meta, log, new_epoch, found, mark)
end
