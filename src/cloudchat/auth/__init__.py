"""Accounts: who a request speaks for, and what that user may do.

Called by `admin`, `rooms`, `messages`, `realtime` and the wiring. Read `principal` first, then `authentication`
and `service`; the parts are in `passwords`, `tokens`, `keys`, `sessions` and `second_factor`.
"""
