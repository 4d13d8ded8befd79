"""A child process that must not outlive its parent, even when the parent is killed (Linux, prctl(2))."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up here, so that a freshly forked child only has to call it


def die_with_parent(parent_pid: int) -> None:
    """Called in the child: from now on the kernel kills it when the thread that forked it ends.

    Ends the process at once if `parent_pid` was gone before the kernel could be asked.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)
