"""Changes of rooms and members reach the open sockets of every process.

SQL is the truth. Read `room_sync` first: it compares what the connections of this process hold with what SQL says, at
least every two seconds. `room_hints` makes it faster and may be lost. `notice_outbox` puts the notices of changes into
the logs of rooms, where `departures` reads them: the log is what orders a removal against messages. `held_appends`
repeats what the store refused because the room had changed.
"""
