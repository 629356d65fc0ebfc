"""What every likelihood gives."""

from abc import ABC, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from ..parts import check_part, check_support
from ..supports import Real

__all__ = ["Likelihood", "check_likelihood"]

FAMILY = (
    "natural_parameters",
    "log_normalizer",
    "sufficient_statistics",
    "log_base_measure",
)


class Likelihood(BaseEstimator, ABC):
    """Distribution of independent observed entries around their location.

    Its constructor only stores its arguments, as in scikit-learn; nothing learnt lives on
    it. Params are a dict of arrays, ``params["likelihood"]`` of a composed model. X and
    locations have shape (n, n_features), or shapes that broadcast; X comes without missing
    entries where it says nothing of NaN. As the noise of a process
    (:class:`skaws.models.StateSpaceModel`) it must be differentiable in X, too.

    **Must**: :meth:`sample` and :meth:`log_density`.

    **May**: what is there is used, what is not is done without.

    - ``constraints``: supports along the paths of the params (:mod:`skaws.supports`);
      ``Fixed()`` for what stays where it starts. Default: all are real.
    - :meth:`init_params`, :meth:`location_of`: what to start from.
    - ``location_support``: a Support, where locations must live; default ``Real()``.
    - ``advice``: what to do about a location that it cannot take; default None.
    - :meth:`check_entries`: which entries X may have; default: finite ones.
    - ``gaussian``: whether noise is Gaussian; linear models of Gaussian latents then have
      an exact posterior. Default False.
    - ``counts``: whether observations are whole numbers; default False.
    - :meth:`scale`: what locations are measured in.
    - ``log_prior(params) -> float``: log density of the params, in nats, up to a constant.
    - ``mean(params, location)``: E[x | location], shape of `location`, in units of X.
    - ``noise_variance(params, location)``: variance of x around its location, shape of
      `location`, in squared units of X. Only where the location is the mean: its presence
      says so, and gives ``mean``. Linear models then have a posterior in closed form, exact
      or the best linear one.

    **For speed**: more posteriors and cheaper sums where these are there.

    - ``slopes(params, location, X) -> (up, down)``: two non-negative parts whose difference
      is d log p(x | location) / d location; they broadcast to the shape of `location`. For
      locations that are sums of non-negative parts.
    - ``information(params, location, X)``: curvature of -log p(x | location) in the
      location, at least zero, shape of `location`. For Laplace approximations.
    - ``relative_precision(params, distance)``: for scale mixtures of Gaussians, the
      expected precision of the noise of entries so far off their location. `distance` is
      squared and, like the precision, in units of :meth:`scale`.
    - ``log_density_of_products(params, features, weight, bias, X) -> (n, m)``: log
      p(x | location), summed over entries, at the locations ``features @ weight + bias``,
      for features (n, m, h) of n draws for each row. For likelihoods that need not look at
      each entry of these; X has no holes there.
    - the exponential family, log p(x | location) = eta . S(x) - Psi + log h(x), entry by
      entry, in four methods: ``natural_parameters(params, location)``, eta, a tuple of
      arrays of the shape of `location`; ``log_normalizer(params, location)``, Psi;
      ``sufficient_statistics(X)``, S(x), a tuple of arrays of the shape of X in the order
      of eta; ``log_base_measure(X)``, log h(x). The first two run on autograd's tape.

    See Also
    --------
    skaws.models.LatentVariableModel : What a likelihood is part of.

    Examples
    --------
    A likelihood of one's own:

    >>> import autograd.numpy as anp
    >>> class LaplaceNoise(Likelihood):
    ...     def sample(self, params, location, rng):
    ...         return rng.laplace(location)
    ...
    ...     def log_density(self, params, location, X):
    ...         return -anp.abs(X - location) - anp.log(2.0)
    >>> noise = LaplaceNoise()
    >>> noise.log_density({}, np.zeros(1), np.ones(1)).round(4).tolist()
    [-1.6931]
    >>> hasattr(noise, "mean")  # nobody has said that the location is the mean
    False
    """

    # Must.

    @abstractmethod
    def sample(self, params, location, rng):
        """Draw observations, shape of `location`."""

    @abstractmethod
    def log_density(self, params, location, X):
        """log p(x | location) in nats, entry by entry, shape of X.

        Differentiable in `params` and `location`.
        """

    # May.

    location_support = Real()
    advice = None
    gaussian = False
    counts = False

    @property
    def constraints(self):
        """Supports along the paths of the params; none by default."""
        return {}

    def init_params(self, X, location, rng):
        """Params to start from, given real rows X, with NaN, and simulated locations."""
        return {}

    def location_of(self, X):
        """Locations near real rows X, with NaN, for a decoder to start from."""
        return X

    def check_entries(self, X):
        """Raise ValueError if X has an entry that it could not have made; NaN is missing.

        By default any finite entry will do.
        """
        refuse(self, X, np.isinf(X), "finite entries")

    def scale(self, params):
        """Distance between locations that the noise lets one tell apart.

        A number or an array (n_features,); the decoder takes its steps in it.
        """
        return 1.0

    def origin(self, location):
        """From where x and locations are counted, if only their difference matters.

        A number or an array (n_features,), constant on the tape; zero by default.
        """
        return 0.0

    @available_if(lambda self: hasattr(self, "noise_variance"))
    def mean(self, params, location):
        """E[x | location]: the location, where there is a ``noise_variance`` around it."""
        return location


def refuse(likelihood, X, wrong, expected):
    """Raise ValueError, in words, if entries of X are `wrong`, a mask."""
    wrong = np.asarray(wrong)
    if not wrong.any():
        return
    row, column = np.argwhere(np.atleast_2d(wrong))[0]
    raise ValueError(
        f"{type(likelihood).__name__} needs {expected}; X has "
        f"{np.atleast_2d(X)[row, column]:.3g} in row {row}, column {column}. Leave such "
        "entries out (NaN), or choose a likelihood that takes them."
    )


def check_likelihood(likelihood):
    """Raise, in words, if `likelihood` lacks what every likelihood of a model must have.

    Parameters
    ----------
    likelihood : object
        What a model is to be composed of.

    Raises
    ------
    TypeError
        If it is no Likelihood, if its ``location_support`` is no Support, or if it has some
        methods of the exponential family but "lacks" others.

    Examples
    --------
    >>> check_likelihood("gaussian")
    Traceback (most recent call last):
    ...
    TypeError: The likelihood of a model must be a Likelihood; got 'gaussian'. Give one of
    skaws.likelihoods, such as Gaussian(), or derive a class of your own from
    skaws.likelihoods.Likelihood.
    """
    check_part(likelihood, Likelihood, "Gaussian()", ("sample", "log_density"))
    name = type(likelihood).__name__
    check_support(likelihood.location_support, f"{name}.location_support")
    given = [method for method in FAMILY if hasattr(likelihood, method)]
    lacking = [method for method in FAMILY if method not in given]
    if given and lacking:
        raise TypeError(
            f"{name} has the method {given[0]} of an exponential family but lacks "
            f"{', '.join(lacking)}. Write all four, or none."
        )
