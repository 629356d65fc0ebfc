"""Gaussian noise."""

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from autograd.tracer import getval

from ..moments import column_moments
from ..supports import Fixed, Positive
from .base import Likelihood

__all__ = ["Gaussian"]

LOG_2PI = np.log(2 * np.pi)


class Gaussian(Likelihood):
    """Gaussian noise around the location, ``x ~ N(location, noise_variance)``.

    Parameters
    ----------
    per_feature : bool, default=False
        Whether each feature has a variance of its own, or all share one.
    floor : float or array of shape (n_features,), default=0.0
        Variances stay above this, in squared units of X; a shared one above the largest.
    learned : bool, default=True
        Whether variances are learnt, or stay where they start.

    Examples
    --------
    >>> x = Gaussian().log_density({"noise_variance": 1.0}, np.zeros(1), np.zeros(1))
    >>> x.round(4).tolist()  # -log(2 pi) / 2
    [-0.9189]
    """

    gaussian = True

    def __init__(self, per_feature=False, floor=0.0, learned=True):
        self.per_feature = per_feature
        self.floor = floor
        self.learned = learned

    @property
    def constraints(self):
        lowest = own_floor(self.floor, self.per_feature)
        return {"noise_variance": Positive(lowest) if self.learned else Fixed()}

    def init_params(self, X, location, rng):
        total = column_moments(X)[1] ** 2
        unexplained = np.maximum(total - np.var(location, axis=0), 0.05 * total)
        constant = 1e-6 * (total.mean() or 1.0)  # for columns that do not vary
        unexplained = np.where(total > 0, unexplained, constant)
        if not self.per_feature:
            unexplained = unexplained.mean()
        lowest = own_floor(self.floor, self.per_feature)
        return {"noise_variance": np.maximum(unexplained, 1.05 * lowest)}

    def sample(self, params, location, rng):
        sd = np.sqrt(params["noise_variance"])
        drawn = rng.standard_normal(location.shape)
        drawn *= sd
        drawn += location
        return drawn

    def log_density(self, params, location, X):
        return gaussian_log_density(location, params["noise_variance"] * np.ones(1), X)

    def log_density_of_products(self, params, features, weight, bias, X):
        # The square of the error, multiplied out: products of the width of the features,
        # for each draw, in place of locations.
        variance = params["noise_variance"] * np.ones(X.shape[1])
        error = X - bias
        error /= np.sqrt(variance)
        weight = weight / np.sqrt(variance)
        slope = np.einsum("nmh,mh->nm", features, error @ weight.T)
        curved = np.einsum("nmh,nmh->nm", features, features @ (weight @ weight.T))
        of_rows = np.einsum("md,md->m", error, error) + np.sum(LOG_2PI + np.log(variance))
        return slope - 0.5 * (curved + of_rows)

    def noise_variance(self, params, location):
        return params["noise_variance"] * np.ones(location.shape)

    def slopes(self, params, location, X):
        variance = params["noise_variance"]
        return np.maximum(X, 0) / variance, (location - np.minimum(X, 0)) / variance

    def information(self, params, location, X):
        return 1 / self.noise_variance(params, location)

    def scale(self, params):
        return np.sqrt(params["noise_variance"])

    def origin(self, location):
        # Squares of large numbers would differ by little.
        return np.mean(getval(location), axis=0)

    def natural_parameters(self, params, location):
        precision = 1.0 / params["noise_variance"]
        return location * precision, -0.5 * precision * anp.ones(location.shape)

    def log_normalizer(self, params, location):
        variance = params["noise_variance"]
        return 0.5 * (location**2 / variance + anp.log(variance))

    def sufficient_statistics(self, X):
        return X, X**2

    def log_base_measure(self, X):
        return np.full(X.shape, -0.5 * LOG_2PI)


def own_floor(floor, per_feature):
    """Floor of each feature, or the largest one for a number that all of them share."""
    return floor if per_feature else float(np.max(floor))


@primitive
def gaussian_log_density(location, variance, X):
    """log N(x; location, variance), entry by entry; `variance` has one or d entries.

    One node on the tape with its derivative written out: half the work that autograd's
    own would be, and most of the work of a fit.
    """
    residual = X - location
    residual *= residual
    residual *= -0.5 / variance
    residual -= 0.5 * (np.log(variance) + LOG_2PI)
    return residual


def location_vjp(answer, location, variance, X):
    def pull_back(g):
        slope = X - location
        slope /= variance
        return g * slope

    return pull_back


def variance_vjp(answer, location, variance, X):
    # With e = answer + log(2 pi variance) / 2 = -residual**2 / (2 variance), the
    # derivative is -(e + 1/2) / variance.
    def pull_back(g):
        constant = 0.5 * (anp.log(variance) + LOG_2PI + 1.0)
        by_column = anp.einsum("nd,nd->d", g, answer) + anp.sum(g, axis=0) * constant
        by_column = by_column / -variance
        return by_column if len(variance) > 1 else anp.sum(by_column, keepdims=True)

    return pull_back


def entries_vjp(answer, location, variance, X):
    return lambda g: g * ((location - X) / variance)


defvjp(gaussian_log_density, location_vjp, variance_vjp, entries_vjp, argnums=(0, 1, 2))
