"""What wraps every route: limits of bodies, CORS, trusted proxies, request ids and logs, security headers.

`app/application.py` calls `install.install_middleware`, which gives the order. Start there.
"""
