"""A generative model out of plain functions."""

from ..spaces import leaves
from ..supports import Support
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
    constraints : nested dict of Support, default=None
        What values each parameter may take, along the paths of the params
        (:mod:`skaws.supports`); ``Fixed()`` for one that stays where it starts.
    latent_support : Support or dict of Support, default=None
        Values that latents may take; a dict along their paths where latents are one. None
        reads the narrowest support that holds the model's own simulations, column by
        column; fitted estimators and `check_model` report it. ``log_joint`` is never
        called at other latents, and must be differentiable in real ones for likelihoods
        and posterior means.
    allows_missing : bool, default=False
        Whether ``log_joint`` leaves missing entries (NaN) out.
    log_prior : callable, default=None
        ``log_prior(params) -> float``, log density of the params in nats, differentiable:
        fits are then maximum a posteriori.

    Raises
    ------
    TypeError
        If `latent_support` is no Support, nor a dict of them.

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

    # Instances have the functions that they are made of; these names make the class whole.
    sample = log_joint = init_params = constraints = None

    def __init__(
        self,
        sample,
        log_joint,
        init_params,
        constraints=None,
        *,
        latent_support=None,
        allows_missing=False,
        log_prior=None,
    ):
        check_latent_support(latent_support)
        self.sample = sample
        self.log_joint = log_joint
        self.init_params = init_params
        self.constraints = constraints
        self.latent_support = latent_support
        self.allows_missing = allows_missing
        self.log_prior = log_prior


def check_latent_support(latent_support):
    """Raise TypeError unless this is None, a Support, or a dict of them."""
    if latent_support is None:
        return
    own = latent_support if isinstance(latent_support, dict) else {"": latent_support}
    for path, support in leaves(own):
        if not isinstance(support, Support):
            name = ".".join(("latent_support", *filter(None, path)))
            raise TypeError(
                f"{name} of FunctionModel must be a Support of skaws.supports, such as "
                f"Positive(), or a dict of them; got {support!r}."
            )
