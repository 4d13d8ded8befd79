-- The states of messages that have changed: their edits, reactions and deletion.

-- Bounds of one message's state. The users of an emoji are listed up to MAX_LISTED_USERS.
local MAX_EDITS = 50
local MAX_EMOJI = 20
local MAX_REACTIONS = 1000
local MAX_LISTED_USERS = 20

-- Notes in `meta` that `moved` or `states` gets an entry for `seq`. Returns the new lowest seq.
local function include_in_side(meta, side, seq)
  if not side then
    -- What is there belongs to a lost log, whose new one was started by a server of the earlier version.
    redis.call('DEL', key_beside(meta, 'moved'), key_beside(meta, 'states'))
  elseif side <= seq then
    return side
  end
  redis.call('HSET', meta, 'side', integer(seq))
  return seq
end

-- Returns the JSON of a message's state, or nil.
local function find_state(meta, side, target)
  if side and side <= target then
    return redis.call('ZRANGEBYSCORE', key_beside(meta, 'states'), integer(target), integer(target))[1]
  end
end

-- `last` is the seq of the last change. The members of a sorted set are unique, so the state contains its target. A seq
-- is a string, because cjson writes numbers with 14 digits.
-- A state that says nothing is saved, too: the archive may not know yet that the last reaction is off again.
local function save_state(meta, target, state, last)
  local number, states = integer(target), key_beside(meta, 'states')
  redis.call('ZREMRANGEBYSCORE', states, number, number)
  state.target, state.last = number, integer(last)
  redis.call('ZADD', states, number, cjson.encode(state))
end

-- Turns a user's reaction on or off. Returns nil if it is so already, FULL if the message has too many, else APPENDED.
-- `users` are the ids between spaces, in the order of their reactions: a plain search finds one among a thousand in a
-- microsecond, without decoding a list.
local function set_reaction(state, user, emoji, on)
  local reactions, total, found = state.reactions or {}, 0, nil
  for index, reaction in ipairs(reactions) do
    total = total + reaction.count
    if reaction.emoji == emoji then
      found = index
    end
  end
  local reaction = reactions[found] or {emoji = emoji, users = ' ', count = 0}
  local first, last = string.find(reaction.users, ' ' .. user .. ' ', 1, true)
  if on == (first ~= nil) then
    return nil
  end
  if on then
    if total >= MAX_REACTIONS or (not found and #reactions >= MAX_EMOJI) then
      return FULL
    end
    reaction.users, reaction.count = reaction.users .. user .. ' ', reaction.count + 1
    reactions[found or #reactions + 1] = reaction
  else
    reaction.users, reaction.count = string.sub(reaction.users, 1, first) .. string.sub(reaction.users, last + 1), reaction.count - 1
    if reaction.count == 0 then
      table.remove(reactions, found)
    end
  end
  state.reactions = #reactions > 0 and reactions or nil
  return APPENDED
end

local function add_edit(state, seq)
  local edits = state.edits or {}
  if #edits >= MAX_EDITS then
    return FULL
  end
  edits[#edits + 1] = integer(seq)
  state.edits = edits
  return APPENDED
end
