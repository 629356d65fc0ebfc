"""A generative model out of three plain functions."""

from .base import GenerativeModel

__all__ = ["FunctionModel"]


class FunctionModel(GenerativeModel):
    """Generative model made of plain functions.

    Parameters
    ----------
    sample : callable
        ``sample(params, n_samples, rng) -> (latents, observations)``.
    log_joint : callable
        ``log_joint(params, latents, observations) -> array of shape (n,)`` in nats,
        written with ``autograd.numpy``.
    init_params : callable
        ``init_params(X, rng) -> params``, a nested dict of arrays.
    constraints : nested dict of Bijector, default=None
        What values each parameter may take, along the paths of the params.
    latent_support : {"real", "nonnegative", "unit", "sphere"}, default=None
        Values that latents may take, where they are an array: arbitrary, positive, strictly
        between 0 and 1, or rows of length one with a density by the sphere's area.
        ``log_joint`` must then be differentiable in the latents, and likelihoods and
        posterior means are importance sampling.  Latents that take few values need no
        declaration: those are counted.
    allows_missing : bool, default=False
        Whether ``log_joint`` leaves missing entries (NaN) out.

    Raises
    ------
    ValueError
        If `latent_support` is none of these.

    Examples
    --------
    A Poisson count whose log rate is Gaussian:

    >>> import autograd.numpy as anp
    >>> import numpy as np
    >>> def sample(params, n_samples, rng):
    ...     z = params["mean"] + rng.standard_normal((n_samples, 1))
    ...     return z, rng.poisson(np.exp(z)).astype(float)
    >>> def log_joint(params, z, x):
    ...     return anp.sum(x * z - anp.exp(z) - 0.5 * (z - params["mean"]) ** 2, axis=1)
    >>> model = FunctionModel(sample, log_joint, lambda X, rng: {"mean": 0.0})
    >>> z, x = model.sample({"mean": 0.0}, 4, np.random.default_rng(0))
    >>> model.log_joint({"mean": 0.0}, z, x).shape
    (4,)
    """

    def __init__(
        self,
        sample,
        log_joint,
        init_params,
        constraints=None,
        *,
        latent_support=None,
        allows_missing=False,
    ):
        if latent_support not in (None, "real", "nonnegative", "unit", "sphere"):
            raise ValueError(
                "latent_support must be 'real', 'nonnegative', 'unit', 'sphere' or None; "
                f"got {latent_support!r}."
            )
        self._sample = sample
        self._log_joint = log_joint
        self._init_params = init_params
        self.constraints = constraints or {}
        self.latent_support = latent_support
        self.allows_missing = allows_missing

    def init_params(self, X, rng):
        return self._init_params(X, rng)

    def sample(self, params, n_samples, rng):
        return self._sample(params, n_samples, rng)

    def log_joint(self, params, latents, observations):
        return self._log_joint(params, latents, observations)
