"""The protocol of a generative model."""

from abc import ABC, abstractmethod

import autograd.numpy as anp

from ..params import shift

__all__ = ["GenerativeModel"]


class GenerativeModel(ABC):
    """A sampler of pairs and their log joint, differentiable in the params.

    Three methods must be written: :meth:`init_params`, :meth:`sample` and
    :meth:`log_joint`.  The others may be, to be faster or more exact.

    Latents are an array ``(n, n_latents)`` or a dictionary of arrays with a common
    first axis.  Observations are an array ``(n, n_features)`` in which NaN stands
    for a missing entry.

    See Also
    --------
    FunctionModel : Three plain functions, without a class.
    LatentVariableModel : A prior, a decoder and a likelihood.

    Examples
    --------
    >>> import numpy as np
    >>> class Level(GenerativeModel):
    ...     def init_params(self, X, rng):
    ...         return {"level": np.mean(X)}
    ...
    ...     def sample(self, params, n_samples, rng):
    ...         z = params["level"] + rng.standard_normal((n_samples, 1))
    ...         return z, z + rng.standard_normal((n_samples, 1))
    ...
    ...     def log_joint(self, params, latents, observations):
    ...         errors = anp.hstack([latents - params["level"], observations - latents])
    ...         return -0.5 * anp.sum(errors**2, axis=1) - np.log(2 * np.pi)
    >>> z, x = Level().sample({"level": 1.0}, 5, np.random.default_rng(0))
    >>> Level().log_joint({"level": 1.0}, z, x).shape
    (5,)
    """

    #: Bijectors along the paths of the params; a path without one is unconstrained.
    constraints = {}

    #: Number of columns of the latents where they are an array; None says nothing.
    n_latents = None

    #: Values that latents may take: "real", "nonnegative" or "unit" numbers, rows of
    #: length one ("sphere"), or a finite number of rows ("binary", "onehot").  It is for
    #: importance sampling; None says nothing.
    latent_support = None

    #: Whether `log_joint` takes NaN in the observations as missing entries.
    allows_missing = False

    @abstractmethod
    def init_params(self, X, rng):
        """Nested dict of natural params to start from, given real rows X (with NaN)."""

    @abstractmethod
    def sample(self, params, n_samples, rng):
        """Draw ``(latents, observations)``; a black box, never differentiated."""

    @abstractmethod
    def log_joint(self, params, latents, observations):
        """log p(z, x) in nats, shape (n,); differentiable in `params`."""

    def latent_estimate(self, params, X):
        """Estimate of each row's latents in closed form, or None if there is none.

        None lets the sleep phase fit one on the simulations instead.
        """
        return None

    def posterior_mean(self, params, X):
        """Exact E[z | x], shape (m, n_latents), or None where there is no formula."""
        return None

    def log_marginal(self, params, X):
        """Exact log p(x) in nats, shape (m,), or None where there is no formula."""
        return None

    def location(self, params, latents):
        """Location of the observations of `latents`, shape (n, n_features), or None."""
        return None

    def log_likelihood(self, params, latents, X):
        """log p(x | z) of each row of X at each of `latents`, (m, n), or None."""
        return None

    def expected_log_joint(self, params, latents, observations, weights, X):
        """E[log p(z, x) | x = row of X] by regression `weights`, shape (m, n).

        Overridden to cut variance where part of the log joint is known exactly at X; for
        weights that sum to one it then agrees with this one in the limit.

        Returns
        -------
        expected : array of shape (m,)
        """
        return anp.dot(weights, self.log_joint(params, latents, observations))

    def move(self, params, step):
        """Params a small `step` away; differentiable in `step`.

        `step` is a nested dict along the paths of `params`; zeros stay in place.  An
        override chooses coordinates in which steps of the same size matter equally
        at the present params (relative steps).
        """
        return shift(params, step, self.constraints)
