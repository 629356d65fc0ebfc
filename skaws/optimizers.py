"""Optimisers, their learning-rate schedules, and the average of their path.

These objects hold the state of an optimisation and nothing else: they are
pickled with an estimator, and picked up again by ``partial_fit``.
"""

from collections import deque

import numpy as np

__all__ = [
    "Adam",
    "Constant",
    "FixedLength",
    "HeavyBall",
    "PlateauThenDecay",
    "PolynomialAverage",
]

NOISE_SHARE = 0.05  # of the latest difference in the running variance of the noise


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
    into `max_iter`, the decay begins; it lasts a third of `max_iter`.

    Parameters
    ----------
    max_iter : int
        Largest number of steps, decay included.
    tol : float
        Smallest gain over `n_iter_no_change` steps that still counts as
        progress, in nats a row.
    n_iter_no_change : int
        Number of steps over which the gain is summed.

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

    def __init__(self, max_iter, tol, n_iter_no_change):
        self.max_iter = max_iter
        self.tol = tol
        self.n_decay = max(1, max_iter // 3)
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


class Adam:
    """Adam (Kingma & Ba, 2015, Algorithm 1), climbing.

    Parameters
    ----------
    learning_rate : float, default=0.03
        Size of a full step in each unconstrained coordinate.
    schedule : Constant, PlateauThenDecay or FixedLength, default=None
        Its ``factor`` multiplies the learning rate at each step; None is
        ``Constant()``.
    beta_1, beta_2 : float in [0, 1)
        Forgetting factors of the first and second moments.

    Examples
    --------
    >>> adam, x = Adam(learning_rate=0.1), np.array([1.0])
    >>> for _ in range(200):
    ...     x = x + adam.step(-x)  # the gradient of -x**2 / 2
    >>> bool(abs(x[0]) < 0.01)
    True
    """

    def __init__(self, learning_rate=0.03, schedule=None, beta_1=0.9, beta_2=0.99):
        self.learning_rate = learning_rate
        self.schedule = Constant() if schedule is None else schedule
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.n_steps = 0
        self.gain = 0.0
        self._first = self._second = self._last_step = 0.0

    def step(self, gradient):
        """Displacement, shape of `gradient`, that climbs along it."""
        self.gain = float(np.sum(gradient * self._last_step))
        self.n_steps += 1
        self._first = self.beta_1 * self._first + (1 - self.beta_1) * gradient
        self._second = self.beta_2 * self._second + (1 - self.beta_2) * gradient**2
        first = self._first / (1 - self.beta_1**self.n_steps)
        second = self._second / (1 - self.beta_2**self.n_steps)
        rate = self.learning_rate * self.schedule.factor(self.gain)
        self._last_step = rate * first / (np.sqrt(second) + 1e-8)
        return self._last_step


class HeavyBall:
    """Gradient ascent with momentum (Polyak, 1964), in units of Fisher information.

    For models whose steps are in such units (``move``): plain gradients are then natural
    ones, and a direction that the rows say little of moves little, where Adam would walk
    at random.  Information that the model does not know of (outlying rows) shows as noise
    of the gradient, by the information equality: where differences of successive gradients
    say that it is larger than one, steps are divided by it.

    Parameters
    ----------
    learning_rate : float, default=0.1
        Multiplies the velocity.
    schedule : Constant, PlateauThenDecay or FixedLength, default=None
        Its ``factor`` multiplies the learning rate at each step; None is
        ``Constant()``.
    momentum : float in [0, 1), default=0.8
        Share of the velocity that is kept: steps come to ``1 / (1 - momentum)`` gradients.
    longest : float, default=0.2
        No coordinate moves further than this in a step.
    noise_variance : float, default=0.0025
        Variance of the gradient's noise at an information of one: four over the number of
        rows, for as many simulations as rows.

    Examples
    --------
    >>> ball, x = HeavyBall(), np.array([1.0])
    >>> for _ in range(100):
    ...     x = x + ball.step(-x)  # the gradient of -x**2 / 2
    >>> bool(abs(x[0]) < 0.01)
    True
    """

    def __init__(
        self,
        learning_rate=0.1,
        schedule=None,
        momentum=0.8,
        longest=0.2,
        noise_variance=0.0025,
    ):
        self.learning_rate = learning_rate
        self.schedule = Constant() if schedule is None else schedule
        self.momentum = momentum
        self.longest = longest
        self.noise_variance = noise_variance
        self.gain = 0.0
        self._velocity = self._last_step = self._noise = 0.0
        self._last_gradient = None

    def step(self, gradient):
        """Displacement, shape of `gradient`, that climbs along it."""
        self.gain = float(np.sum(gradient * self._last_step))
        information = np.maximum(self._measure(gradient) / self.noise_variance, 1.0)
        self._velocity = self.momentum * self._velocity + gradient / information
        rate = self.learning_rate * self.schedule.factor(self.gain)
        self._last_step = np.clip(rate * self._velocity, -self.longest, self.longest)
        return self._last_step

    def _measure(self, gradient):
        """Running variance of the gradient's noise."""
        if self._last_gradient is not None:
            now = 0.5 * (gradient - self._last_gradient) ** 2
            self._noise = self._noise + NOISE_SHARE * (now - self._noise)
        self._last_gradient = gradient
        return self._noise


class PolynomialAverage:
    """Running average that forgets the beginning at any length of the path.

    After t points, point s has weight about (s / t)**degree: a suffix average
    that needs no knowledge of where the path will end (Shamir & Zhang, 2013,
    section 4).

    Parameters
    ----------
    degree : float, default=4.0
        0 is the plain mean; larger forgets faster.

    Attributes
    ----------
    mean : array or None
        The average so far.

    Examples
    --------
    >>> average = PolynomialAverage(degree=0)
    >>> [float(average.update(point)) for point in (1.0, 3.0, 5.0)]
    [1.0, 2.0, 3.0]
    """

    def __init__(self, degree=4.0):
        self.degree = degree
        self.mean = None
        self._n_points = 0

    def update(self, point):
        """Take in one more `point` and return the average."""
        self._n_points += 1
        if self.mean is None:
            self.mean = np.array(point, dtype=float)
        else:
            share = (self.degree + 1) / (self._n_points + self.degree)
            self.mean = self.mean + share * (point - self.mean)
        return self.mean
