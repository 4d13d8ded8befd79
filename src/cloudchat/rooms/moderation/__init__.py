"""Mutes and bans: moderators' decisions about a user in a room, with an end and a reason.

Called by the HTTP routes and by `cloudchat admin mute` and `ban`. Read `service` first.
"""
