"""The SQL database: engine, transactions, tables, migrations, pruning, and copies for backups.

Used by the repositories of the features, and by `backup` and `doctor`. Start with `transactions.py` (the only way to
use the database), `account_tables.py` and `room_tables.py`. Everything blocks, so it runs in threads.
"""
