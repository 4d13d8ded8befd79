"""The page on a host of its own: what is put into a bucket, and how a browser is held to one server from there."""
