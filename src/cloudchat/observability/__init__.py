"""The information for operators: logs, metrics, traces, health.

Only `app` and `cli` call it, and nothing here changes what the server does. Start with `logging` and `metrics`;
`metrics` and `tracing` are loaded only if the settings enable them, because their libraries take 6 and 20 MiB.
"""
