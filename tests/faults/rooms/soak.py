"""`make soak`: runs with one seed after the other, until the time is over. Each line has the seed of its run."""

import argparse
import sys
import time

from faults.rooms.checker import violations
from faults.rooms.plan import make_plan
from faults.rooms.run import execute, running_site, summary
from support.server import RunningServer

MAX_SHOWN = 20


def main() -> int:
    """Return 1 if a run had a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    arguments = parser.parse_args()
    seed, failed = arguments.seed, 0
    RunningServer.may_fork = True
    with running_site() as site:
        deadline = time.monotonic() + 60 * arguments.minutes
        while time.monotonic() < deadline:
            start = time.monotonic()
            run = execute(site, make_plan(seed))
            found = violations(run)
            seconds = time.monotonic() - start
            print(f"seed {seed}: {summary(run)} in {seconds:.0f} s; {len(found)} violations", flush=True)
            if found:
                print(*found[:MAX_SHOWN], sep="\n", flush=True)
            failed += bool(found)
            seed += 1
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
