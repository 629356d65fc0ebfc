"""Student's t noise: robust against outliers."""

import numpy as np
from autograd.extend import defvjp_argnums, primitive
from scipy.special import betaln, digamma

from ..supports import Fixed, Positive
from .base import Likelihood
from .gaussian import Gaussian, own_floor

__all__ = ["StudentT"]


class StudentT(Likelihood):
    """Heavy-tailed noise, ``x = location + scale * t`` with t of Student's distribution.

    An entry far off its location is taken for an outlier, and pulls at the params no harder
    than one nearby: the pull grows with distance up to ``sqrt(dof)`` scales, and falls
    off beyond.  Nor does it move the estimated latents of a linear decoder.  Nearly
    Gaussian for many degrees of freedom.

    Parameters
    ----------
    per_feature : bool, default=False
        Whether each feature has a scale of its own, or all share one.
    dof : float, default=4.0
        Degrees of freedom to start from, above 2: the variance exists.
    learned_dof : bool, default=True
        Whether degrees of freedom, one number for all features, are learnt, or stay
        where they start.
    floor : float or array of shape (n_features,), default=0.0
        Scales stay above this, in units of X; a shared one above the largest.

    See Also
    --------
    Gaussian : Lighter, and exact for linear models.

    Examples
    --------
    >>> noise = StudentT()
    >>> params = {"scale": 1.0, "dof": 4.0}
    >>> noise.noise_variance(params, np.zeros(1)).tolist()  # dof / (dof - 2)
    [2.0]
    """

    def __init__(self, per_feature=False, dof=4.0, learned_dof=True, floor=0.0):
        self.per_feature = per_feature
        self.dof = dof
        self.learned_dof = learned_dof
        self.floor = floor

    @property
    def constraints(self):
        lowest = own_floor(self.floor, self.per_feature)
        dof = Positive(lower=2.0) if self.learned_dof else Fixed()
        return {"scale": Positive(lowest), "dof": dof}

    def init_params(self, X, location, rng):
        start = Gaussian(self.per_feature).init_params(X, location, rng)
        scale = np.sqrt(start["noise_variance"] * (self.dof - 2) / self.dof)
        lowest = own_floor(self.floor, self.per_feature)
        return {"scale": np.maximum(scale, 1.05 * lowest), "dof": float(self.dof)}

    def sample(self, params, location, rng):
        return location + params["scale"] * rng.standard_t(params["dof"], location.shape)

    def log_density(self, params, location, X):
        return student_t_log_density(location, params["scale"], params["dof"], X)

    def noise_variance(self, params, location):
        dof = params["dof"]
        return params["scale"] ** 2 * dof / (dof - 2) * np.ones(location.shape)

    def slopes(self, params, location, X):
        distance = ((X - location) / params["scale"]) ** 2
        precision = self.relative_precision(params, distance) / params["scale"] ** 2
        return precision * np.maximum(X, 0), precision * (location - np.minimum(X, 0))

    def relative_precision(self, params, distance):
        return (params["dof"] + 1) / (params["dof"] + distance)

    def information(self, params, location, X):
        # Precisions, less what is lost by their not being known: the curvature itself is
        # negative beyond sqrt(dof) scales.  The mean is Fisher's information.
        distance = ((X - location) / params["scale"]) ** 2
        lost = 2 / (params["dof"] + 3)
        return (1 - lost) * self.relative_precision(params, distance) / params["scale"] ** 2

    def scale(self, params):
        return params["scale"]


@primitive
def student_t_log_density(location, scale, dof, X):
    """Log density, entry by entry: one node on the tape with its derivatives written out.

    `scale` is a number or one for each column.
    """
    log_density = np.subtract(X, location)
    log_density /= scale
    log_density *= log_density
    log_density /= dof
    np.log1p(log_density, out=log_density)
    log_density *= -0.5 * (dof + 1)
    log_density += log_constant(scale, dof)
    return log_density


def log_constant(scale, dof):
    # The beta function keeps its digits where a difference of gammaln loses them.
    return -betaln(0.5 * dof, 0.5) - 0.5 * np.log(dof) - np.log(scale)


def student_t_vjps(argnums, answer, arguments, _):
    """Pull-back to those of location, scale, degrees of freedom and X on the tape."""
    location, scale, dof, X = arguments

    def pull_back(g):
        residual = (X - location) / scale
        # Weights of reweighted least squares, between 0 and (dof + 1) / dof.
        pull = (dof + 1) / (dof + residual**2) * residual

        def to_scale():
            by_column = np.sum(g * (pull * residual - 1), axis=0) / scale
            return by_column if np.ndim(scale) else np.sum(by_column)

        def to_dof():
            slope = 0.5 * (digamma(0.5 * (dof + 1)) - digamma(0.5 * dof) - 1 / dof)
            logs = (answer - log_constant(scale, dof)) / (dof + 1)
            return np.sum(g * (slope + logs + 0.5 / dof * pull * residual))

        to = (lambda: g * pull / scale, to_scale, to_dof, lambda: -g * pull / scale)
        return tuple(to[argument]() for argument in argnums)

    return pull_back


defvjp_argnums(student_t_log_density, student_t_vjps)
