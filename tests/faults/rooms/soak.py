"""`make soak`: runs with one seed after the other, until the time is over. Each line has the seed of its run."""

import argparse
import sys
import time

from faults.rooms.checker import violations
from faults.rooms.plan import make_plan
from faults.rooms.run import Site, execute, running_site, summary
from support.server import RunningServer

RUNS_OF_A_SITE = 20
"""Then the processes and the users are replaced: the users' tokens expire after ten minutes."""
MAX_SHOWN = 20


def main() -> int:
    """Return 1 if a run had a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    arguments = parser.parse_args()
    RunningServer.may_fork = True
    deadline = time.monotonic() + 60 * arguments.minutes
    seed, failed = arguments.seed, 0
    while time.monotonic() < deadline:
        with running_site() as site:
            for _ in range(RUNS_OF_A_SITE):
                if time.monotonic() < deadline:
                    failed += not holds(site, seed)
                    seed += 1
    return min(failed, 1)


def holds(site: Site, seed: int) -> bool:
    """Make one run, and print its seed and its violations. Return whether there is none."""
    start = time.monotonic()
    run = execute(site, make_plan(seed))
    found = violations(run)
    print(f"seed {seed}: {summary(run)} in {time.monotonic() - start:.0f} s; {len(found)} violations", flush=True)
    for violation in found[:MAX_SHOWN]:
        print(f"  {violation}", flush=True)
    return not found


if __name__ == "__main__":
    sys.exit(main())
