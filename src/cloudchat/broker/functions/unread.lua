-- Count the unread messages of a user.

-- How many messages `unread` counts, and how much of a log it looks at to find them.
local MAX_UNREAD = 1000
local MAX_UNREAD_EVENTS = 2000
local MAX_UNREAD_BYTES = 2097152

-- Returns whether a message mentions the user or the room. Inside of a JSON string quotes are escaped, so that a text
-- cannot look like a field.
local function is_mention(event, quoted_user)
  if string.find(event, '"mentions_room":true', 1, true) then
    return true
  end
  local _, before = string.find(event, '"mentions":[', 1, true)
  local last = before and string.find(event, ']', before, true)
  local at = last and string.find(event, quoted_user, before, true)
  return at ~= nil and at < last
end

-- Counts the messages after a position that others wrote and that are not deleted. Only a deleted message has an empty
-- text. A position of another epoch that is beyond the end of the log belongs to a lost log: everything is unread.
-- keys: meta log; args: new-epoch user read-epoch read-seq mark-seq
-- Returns {messages, those of them that mention the user, bytes that were read, version of the room, read-seq that
-- counts, seq of the first event that was read}. It reads from the newest event backwards, at most MAX_UNREAD_EVENTS and
-- MAX_UNREAD_BYTES, and nothing if the position is the head.
local function unread(keys, args)
  local epoch, seq, version, side = current_head(keys[1], keys[2], args[1], args[5])
  local read_seq = tonumber(args[4])
  if args[3] ~= epoch and read_seq > seq then
    read_seq = 0
  end
  local messages, mentions, events, size, first = 0, 0, 0, 0, seq + 1
  if read_seq >= seq then
    return {0, 0, 0, version, read_seq, read_seq + 1}
  end
  local quoted = '"' .. args[2] .. '"'
  local own = '"user":{"id":' .. quoted
  for event_seq, event in each_event(keys[1], keys[2], side, seq, read_seq + 1, -1) do
    events, size, first = events + 1, size + #event, event_seq
    if string.sub(event, 1, 17) == '{"type":"message"'
      and not string.find(event, own, 1, true) and not string.find(event, '"text":""', 1, true) then
      messages = messages + 1
      if is_mention(event, quoted) then
        mentions = mentions + 1
      end
    end
    if messages == MAX_UNREAD or events == MAX_UNREAD_EVENTS or size > MAX_UNREAD_BYTES then
      break
    end
  end
  return {messages, mentions, size, version, read_seq, first}
end

redis.register_function{function_name = 'cloudchat_unread_v5', callback = unread, flags = {'allow-oom'}}
