"""What the law gives a person: the export of everything that is stored about them, and its erasure.

The command line uses `service.py`. Texts are erased by the servers afterwards (`archive/erasure/`), because they are in
the room logs, too.
"""
