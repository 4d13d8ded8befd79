"""The life of a process: supervised tasks, systemd notification, the loop watchdog, the death of a parent, memory.

Any package above `core` may call it; its modules do not depend on each other. Start with `supervision`.
"""
