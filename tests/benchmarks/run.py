"""`make bench`: complete cloudchat beside two others, measured side by side in one run of three minutes.

- plain FastAPI: the ConnectionManager of the tutorials, with uvicorn's defaults: nothing is checked or stored.
- bare C loop: an epoll loop that does nothing but broadcast: what the machine can do.

Every server runs on one core, cloudchat with its store; the load generator, a C program, has another one. Each round
measures all servers, right after each other. The table shows medians, the spread of the rounds (half of the distance
between the smallest and the largest one), and by which factor cloudchat is better: below 1 it is worse.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # tests/: the modules there are not installed

if __name__ == "__main__":
    from benchmarks.command_line import main

    sys.exit(main(str(__doc__)))
