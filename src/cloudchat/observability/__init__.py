"""What an operator sees: logs, metrics, traces, health.

Only `app` and `cli` call it; nothing here changes what the server does. Start with `logging` and `metrics`.
"""
