-- The accepted cids of a room: how a repeated append is recognized.

local DAY = 86400
local FIRST_CIDS = 128
local SEEN_SECONDS = 2 * DAY + 3600

local function bucket(seen, day, digest)
  return seen .. day .. ':' .. string.byte(digest)
end

local function find_cid(seen, day, digest)
  return redis.call('HGET', seen .. day .. ':first', digest) or redis.call('HGET', bucket(seen, day, digest), digest)
end

-- The seq and the time of an event in 13 bytes. Of the time, RFC 3339 in UTC with milliseconds, the digits from the
-- third one on are packed as one number.
local function pack_position(seq, at)
  local digits = at:sub(3, 4) .. at:sub(6, 7) .. at:sub(9, 10) .. at:sub(12, 13) .. at:sub(15, 16) .. at:sub(18, 19) .. at:sub(21, 23)
  return struct.pack('>I6I7', seq, tonumber(digits))
end

local function unpack_position(packed)
  local seq, digits = struct.unpack('>I6I7', packed)
  local at = string.gsub(string.format('%015.0f', digits), '(..)(..)(..)(..)(..)(..)(...)', '20%1-%2-%3T%4:%5:%6.%7Z')
  return integer(seq) .. ' ' .. at
end

local function remember_cid(seen, day, digest, position)
  local hash = seen .. day .. ':first'
  local cids = redis.call('HLEN', hash)
  if cids >= FIRST_CIDS then
    hash = bucket(seen, day, digest)
    cids = redis.call('HLEN', hash)
  end
  redis.call('HSET', hash, digest, position)
  if cids == 0 then
    redis.call('EXPIRE', hash, SEEN_SECONDS)
  end
end

local function forget_cids(seen, days)
  local hashes = {}
  for _, day in ipairs(days) do
    hashes[#hashes + 1] = seen .. day .. ':first'
    for number = 0, 255 do
      hashes[#hashes + 1] = seen .. day .. ':' .. number
    end
  end
  redis.call('UNLINK', unpack(hashes))
end

-- Returns the position of the event with this cid, or nil.
local function find_position(seen, today, yesterday, digest)
  local packed = find_cid(seen, today, digest) or find_cid(seen, yesterday, digest)
  return packed and unpack_position(packed)
end

-- Returns today and yesterday as days since 1970.
local function current_days()
  local day = math.floor(tonumber(redis.call('TIME')[1]) / DAY)
  return integer(day), integer(day - 1)
end
