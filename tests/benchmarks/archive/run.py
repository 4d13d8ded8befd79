"""`make bench-archive`: history and search in an archive of 2 million messages, on SQLite and on PostgreSQL.

It makes the messages first. With both it takes less than ten minutes on two idle cores, and 5 GB in the directory for
temporary files. The table shows the median and the 99th percentile.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent.parent)  # tests/: the modules there are not installed

if __name__ == "__main__":
    from benchmarks.archive.command_line import main

    sys.exit(main(str(__doc__)))
