"""The directory of users, for mentions and direct rooms: `/api/users`.

Accounts themselves belong to `auth` and `admin`. Read `service` first.
"""
