"""A model of rows of which some columns are given, not modelled."""

from inspect import signature

import numpy as np
from sklearn.utils.metaestimators import available_if

from .base import GenerativeModel

__all__ = ["GivenColumns", "takes_given"]


def check_takes_given(model):
    """Raise TypeError unless sampler and log joint take given columns."""
    for name in ("sample", "log_joint"):
        if not takes_given(getattr(model, name)):
            raise TypeError(
                f"{name} of {type(model).__name__} takes no argument given, but given "
                f"columns were passed. Write {name} with a last argument named given."
            )


def takes_given(function):
    """Whether a function has an argument named given."""
    return "given" in signature(function).parameters


def check_needs_no_given(model):
    """Raise TypeError if the sampler must be handed given columns."""
    given = signature(model.sample).parameters.get("given")
    if given is not None and given.default is given.empty:
        raise TypeError(
            f"sample of {type(model).__name__} needs given columns, but none were passed. "
            "Pass given=, an array (n_samples, n_given), or write given=None."
        )


class GivenColumns(GenerativeModel):
    """A model whose observations carry their given columns along, behind their own.

    Given columns (covariates, what one conditions on) are known of a row before x, as the
    pattern of its missing entries is.  Both travel the same road: simulated rows have
    those of real rows, and what is regressed on x is regressed on them, too.

    Parameters
    ----------
    model : GenerativeModel
        Whose ``sample`` and ``log_joint`` take a fourth argument ``given``, an array
        (n, n_given); ``init_params(X, rng)`` may take it as well.
    n_given : int
        Number of given columns.

    Raises
    ------
    TypeError
        If ``sample`` or ``log_joint`` of the model "takes no argument given".

    Examples
    --------
    A random intercept beside a known covariate:

    >>> from skaws.models import FunctionModel
    >>> def sample(params, n_samples, rng, given):
    ...     z = rng.standard_normal((n_samples, 1))
    ...     return z, params["slope"] * given + z + rng.standard_normal((n_samples, 1))
    >>> def log_joint(params, z, x, given):
    ...     error = x - params["slope"] * given - z
    ...     return -0.5 * (error**2 + z**2)[:, 0] - np.log(2 * np.pi)
    >>> model = GivenColumns(FunctionModel(sample, log_joint, None), n_given=1)
    >>> model.log_joint({"slope": 2.0}, np.zeros((1, 1)), np.array([[6.0, 3.0]])).round(4)
    array([-1.8379])
    """

    def __init__(self, model, n_given):
        self.model = model
        self.n_given = n_given
        check_takes_given(model)

    @property
    def constraints(self):
        return self.model.constraints

    @property
    def latent_support(self):
        return self.model.latent_support

    @property
    def allows_missing(self):
        return self.model.allows_missing

    def init_params(self, X, rng):
        own, given = self._parted(X)
        if takes_given(self.model.init_params):
            return self.model.init_params(own, rng, given=given)
        return self.model.init_params(own, rng)

    def sample(self, params, n_samples, rng, given):
        latents, x = self.model.sample(params, n_samples, rng, given=given)
        return latents, np.hstack([x, given])

    @available_if(lambda self: hasattr(self.model, "observe"))
    def mean(self, params, latents, given):
        """That of the model."""
        return self.model.mean(params, latents, given=given)

    @available_if(lambda self: hasattr(self.model, "observe"))
    def observe(self, params, latents, rng, given):
        """That of the model."""
        return self.model.observe(params, latents, rng, given=given)

    def log_joint(self, params, latents, observations):
        own, given = self._parted(observations)
        return self.model.log_joint(params, latents, own, given=given)

    @available_if(lambda self: getattr(self.model, "log_prior", None) is not None)
    def log_prior(self, params):
        """That of the model."""
        return self.model.log_prior(params)

    def move(self, params, step):
        return self.model.move(params, step)

    @available_if(lambda self: hasattr(self.model, "units_of"))
    def units_of(self, X):
        """Those of its own columns."""
        return self.model.units_of(self._parted(X)[0])

    @available_if(lambda self: hasattr(self.model, "in_units"))
    def in_units(self, step, units):
        """As that of the model."""
        return self.model.in_units(step, units)

    def _parted(self, observations):
        """Columns of x, and given ones."""
        edge = observations.shape[1] - self.n_given
        return observations[:, :edge], observations[:, edge:]
