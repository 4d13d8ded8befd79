"""HTTP without any feature: the error body, the middleware, and the bounded HTTP protocol below ASGI.

Used by the routes of every feature and by `app/application.py`; imports no feature. Start with `middleware/install.py`
(the order in which a request passes the layers), then `errors.py` (how every error becomes a response).
"""
