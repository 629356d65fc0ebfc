"""One function of each entry."""

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import expit

from ..moments import column_moments
from ..supports import Interval, Positive
from .base import Decoder

__all__ = ["Elementwise"]

SHARE = 0.1  # of a column's mean size: entries count as no closer than this to a bound


def softplus(entries):
    return anp.logaddexp(0.0, entries)


def above_zero(X):
    """Entries of X, but none below a share of its column's mean size."""
    size = column_moments(np.abs(X))[0]
    return np.maximum(X, SHARE * np.where(size > 0, size, 1.0))


def inverse_softplus(X):
    X = above_zero(X)
    return X + np.log(-np.expm1(-X))


def inverse_sigmoid(X):
    inside = np.clip(X, SHARE, 1 - SHARE)
    return np.log(inside) - np.log1p(-inside)


# Name: function, its inverse on entries off the bounds, support of its values.
FUNCTIONS = {
    "exp": (anp.exp, lambda X: np.log(above_zero(X)), Positive()),
    "softplus": (softplus, inverse_softplus, Positive()),
    "sigmoid": (expit, inverse_sigmoid, Interval(0.0, 1.0)),
}


class Elementwise(Decoder):
    """One function of each entry, no params: the last decoder of a chain.

    Brings locations into the support that a likelihood asks for.

    Parameters
    ----------
    function : {"exp", "softplus", "sigmoid"}, default="softplus"
        ``exp(u)`` and ``log(1 + exp(u))`` are positive, ``1 / (1 + exp(-u))`` lies between
        0 and 1.

    Raises
    ------
    ValueError
        If the function is none of these.

    See Also
    --------
    Chain : What it is the last of.

    Examples
    --------
    >>> Elementwise("sigmoid").location({}, np.zeros((1, 2))).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, function="softplus"):
        if function not in FUNCTIONS:
            raise ValueError(f"function must be one of {[*FUNCTIONS]}; got {function!r}.")
        self.function = function

    def init_params(self, X, n_latents, rng):
        return {}

    def preimage(self, X):
        return FUNCTIONS[self.function][1](X)

    def location(self, params, latents):
        return FUNCTIONS[self.function][0](latents)

    def location_support(self, latent_support):
        return FUNCTIONS[self.function][2]
