"""Linear mixtures of independent latents."""

import autograd.numpy as anp
import numpy as np

from .base import Prior

__all__ = ["Mixed"]


class Mixed(Prior):
    """Latents ``sources @ mixing``: independent sources, seen in other coordinates.

    The mixing is invertible, and steps of it are relative to it: a step D leads to
    ``(I + D) @ mixing``, each entry in units of its Fisher information.  What is learnt of
    the mixing so stands in the prior, whose score does not grow as the noise shrinks
    (centred latents).

    Parameters
    ----------
    sources : Prior
        Independent latents of unit variance.

    Raises
    ------
    TypeError
        If `sources` is no Prior.

    Examples
    --------
    >>> from skaws.priors import GeneralizedNormal
    >>> prior = Mixed(GeneralizedNormal(2))
    >>> params = {"mixing": 2.0 * np.eye(2), "sources": {"shape": np.ones(2)}}
    >>> prior.sample(params, 3, np.random.default_rng(0)).shape
    (3, 2)
    """

    def __init__(self, sources):
        if not isinstance(sources, Prior):
            raise TypeError(
                f"Mixed needs one Prior, whose latents to mix; got {sources!r}. Put "
                "several side by side first: Mixed(Independent([...]))."
            )
        self.sources = sources

    @property
    def n_latents(self):
        return self.sources.n_latents

    @property
    def gaussian(self):
        return self.sources.gaussian

    @property
    def constraints(self):
        own = self.sources.constraints
        return {"sources": own} if own else {}

    def init_params(self, X, rng):
        own = self.sources.init_params(X, rng)
        mixing = {"mixing": np.eye(self.n_latents)}
        return {**mixing, "sources": own} if own else mixing

    def sample(self, params, n_samples, rng):
        sources = self.sources.sample(params.get("sources", {}), n_samples, rng)
        return sources @ params["mixing"]

    def log_density(self, params, latents):
        sources = anp.dot(latents, anp.linalg.inv(params["mixing"]))
        log_volume = anp.linalg.slogdet(params["mixing"])[1]
        return self.sources.log_density(params.get("sources", {}), sources) - log_volume

    def moments(self, params):
        moments = self.sources.moments(params.get("sources", {}))
        if moments is None:
            return None
        mean, factor = moments
        return mean @ params["mixing"], factor @ params["mixing"]

    def in_units(self, step, params):
        shift, stretch = self.sources.information(params.get("sources", {}))
        # A step D moves source j by what it adds of source i: in these units the Fisher
        # information of every entry of D is one.
        information = np.tile(shift, (self.n_latents, 1))
        np.fill_diagonal(information, stretch)
        relative_step = step["mixing"] / np.sqrt(information)
        relative = {"mixing": anp.dot(relative_step, params["mixing"])}
        if "sources" in step:
            own = self.sources.in_units(step["sources"], params["sources"])
            relative["sources"] = own
        return relative
