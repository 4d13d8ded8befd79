"""The tables of the database, and their rows as services see them.

`columns` has what all tables share. Tables refer to others by foreign keys: those of `rooms` to `accounts`, and those
of `archive` to both.
"""
