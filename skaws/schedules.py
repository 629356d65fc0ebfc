"""Schedules: when steps grow smaller, and when an optimisation ends."""

from collections import deque

import numpy as np

__all__ = ["Constant", "FixedLength", "PlateauThenDecay"]


class Constant:
    """Learning rate that never changes and an optimisation that never ends.

    Examples
    --------
    >>> Constant().factor(gain=-1.0)
    1.0
    """

    finished = False
    converged = False

    def factor(self, gain):
        """Multiplier of the learning rate for the next step."""
        return 1.0


class PlateauThenDecay:
    """Full steps while they pay, then a linear decay to zero.

    ``gain`` is the inner product of a step with the gradient measured *after*
    it, with fresh simulations: an estimate of what the step gained in
    log-likelihood, whose sum turns negative when noise rather than progress
    moves the parameters (the stationarity test of Pflug, 1990).  When the sum
    over `n_iter_no_change` steps falls below `tol`, or when only the decay fits
    into `max_iter`, the decay begins.

    Parameters
    ----------
    max_iter : int
        Largest number of steps, decay included.
    tol : float
        Smallest gain over `n_iter_no_change` steps that still counts as
        progress, in nats a row.
    n_iter_no_change : int
        Number of steps over which the gain is summed.
    n_decay : int, default=None
        Number of steps of the decay. None, or more than that, is a third of `max_iter`.

    Attributes
    ----------
    converged : bool
        Whether the plateau was reached (not merely the budget's end).
    finished : bool
        Whether the learning rate has arrived at zero.
    last_gain : float
        Sum of the last gains at full steps, in nats a row.
    n_judged : int
        How many gains that is: `n_iter_no_change`, or all there were.

    Examples
    --------
    >>> schedule = PlateauThenDecay(max_iter=9, tol=0.1, n_iter_no_change=2)
    >>> [schedule.factor(gain) for gain in (0.0, 1.0, 0.0, 0.0, 0.0, 0.0)]
    [1.0, 1.0, 1.0, 0.75, 0.5, 0.25]
    >>> schedule.converged, schedule.finished
    (True, True)
    """

    def __init__(self, max_iter, tol, n_iter_no_change, n_decay=None):
        self.max_iter = max_iter
        self.tol = tol
        third = max(1, max_iter // 3)
        self.n_decay = third if n_decay is None else min(n_decay, third)
        self.converged = False
        self.last_gain = 0.0
        self.n_judged = 0
        self._gains = deque(maxlen=n_iter_no_change)
        self._n_steps = 0
        self._decay_start = None

    @property
    def finished(self):
        return self._n_steps >= self.max_iter or (
            self._decay_start is not None
            and self._n_steps >= self._decay_start + self.n_decay
        )

    def factor(self, gain):
        """Multiplier of the learning rate for the next step."""
        if self._decay_start is None:
            self._watch(gain)
        self._n_steps += 1
        if self._decay_start is None:
            return 1.0
        return 1.0 - (self._n_steps - self._decay_start) / (self.n_decay + 1)

    def _watch(self, gain):
        if self._n_steps > 0:  # before the first step there is nothing to gain
            self._gains.append(gain)
        self.last_gain, self.n_judged = float(np.sum(self._gains)), len(self._gains)
        self.converged = self.n_judged == self._gains.maxlen and self.last_gain < self.tol
        if self.converged or self._n_steps >= self.max_iter - self.n_decay:
            self._decay_start = self._n_steps


class FixedLength:
    """Full steps for six tenths of the way, then a linear decay to zero.

    Parameters
    ----------
    max_iter : int
        Number of steps.

    Examples
    --------
    >>> schedule = FixedLength(max_iter=9)
    >>> [round(schedule.factor(gain=0.0), 2) for _ in range(9)]
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25]
    >>> schedule.finished
    True
    """

    last_gain = 0.0
    n_judged = 0

    def __init__(self, max_iter):
        self.max_iter = max_iter
        self._n_steps = 0

    @property
    def finished(self):
        return self._n_steps >= self.max_iter

    @property
    def converged(self):
        """Whether it came to its end, which is all that it asks."""
        return self.finished

    def factor(self, gain):
        """Multiplier of the learning rate for the next step."""
        self._n_steps += 1
        left = 1.0 - self._n_steps / (self.max_iter + 1)
        return min(1.0, left / 0.4)
