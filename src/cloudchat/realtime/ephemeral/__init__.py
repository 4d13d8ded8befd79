"""What has no seq and may be lost: typing and read markers, carried between processes as signals.

Read `signals` first. Nothing here delays or replaces an event of a room's log: a signal that is lost is never repaired.
"""
