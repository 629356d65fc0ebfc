"""Priors side by side."""

import numpy as np
from scipy.linalg import block_diag

from .base import Prior

__all__ = ["Independent"]


class Independent(Prior):
    """Independent groups of latents, each from a prior of its own.

    Columns follow the order of the parts; the params of a part that has some stand
    under its number, ``"0"``, ``"1"``, ...

    Parameters
    ----------
    parts : list of Prior
        Priors of the groups; all of one support.

    Raises
    ------
    ValueError
        If there are no parts, or they differ in their support.

    Examples
    --------
    >>> from skaws.priors import GeneralizedNormal, Laplace
    >>> prior = Independent([Laplace(2), GeneralizedNormal(1)])
    >>> prior.n_latents
    3
    >>> {name: list(part) for name, part in prior.init_params(None, None).items()}
    {'1': ['shape']}
    """

    def __init__(self, parts):
        self.parts = parts
        self._check_supports()

    def _check_supports(self):
        given = ", ".join(f"{type(part).__name__} {part.support}" for part in self.parts)
        if len({part.support for part in self.parts}) != 1:
            raise ValueError(
                f"Independent needs one or more parts of one support; got {given or 'none'}"
                ". Choose priors whose latents take the same kind of values."
            )

    @property
    def n_latents(self):
        return sum(part.n_latents for part in self.parts)

    @property
    def support(self):
        return self.parts[0].support

    @property
    def gaussian(self):
        return all(part.gaussian for part in self.parts)

    @property
    def constraints(self):
        return numbered(part.constraints for part in self.parts)

    def init_params(self, X, rng):
        return numbered(part.init_params(X, rng) for part in self.parts)

    def sample(self, params, n_samples, rng):
        return np.hstack(
            [part.sample(own, n_samples, rng) for part, own in self._with_own(params)]
        )

    def log_density(self, params, latents):
        total, start = 0.0, 0
        for part, own in self._with_own(params):
            stop = start + part.n_latents
            total = total + part.log_density(own, latents[:, start:stop])
            start = stop
        return total

    def information(self, params):
        pairs = [part.information(own) for part, own in self._with_own(params)]
        shift, stretch = zip(*pairs, strict=True)
        return np.concatenate(shift), np.concatenate(stretch)

    def moments(self, params):
        moments = [part.moments(own) for part, own in self._with_own(params)]
        if any(pair is None for pair in moments):
            return None
        means, factors = zip(*moments, strict=True)
        return np.concatenate(means), block_diag(*factors)

    def in_units(self, step, params):
        return {
            name: self.parts[int(name)].in_units(own, params[name])
            for name, own in step.items()
        }

    def _with_own(self, params):
        """Each part with its sub-dict of `params`, empty where it has none."""
        return [(part, params.get(str(i), {})) for i, part in enumerate(self.parts)]


def numbered(dicts):
    """Those dictionaries that are not empty, under their numbers."""
    return {str(i): entries for i, entries in enumerate(dicts) if entries}
