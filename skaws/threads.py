"""What the loop asks of the machine: one BLAS thread, and memory kept."""

from functools import cache

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


def one_blas_thread():
    """Context in which BLAS runs on one thread."""
    return thread_pools().limit(limits=1, user_api="blas")
