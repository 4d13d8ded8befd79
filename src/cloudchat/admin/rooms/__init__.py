"""The list of all rooms, for administrators. What they do about a room are the routes of `cloudchat.rooms`."""
