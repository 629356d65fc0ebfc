"""Maps between a parameter's natural coordinates and unconstrained ones.

Every bijector keeps the array's shape, so that natural and unconstrained
coordinates can be read side by side.  ``forward`` runs on autograd's tape.
"""

from abc import ABC, abstractmethod

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import expit

__all__ = ["Bijector", "Identity", "Interval", "Positive", "Simplex", "UnitInterval"]


class Bijector(ABC):
    """Smooth map from all real arrays onto the values a parameter may take."""

    #: What a valid value is, as error messages say it.
    support = "real"

    @abstractmethod
    def forward(self, unconstrained):
        """Natural value of an unconstrained array of the same shape."""

    @abstractmethod
    def inverse(self, value):
        """Unconstrained array whose ``forward`` is `value`."""

    @abstractmethod
    def contains(self, value):
        """Whether every entry of `value` can be reached by ``forward``."""


class Identity(Bijector):
    """Any real number.

    Examples
    --------
    >>> Identity().forward(-2.0)
    -2.0
    """

    def forward(self, unconstrained):
        return unconstrained

    def inverse(self, value):
        return value

    def contains(self, value):
        return bool(np.all(np.isfinite(value)))


class Positive(Bijector):
    """Numbers above a lower bound, ``lower + exp(u)``: steps are multiplicative.

    Parameters
    ----------
    lower : float or array broadcastable to the parameter, default=0.0
        Values come no lower than this; a floor on a variance, say.

    Examples
    --------
    >>> bijector = Positive(lower=1.0)
    >>> float(bijector.forward(bijector.inverse(np.array(3.0))).round(12))
    3.0
    """

    def __init__(self, lower=0.0):
        self.lower = lower

    @property
    def support(self):
        bound = np.ravel(self.lower)
        return f"above {bound[0]:.3g}" if bound.size == 1 else "above its lower bound"

    def forward(self, unconstrained):
        return self.lower + anp.exp(unconstrained)

    def inverse(self, value):
        return np.log(value - self.lower)

    def contains(self, value):
        return bool(np.all(np.isfinite(value)) and np.all(value > self.lower))


class UnitInterval(Bijector):
    """Numbers strictly between 0 and 1, by the logistic function.

    Examples
    --------
    >>> float(UnitInterval().forward(0.0))
    0.5
    """

    support = "strictly between 0 and 1"

    def forward(self, unconstrained):
        return expit(unconstrained)

    def inverse(self, value):
        return np.log(value) - np.log1p(-np.asarray(value))

    def contains(self, value):
        return bool(np.all((value > 0) & (value < 1)))


class Interval(Bijector):
    """Positive numbers strictly between two bounds, logistic in their logarithm.

    Parameters
    ----------
    low, high : float
        Bounds, 0 < low < high.

    Examples
    --------
    >>> float(Interval(1.0, 100.0).forward(0.0).round(12))
    10.0
    """

    def __init__(self, low, high):
        self.low = low
        self.high = high

    @property
    def support(self):
        return f"strictly between {self.low:g} and {self.high:g}"

    def forward(self, unconstrained):
        width = np.log(self.high / self.low)
        return self.low * anp.exp(width * expit(4.0 / width * unconstrained))

    def inverse(self, value):
        width = np.log(self.high / self.low)
        share = np.log(np.asarray(value) / self.low) / width
        # A value rounded onto a bound, or past it, keeps a way back.
        share = np.clip(share, 1e-12, 1 - 1e-12)
        return 0.25 * width * (np.log(share) - np.log1p(-share))

    def contains(self, value):
        return bool(np.all((value > self.low) & (value < self.high)))


class Simplex(Bijector):
    """Positive rows that sum to one along the last axis, by the softmax.

    ``inverse`` returns logarithms; adding a constant to a row of them changes
    nothing.

    Examples
    --------
    >>> Simplex().forward(np.zeros(4)).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """

    support = "positive with last axis summing to one"

    def forward(self, unconstrained):
        shifted = unconstrained - anp.max(unconstrained, axis=-1, keepdims=True)
        weights = anp.exp(shifted)
        return weights / anp.sum(weights, axis=-1, keepdims=True)

    def inverse(self, value):
        return np.log(value)

    def contains(self, value):
        return bool(np.all(value > 0) and np.allclose(np.sum(value, axis=-1), 1.0))
