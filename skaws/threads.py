"""What the loop asks of the machine: one BLAS thread, and memory kept."""

from contextlib import contextmanager
from functools import cache
from threading import Lock

import numpy as np
from threadpoolctl import ThreadpoolController

__all__ = ["keep_freed_memory", "one_blas_thread"]


def keep_freed_memory():
    """Let the allocator keep what one iteration frees for the next one.

    glibc hands memory above a threshold back to the system, and a third of an iteration
    would go into getting it again; freeing one large block, which is never touched, raises
    the threshold.  Other allocators take no notice.
    """
    np.empty(6 * 2**20, dtype=np.uint8)


@cache
def thread_pools():
    return ThreadpoolController()


class Limit:
    """One limit for the whole process, shared by all threads that asked for it.

    The first in sets it, and the last out takes it back: each for itself would restore what
    the other had set.
    """

    def __init__(self):
        self._lock = Lock()
        self._n_inside = 0
        self._limiter = None

    @contextmanager
    def __call__(self):
        with self._lock:
            if self._n_inside == 0:
                self._limiter = thread_pools().limit(limits=1, user_api="blas")
            self._n_inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_inside -= 1
                if self._n_inside == 0:
                    self._limiter.restore_original_limits()


#: Context in which BLAS runs on one thread.
one_blas_thread = Limit()
