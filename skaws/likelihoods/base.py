"""What every likelihood gives."""

from abc import ABC, abstractmethod

__all__ = ["Likelihood"]


class Likelihood(ABC):
    """Distribution of independent observed entries around their location.

    Attributes
    ----------
    location_support : {"real", "nonnegative", "unit"}
        Values a location may take.
    mean_is_location : bool
        Whether ``E[x | location] = location``.
    gaussian : bool
        Whether noise is Gaussian: linear models then have exact answers.
    scale_mixture : bool
        Whether noise is Gaussian with a variance of its own for each entry, drawn at
        random, and ``relative_precision`` is given.
    exponential_family : bool
        Whether the last four methods are given.
    counts : bool
        Whether observations are whole numbers.
    advice : str or None
        What to do about a location that it cannot take.

    Examples
    --------
    A likelihood of one's own:

    >>> import autograd.numpy as anp
    >>> import numpy as np
    >>> class LaplaceNoise(Likelihood):
    ...     def sample(self, params, location, rng):
    ...         return rng.laplace(location)
    ...
    ...     def log_density(self, params, location, X):
    ...         return -anp.abs(X - location) - anp.log(2.0)
    >>> LaplaceNoise().log_density({}, np.zeros(1), np.ones(1)).round(4).tolist()
    [-1.6931]
    """

    location_support = "real"
    mean_is_location = False
    gaussian = False
    scale_mixture = False
    exponential_family = False
    counts = False
    advice = None

    def __str__(self):
        return type(self).__name__

    @property
    def constraints(self):
        """Bijectors along the paths of the params; none by default."""
        return {}

    def init_params(self, X, location, rng):
        """Params to start from, given real rows and simulated locations."""
        return {}

    def location_of(self, X):
        """Locations near real rows X (with NaN), for a decoder to start from."""
        return X

    @abstractmethod
    def sample(self, params, location, rng):
        """Draw observations, shape of `location`."""

    @abstractmethod
    def log_density(self, params, location, X):
        """log p(x | location) in nats, entry by entry, shape of X."""

    def noise_variance(self, params, location):
        """Variance of x around its `location`, shape of `location`.

        Needed where ``mean_is_location``, for the latent estimate of linear models.
        """
        raise NotImplementedError

    def mean(self, params, location):
        """E[x | location], shape of `location`."""
        if self.mean_is_location:
            return location
        raise NotImplementedError

    def slopes(self, params, location, X):
        """Two non-negative parts whose difference is d log p(x | location) / d location.

        Needed where locations are sums of non-negative parts; they broadcast to the shape
        of `location`.
        """
        raise NotImplementedError

    def information(self, params, location, X):
        """Curvature of -log p(x | location) in the location, at least zero.

        It shapes proposals for importance sampling; shape of `location`.
        """
        raise NotImplementedError

    def relative_precision(self, params, distance):
        """Expected precision of the noise of entries that lie so far off their location.

        Given for scale mixtures of Gaussians, where a latent estimate weighs entries by
        it.  `distance` is squared and, like the precision, in units of :meth:`scale`.
        """
        raise NotImplementedError

    def scale(self, params):
        """Distance between locations that the noise lets one tell apart.

        A number or an array (n_features,); the decoder takes its steps in it.
        """
        return 1.0

    def in_units(self, step):
        """Turn a `step` into one of params; an override may hold some of them."""
        return step

    # The exponential-family form, log p(x | location) = eta . S(x) - Psi + log h(x),
    # entry by entry.

    def natural_parameters(self, params, location):
        """eta, a tuple of arrays of the shape of `location`."""
        raise NotImplementedError

    def log_normalizer(self, params, location):
        """Psi, shape of `location`."""
        raise NotImplementedError

    def sufficient_statistics(self, X):
        """S(x), a tuple of arrays of the shape of X, in the order of eta."""
        raise NotImplementedError

    def log_base_measure(self, X):
        """log h(x), shape of X."""
        raise NotImplementedError
