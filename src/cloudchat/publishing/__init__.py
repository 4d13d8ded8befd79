"""Publish the page to an S3 bucket, for installations whose page and server have different hosts.

`cli.frontend` runs it. Start with `release`, which decides without I/O what the bucket must hold; `bucket` is the only
module that calls AWS.
"""
