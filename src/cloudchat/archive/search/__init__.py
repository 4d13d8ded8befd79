"""Search in the archive: `GET /api/search`.

A query (`query.py`) has the terms that the index has of the messages (`core/search_terms.py`). Each database gets it in
its own language (`index_query.py`); permissions are part of the SQL (`repository.py`). Start with `service.py`.
"""
