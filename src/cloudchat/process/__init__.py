"""The life of a process: supervised tasks, systemd notification, watchdog, children that die with their parent.

Any package may call it. Start with `supervision`.
"""
