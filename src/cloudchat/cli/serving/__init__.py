"""`cloudchat serve`: the socket, the processes and what is printed when the server is open.

Only `main.py` calls it. Read `serve` first, then `http_server`, which runs uvicorn in this process or in workers.
"""
