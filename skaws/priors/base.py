"""What every prior gives."""

from abc import ABC, abstractmethod
from numbers import Integral

import autograd.numpy as anp
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from ..parts import check_part, check_support
from ..supports import Columns, Real

__all__ = ["Prior", "check_prior"]


class Prior(BaseEstimator, ABC):
    """Distribution of the latents, p(z).

    Its constructor only stores its arguments, as in scikit-learn; nothing learnt lives on
    it. Params are a dict of arrays, ``params["prior"]`` of a composed model.

    **Must**:

    - ``n_latents``: int, number of columns of the latents; an attribute.
    - :meth:`sample` and :meth:`log_density`.

    **May**: what is there is used, what is not is done without.

    - ``support``: a Support (:mod:`skaws.supports`), where latents live; default
      ``Real()``.
    - ``gaussian``: whether latents are jointly Gaussian; linear models in Gaussian noise
      then have an exact posterior. Default False.
    - ``constraints``: supports along the paths of the params; ``Fixed()`` for what stays
      where it starts. Default: all are real.
    - :meth:`init_params`: what to start from; default: no params.
    - ``moments(params) -> (mean, factor)``: mean of the latents, shape (n_latents,), and a
      matrix F with covariance ``F.T @ F``, shape (n_latents, n_latents). Linear models then
      have a posterior in closed form, exact or the best linear one.
    - :meth:`in_units`: relative steps.
    - ``log_prior(params) -> float``: log density of the params, in nats, up to a constant.

    **For speed**:

    - ``log_densities(params, latents)``: log density of each latent by itself, (n,
      n_latents), where they are independent; default: there if there is one latent.
    - ``information(params) -> (shift, stretch)``: Fisher information, in nats, of a shift
      and of a stretch of each latent, two arrays (n_latents,):
      ``E[(d log p / dz)^2]`` and ``E[(1 + z d log p / dz)^2]``. They set the size of
      relative steps of a mixing matrix.

    See Also
    --------
    skaws.models.LatentVariableModel : What a prior is part of.

    Examples
    --------
    A prior of one's own, waiting times of a learnt rate:

    >>> import autograd.numpy as anp
    >>> import numpy as np
    >>> from skaws.supports import Positive
    >>> class Exponential(Prior):
    ...     support = Positive()
    ...
    ...     def __init__(self, n_latents):
    ...         self.n_latents = n_latents
    ...
    ...     @property
    ...     def constraints(self):
    ...         return {"rate": Positive()}
    ...
    ...     def init_params(self, X, rng):
    ...         return {"rate": np.ones(self.n_latents)}
    ...
    ...     def sample(self, params, n_samples, rng):
    ...         size = (n_samples, self.n_latents)
    ...         return rng.exponential(1 / params["rate"], size)
    ...
    ...     def log_density(self, params, latents):
    ...         return anp.sum(anp.log(params["rate"]) - params["rate"] * latents, axis=1)
    >>> prior = Exponential(n_latents=2)
    >>> prior
    Exponential(n_latents=2)
    >>> prior.log_density({"rate": np.ones(2)}, np.array([[2.0, 1.0]])).tolist()
    [-3.0]
    """

    #: A model has one latent at least, but for that of independent columns.
    least_latents = 1

    # Must.

    @abstractmethod
    def sample(self, params, n_samples, rng):
        """Draw latents, shape (n_samples, n_latents), inside the support."""

    @abstractmethod
    def log_density(self, params, latents):
        """log p(z) in nats, shape (n,); differentiable in `params` and real latents.

        It is called inside the support only.
        """

    # May.

    support = Real()
    gaussian = False

    @property
    def constraints(self):
        """Supports along the paths of the params; none by default."""
        return {}

    def init_params(self, X, rng):
        """Params to start from, given rows X, (m, n_features), as locations; or none."""
        return {}

    @available_if(lambda self: self.n_latents == 1)
    def log_densities(self, params, latents):
        """Log density of each latent by itself, shape (n, n_latents)."""
        return anp.reshape(self.log_density(params, latents), (-1, 1))

    def in_units(self, step, params):
        """A relative `step` at `params` as one in the real coordinates of params.

        An override chooses coordinates in which steps of the same size matter equally.
        By default steps stay as they are.
        """
        return step


def check_prior(prior):
    """Raise, in words, if `prior` lacks what every prior of a model must have.

    Parameters
    ----------
    prior : object
        What a model is to be composed of.

    Raises
    ------
    TypeError
        If it is no Prior, or if its ``n_latents`` or ``support`` is none.
    ValueError
        If ``n_latents`` is below one, or not the number of columns of its support.

    Examples
    --------
    >>> from skaws.priors import Gaussian
    >>> check_prior(Gaussian)
    Traceback (most recent call last):
    ...
    TypeError: The prior of a model must be a Prior; got the class Gaussian. Write
    Gaussian(...), with its settings.
    """
    check_part(prior, Prior, "Gaussian(n_latents=2)", ("sample", "log_density"))
    name, n_latents = type(prior).__name__, getattr(prior, "n_latents", None)
    if not isinstance(n_latents, Integral):
        raise TypeError(
            f"{name}.n_latents must be the number of columns of its latents, an int; got "
            f"{n_latents!r}. Set it in the constructor, or in the class."
        )
    if n_latents < prior.least_latents:
        raise ValueError(f"{name}.n_latents must be one or more; got {n_latents}.")
    check_support(prior.support, f"{name}.support")
    check_width(prior, name)


def check_width(prior, name):
    """Raise ValueError if a support by columns is not that of so many latents."""
    if not isinstance(prior.support, Columns):
        return
    width = sum(n for _, n in prior.support.parts)
    if width != prior.n_latents:
        raise ValueError(
            f"{name}.support must be that of {prior.n_latents} columns, its n_latents; got "
            f"one of {width}. Change one of them."
        )
