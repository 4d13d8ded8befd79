-- The accepted cids of a room: how a repeated append is recognized.

local DAY = 86400
local FIRST_CIDS = 128
local SEEN_SECONDS = 2 * DAY + 3600

-- Looks for a cid in one hash. Returns its packed position or nil, and how many cids the hash has.
local function find_in(hash, digest)
  local cids = redis.call('HLEN', hash)
  return cids > 0 and redis.call('HGET', hash, digest) or nil, cids
end

-- Looks for a cid in the hashes of one day. Returns its packed position or nil, the hash that it belongs to, and how many
-- cids this hash has.
local function find_cid(seen, day, digest)
  local hash = seen .. day .. ':first'
  local position, cids = find_in(hash, digest)
  if not position and cids >= FIRST_CIDS then
    hash = seen .. day .. ':' .. string.byte(digest)
    position, cids = find_in(hash, digest)
  end
  return position, hash, cids
end

-- Packs a time, RFC 3339 in UTC with milliseconds: its digits from the third one on, as one number of 7 bytes.
local function pack_time(at)
  local digits = at:sub(3, 4) .. at:sub(6, 7) .. at:sub(9, 10) .. at:sub(12, 13) .. at:sub(15, 16) .. at:sub(18, 19) .. at:sub(21, 23)
  return struct.pack('>I7', tonumber(digits))
end

-- Returns the seq and the time of a packed position: 6 bytes for the seq, then the packed time.
local function unpack_position(packed)
  local seq, digits = struct.unpack('>I6I7', packed)
  local at = string.gsub(string.format('%015.0f', digits), '(..)(..)(..)(..)(..)(..)(...)', '20%1-%2-%3T%4:%5:%6.%7Z')
  return seq, at
end

-- Adds a cid to the hash that `find_cid` has returned, with the number of its cids.
local function remember_cid(hash, cids, digest, seq, packed_time)
  redis.call('HSET', hash, digest, struct.pack('>I6', seq) .. packed_time)
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

-- Returns today and yesterday as days since 1970.
local function current_days()
  local day = math.floor(tonumber(redis.call('TIME')[1]) / DAY)
  return integer(day), integer(day - 1)
end
