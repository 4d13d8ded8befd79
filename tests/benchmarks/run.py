"""`make bench`: complete cloudchat against the plain FastAPI ConnectionManager, measured side by side in one run.

Both servers run as real processes on one core; the load generator has another one. Every round measures both, right
after each other, in a room of 500 members: with 1 send in flight, and with 16. A send is in flight until every member
has received it. At the start, before any message exists, the memory of an idle member is measured with 1,000 of them.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # tests/: the modules there are not installed

if __name__ == "__main__":
    from benchmarks.rounds import main

    sys.exit(main(str(__doc__)))
