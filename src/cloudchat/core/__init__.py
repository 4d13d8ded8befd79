"""Rules without I/O that several packages share: positions in a log, rate limits of the log, identifiers, time formats.

Any package above `protocol` may import from here. Nothing here reads a clock: the time is an argument.
Start with `stream_position`: it decides which events a reader may be given.
"""
