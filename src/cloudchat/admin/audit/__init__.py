"""The audit log, for administrators: its queries with the current names, and `GET /api/admin/audit`.

Entries are written by `cloudchat.database.audit`, in the transaction of the change. Begin with `repository.py`.
"""
