"""Optimizers and the average of their path.

These objects hold the state of an optimisation and nothing else: they are
pickled with an estimator, and picked up again by ``partial_fit``.
"""

import numpy as np

__all__ = [
    "Adam",
    "HeavyBall",
    "PolynomialAverage",
]

NOISE_SHARE = 0.05  # of the latest difference in the running variance of the noise


class Adam:
    """Adam (Kingma & Ba, 2015, Algorithm 1), climbing.

    Parameters
    ----------
    learning_rate : float, default=0.03
        Size of a full step in each unconstrained coordinate.
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

    def __init__(self, learning_rate=0.03, beta_1=0.9, beta_2=0.99):
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.n_steps = 0
        self._first = self._second = 0.0

    def step(self, gradient):
        """Displacement, shape of `gradient`, that climbs along it."""
        self.n_steps += 1
        self._first = self.beta_1 * self._first + (1 - self.beta_1) * gradient
        self._second = self.beta_2 * self._second + (1 - self.beta_2) * gradient**2
        # Running means start at zero: both are divided by the weight of what they hold.
        scale = float(np.sqrt(1 - self.beta_2**self.n_steps))
        size = float(self.learning_rate * scale / (1 - self.beta_1**self.n_steps))
        step = np.sqrt(self._second)
        step += 1e-8 * scale
        return size * (self._first / step)


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
        momentum=0.8,
        longest=0.2,
        noise_variance=0.0025,
    ):
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.longest = longest
        self.noise_variance = noise_variance
        self._velocity = self._noise = 0.0
        self._last_gradient = None

    def step(self, gradient):
        """Displacement, shape of `gradient`, that climbs along it."""
        information = np.maximum(self._measure(gradient) / self.noise_variance, 1.0)
        self._velocity = self.momentum * self._velocity + gradient / information
        step = self.learning_rate * self._velocity
        return np.clip(step, -self.longest, self.longest)

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
