"""The SQL database: engine, transactions, migrations, audit log and pruning; `tables/`; `copies/` for backups.

Used by the repositories of the features, and by `backup` and `doctor`. Start with `transactions.py` (the only way to
use the database) and `tables/`. Everything blocks, so it runs in threads.
"""
