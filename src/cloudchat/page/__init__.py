"""The files of the browser page as they are served: few, without comments, compressed once.

`build` turns the source files in `frontend/` into them, and is used by the server, `cloudchat frontend publish` and
`cloudchat frontend build` (for nginx). Start there; only its `read_directory` and `write_directory` do I/O.
"""
