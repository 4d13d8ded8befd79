"""End a child process when its parent ends, even if the parent is killed (Linux, prctl(2)).

A separate module, because a freshly forked child runs it: nothing else is imported there.
"""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None, use_errno=True).prctl  # resolved at import, so that the forked child only calls it


def die_with_parent(parent_pid: int) -> None:
    """Ask the kernel to kill this process when the thread that forked it ends. Call it in the child.

    Ends the process immediately if the parent ended before the call.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)
