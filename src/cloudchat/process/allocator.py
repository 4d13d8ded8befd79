"""Give the memory of large blocks back to the system when they are freed (glibc, mallopt(3))."""

import ctypes

LARGE_BLOCK_BYTES = 1 << 20
UNUSED_HEAP_BYTES = 4 << 20

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


def return_large_blocks() -> None:
    """Map each block above `LARGE_BLOCK_BYTES` on its own, so that its memory is returned with it.

    By default glibc stops doing this once such a block was freed, and each of its heaps keeps the next ones. A password
    hash takes 19 MiB, and any thread can be the one that hashes: 80 logins left 120 MiB. A hash takes 5 ms longer now
    (26 instead of 21), because the system clears its memory each time. Does nothing without glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
        mallopt(_M_TRIM_THRESHOLD, UNUSED_HEAP_BYTES)  # else it would be 128 KiB: the heap would shrink and grow often


def return_free_memory() -> None:
    """Give the free memory of all heaps back to the system (malloc_trim(3)), after work that is done once.

    The build of the page leaves 4 MiB. Does nothing without glibc.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
