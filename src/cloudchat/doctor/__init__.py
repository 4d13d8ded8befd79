"""The checks of `cloudchat doctor`: each takes a few seconds at most, changes nothing, and says how to fix a problem.

Only `cli` calls it; a server that starts calls `store_requirements`, and certbot's service runs `certificate`. Start
with `run_checks`.
"""
