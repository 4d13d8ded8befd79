"""`make bench`: cloudchat in full against the plain FastAPI ConnectionManager, measured side by side in one run.

Both servers are started as real processes on one core, the load generator has the other one. Every round measures both,
right after each other, in a room of 500 members: with 1 send in flight, and with 16. A send is in flight until every
member has received it. At the start, before any message exists, 1,000 idle members show what one costs in memory.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # tests/, so that this runs without being installed

if __name__ == "__main__":
    from benchmarks.options import options
    from benchmarks.rounds import run

    sys.exit(run(options(str(__doc__))))
