"""Parameters with priors of their own as standard normal coordinates."""

from numbers import Real

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import rv_continuous, rv_discrete

__all__ = ["UnitCoordinates"]

FURTHEST = 8.0
TINY = 1e-300


class UnitCoordinates:
    """Coordinates u with ``value = ppf(Phi(u))``: the prior of all of them is N(0, I).

    Bounds, integers and scales come with the distributions, and nothing can be proposed
    that a prior excludes.

    Parameters
    ----------
    parameters : dict
        Name to a frozen distribution of :mod:`scipy.stats`, or to a number, which fixes the
        parameter.

    Attributes
    ----------
    names : list of str
        Parameters that are learnt.

    Raises
    ------
    TypeError, ValueError
        If there is no parameter to be learnt, or one is "no frozen distribution".

    Examples
    --------
    >>> from scipy.stats import expon
    >>> coordinates = UnitCoordinates({"rate": expon(scale=2.0), "size": 10})
    >>> values = coordinates.natural(np.zeros((1, 1)))
    >>> float(values["rate"][0].round(4)), values["size"].tolist()  # the median, 2 log 2
    (1.3863, [10])
    >>> coordinates.unit({"rate": np.array([1.3862944])}).round(5).tolist()
    [[0.0]]
    """

    def __init__(self, parameters):
        if not isinstance(parameters, dict):
            raise TypeError(
                "parameters must be a dict from names to distributions; got "
                f"{type(parameters).__name__}. Pass {{'rate': scipy.stats.lognorm(0.5)}}, "
                "for example."
            )
        self.fixed, self._distributions = {}, {}
        for name, given in parameters.items():
            if isinstance(given, Real) and not isinstance(given, bool):
                self.fixed[name] = given
                continue
            check_frozen(name, given)
            self._distributions[name] = given
        self.names = list(self._distributions)
        if not self.names:
            raise ValueError(
                "parameters has no distribution: there is nothing to learn. Give at least "
                "one parameter a frozen distribution of scipy.stats."
            )

    @property
    def size(self):
        """Number of coordinates."""
        return len(self.names)

    def natural(self, unit):
        """Values of all parameters, a dict of (n,), at coordinates of shape (n, size)."""
        found = {}
        columns = np.clip(unit, -FURTHEST, FURTHEST).T
        for (name, own), u in zip(self._distributions.items(), columns, strict=True):
            # Each half from its own end, so that tails keep their digits.
            below, above = own.ppf(ndtr(np.minimum(u, 0))), own.isf(ndtr(-np.maximum(u, 0)))
            found[name] = np.where(u < 0, below, above)
        return {**found, **{name: np.full(len(unit), v) for name, v in self.fixed.items()}}

    def unit(self, values):
        """Coordinates, (n, size), of values in a dict of (n,)."""
        columns = []
        for name, own in self._distributions.items():
            value = np.asarray(values[name], dtype=float)
            below, above = own.cdf(value), own.sf(value)
            low, high = (ndtri(np.maximum(share, TINY)) for share in (below, above))
            columns.append(np.where(below < 0.5, low, -high))
        return np.stack(columns, axis=-1)


def check_frozen(name, given):
    """Raise TypeError, with what to do, unless `given` is a frozen distribution."""
    unfrozen = isinstance(given, (rv_continuous, rv_discrete))
    if not unfrozen and all(hasattr(given, f) for f in ("ppf", "isf", "cdf", "sf")):
        return
    if unfrozen:
        advice = f"Call it with its numbers, as in scipy.stats.{given.name}(...)"
    else:
        advice = "Use one of scipy.stats, as scipy.stats.lognorm(0.8, scale=30)"
    raise TypeError(
        f"Parameter {name!r} has no frozen distribution with ppf, isf, cdf and sf; got "
        f"{given!r}. {advice}, or a number to fix it."
    )
