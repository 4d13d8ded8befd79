"""The SQL database: engine, tables, migrations."""
