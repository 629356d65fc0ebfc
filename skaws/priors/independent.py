"""Priors side by side."""

import autograd.numpy as anp
import numpy as np
from scipy.linalg import block_diag
from sklearn.utils.metaestimators import available_if

from ..parts import numbered, with_params
from ..supports import side_by_side
from .base import Prior, check_prior

__all__ = ["Independent"]


def all_have(method):
    """Whether every part of a prior has `method`."""
    return lambda prior: all(hasattr(part, method) for part in prior.parts)


class Independent(Prior):
    """Independent groups of latents, each from a prior of its own.

    Columns follow the order of the parts; the params of a part that has some stand
    under its number, ``"0"``, ``"1"``, ...  The support is that of the parts, or
    :class:`skaws.supports.Columns` of theirs: a label may stand beside real latents.

    Parameters
    ----------
    parts : list of Prior
        Priors of the groups, one or more.

    Raises
    ------
    ValueError
        If there are no parts.
    TypeError
        If a part is no Prior.

    Examples
    --------
    >>> from skaws.priors import Categorical, GeneralizedNormal, Laplace
    >>> prior = Independent([Laplace(2), GeneralizedNormal(1)])
    >>> prior.n_latents, prior.support
    (3, Real())
    >>> {name: list(part) for name, part in prior.init_params(None, None).items()}
    {'1': ['shape']}
    >>> Independent([Categorical(3), Laplace(1)]).support
    Columns(parts=[(OneHot(), 3), (Real(), 1)])
    """

    def __init__(self, parts):
        check_parts(parts)
        self.parts = parts

    @property
    def n_latents(self):
        return sum(part.n_latents for part in self.parts)

    @property
    def support(self):
        return side_by_side([(part.support, part.n_latents) for part in self.parts])

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
            [
                part.sample(own, n_samples, rng)
                for part, own in with_params(self.parts, params)
            ]
        )

    def log_density(self, params, latents):
        total, start = 0.0, 0
        for part, own in with_params(self.parts, params):
            stop = start + part.n_latents
            total = total + part.log_density(own, latents[:, start:stop])
            start = stop
        return total

    @available_if(all_have("log_densities"))
    def log_densities(self, params, latents):
        """Those of the parts side by side, if all parts know theirs."""
        edges = np.cumsum([part.n_latents for part in self.parts])
        columns = np.split(np.arange(self.n_latents), edges[:-1])
        return anp.concatenate(
            [
                part.log_densities(own, latents[:, index])
                for (part, own), index in zip(
                    with_params(self.parts, params), columns, strict=True
                )
            ],
            axis=1,
        )

    @available_if(all_have("moments"))
    def moments(self, params):
        """Those of the parts side by side, if all parts know theirs."""
        moments = [part.moments(own) for part, own in with_params(self.parts, params)]
        means, factors = zip(*moments, strict=True)
        return np.concatenate(means), block_diag(*factors)

    def in_units(self, step, params):
        return {
            name: self.parts[int(name)].in_units(own, params[name])
            for name, own in step.items()
        }

    @available_if(all_have("information"))
    def information(self, params):
        """That of the parts side by side, if all parts know theirs."""
        pairs = [part.information(own) for part, own in with_params(self.parts, params)]
        shift, stretch = zip(*pairs, strict=True)
        return np.concatenate(shift), np.concatenate(stretch)


def check_parts(parts):
    """Raise, in words, unless `parts` are one or more priors."""
    if isinstance(parts, Prior) or not len(parts):
        raise ValueError(
            f"Independent needs a list of one or more priors; got {parts!r}. Write, say, "
            "Independent([Laplace(2), Gaussian(1)])."
        )
    for part in parts:
        check_prior(part)
