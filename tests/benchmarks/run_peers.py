"""`make bench-peers`: a room of cloudchat beside other servers that broadcast, in eleven minutes.

- plain FastAPI and the bare C loop, as in `make bench`
- uWebSockets (C++, by the PyPI package socketify), NATS (Go, Debian's nats-server), Node ws, and Socket.IO

None of them checks a token, stores a message or numbers it; cloudchat does. NATS speaks its own protocol over TCP, the
others speak WebSocket. Every server runs on one core, the load generator on another one. Each round measures all
servers, right after each other: with a text of 100 characters for all (equal payload), and with texts of the length
that makes their frames as long as those of cloudchat (equal wire bytes). The peers are installed into .bench.

Many small rooms are measured beside Socket.IO with its Redis streams adapter, which stores each message, too.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # tests/: the modules there are not installed

if __name__ == "__main__":
    from benchmarks.peers_command_line import main

    sys.exit(main(str(__doc__)))
