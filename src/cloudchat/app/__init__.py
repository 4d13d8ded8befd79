"""The composition root: the only place where the objects of a server are created and wired.

`application` builds the whole, from top to bottom: `store`, `delivery`, `presence`, `messaging` and `opening` in the
order in which an event meets them, then the routes. `permanent_tasks` starts what runs as long as the server, and
`metrics` reads what is counted. Only `cli` imports this package.
"""
