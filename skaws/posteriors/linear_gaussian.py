"""Posterior of ``x = mean + z @ components + noise`` with two moments of latents and noise.

It is exact where all are Gaussian.  The same formulas give the linear minimum-mean-square-
error estimate of any latents with these moments.  Rows may have missing entries (NaN).
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..spaces import Space
from ..supports import Real
from .base import FittedPosterior, Posterior, blocks
from .draws import gaussian_draws

__all__ = ["ExactGaussian", "GaussianApproximation", "LinearGaussian", "LinearMoments"]

LOG_2PI = np.log(2 * np.pi)
CHUNK_NUMBERS = 2_000_000  # at most 16 MB in one temporary
N_PAIRS = 200  # for each latent, of moments from simulations
SHARP = 1e6  # of a precision: its inverse has an error of 1e-10, draws have one of 1e-7


class LinearMoments(NamedTuple):
    """Mean of x, linear in the latents, and the moments of latents and noise.

    Attributes
    ----------
    mean : array of shape (n_features,)
        Mean of x at latents of zero.
    components : array of shape (n_latents, n_features)
        Linear map.
    latent_mean : array of shape (n_latents,)
        Mean of the latents.
    latent_factor : array of shape (n_latents, n_latents)
        Factor F of their covariance ``F.T @ F``.
    noise_variance : array of shape (n_features,)
        Variance of each feature around its mean.
    """

    mean: np.ndarray
    components: np.ndarray
    latent_mean: np.ndarray
    latent_factor: np.ndarray
    noise_variance: np.ndarray


class LinearGaussian(Posterior):
    """Gaussian posterior of the linear-Gaussian model with the same first two moments.

    Its mean is the linear minimum-mean-square-error estimate.  For real latents; draws are
    Gaussian ones with the posterior's covariance.  A model without a ``linear_moments``
    method has its moments estimated from pairs that `fit` draws, 200 for each latent: they
    are then candidates for :class:`Resampled`, good ones where x is near linear in the
    latents, whichever entries are missing.

    Parameters
    ----------
    widening : float, default=1.0
        Factor of the latents' variance, above 0. Above 1 estimates shrink less: rows that
        lie further out than the model thinks are then not mistaken for noise.

    Raises
    ------
    ValueError
        In `fit`, if latents are not real, or if a model with given columns has no
        ``linear_moments``.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Laplace
    >>> from skaws.simulations import simulate
    >>> model = LatentVariableModel(Laplace(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> rng = np.random.default_rng(0)
    >>> simulations = simulate(model, params, 10, rng)
    >>> fitted = LinearGaussian().fit(model, params, simulations, rng)
    >>> fitted.mean(np.ones((1, 3))).round(12).tolist()  # three entries against one prior
    [[0.75]]
    >>> fitted = LinearGaussian(widening=5.0).fit(model, params, simulations, rng)
    >>> fitted.mean(np.ones((1, 3))).round(12).tolist()  # 15 / 16
    [[0.9375]]
    """

    def __init__(self, widening=1.0):
        self.widening = widening

    def suits(self, model, params, space):
        return hasattr(model, "linear_moments") and is_real(space)

    def fit(self, model, params, simulations, rng, previous=None):
        check_real(self, simulations.space)
        if hasattr(model, "linear_moments"):
            moments = model.linear_moments(params)
        else:
            n_latents = simulations.latents.shape[1]
            moments = simulated_moments(model, params, n_latents, rng)
        if self.widening != 1.0:
            factor = np.sqrt(self.widening) * moments.latent_factor
            moments = moments._replace(latent_factor=factor)
        return GaussianApproximation(moments, simulations.space)


def simulated_moments(model, params, n_latents, rng):
    """Moments of latents and of their best linear map to x, of pairs from the model."""
    if model.n_given:
        raise ValueError(
            f"LinearGaussian: {type(model).__name__} has given columns and no "
            "linear_moments(params) method. Take a posterior that learns from them, such "
            "as MixtureNetwork()."
        )
    latents, X = model.sample(params, N_PAIRS * (1 + n_latents), rng)
    latent_mean, mean = latents.mean(axis=0), X.mean(axis=0)
    centred = latents - latent_mean
    factor = np.linalg.qr(centred, mode="r") / np.sqrt(len(X))
    components = np.linalg.lstsq(centred, X - mean, rcond=None)[0]
    noise_variance = np.mean((X - mean - centred @ components) ** 2, axis=0)
    # A column that never varied has no loadings either, and says nothing.
    noise_variance[noise_variance == 0] = 1.0
    return LinearMoments(
        mean - latent_mean @ components, components, latent_mean, factor, noise_variance
    )


def is_real(space):
    """Whether latents are an array of real numbers."""
    return isinstance(space.latent_support, Real)


def check_real(posterior, space):
    """Raise ValueError unless latents are an array of real numbers."""
    if not is_real(space):
        raise ValueError(
            f"{type(posterior).__name__} is for latents that are real; the support of "
            f"these is {space.latent_support!r}. Take a posterior that stays inside of "
            "it, such as Ridge()."
        )


class GaussianApproximation(FittedPosterior):
    """Gaussian posterior of latents with two given moments, seen through a linear map.

    Parameters
    ----------
    moments : LinearMoments
        Of latents and noise.
    space : Space, default=None
        Of the latents; None is that of real ones.

    Examples
    --------
    >>> moments = LinearMoments(
    ...     mean=np.zeros(3),
    ...     components=np.ones((1, 3)),
    ...     latent_mean=np.zeros(1),
    ...     latent_factor=np.eye(1),
    ...     noise_variance=np.ones(3),
    ... )
    >>> GaussianApproximation(moments).covariance(np.ones((1, 3))).round(12).tolist()
    [[[0.25]]]
    """

    def __init__(self, moments, space=None):
        mean, components, latent_mean, factor, noise_variance = moments
        super().__init__(Space(latent_mean[None], None, True) if space is None else space)
        self._location = mean + latent_mean @ components
        self._latent_mean = latent_mean
        self._noise_variance = noise_variance
        # Latents are white in other coordinates: z = latent_mean + white @ factor.
        self._factor = factor
        self._loadings = factor @ components
        self._weighted = self._loadings / noise_variance

    def mean(self, X, weights=None):
        """E[z | x] of each row, shape (m, n_latents).

        Where there are `weights`, of the shape of X, the noise variance of an entry is
        divided by its weight.
        """
        return self._by_chunks(X, self._mean, (len(self._factor),), weights)

    def covariance(self, X, weights=None):
        """Cov[z | x] of each row, shape (m, n_latents, n_latents)."""
        shape = (len(self._factor), len(self._factor))
        return self._by_chunks(X, self._covariance, shape, weights)

    def sample(self, X, n_samples, rng, common=False):
        # Complete rows share one covariance.
        covariance = self.covariance(X if np.isnan(X).any() else X[:1])
        return gaussian_draws(self.mean(X), covariance, n_samples, rng, common)

    def _by_chunks(self, X, function, shape, weights=None):
        width = max(X.shape[1], (len(self._factor) + X.shape[1]) * len(self._factor))
        found = np.empty((len(X), *shape))
        for rows in blocks(len(X), CHUNK_NUMBERS // width):
            own = None if weights is None else weights[rows]
            found[rows] = function(*self._residual(X[rows], own))
        return found

    def _mean(self, residual, observed):
        if observed is None:
            return self._latent_mean + residual @ self._gain
        if self._is_sharp:
            basis, root = self._orthogonal(observed)
            white = np.linalg.solve(root, self._along(basis, residual, observed))
        else:
            score = (observed * residual) @ self._weighted.T
            white = np.linalg.solve(self._precision(observed), score[:, :, None])
        return self._latent_mean + white[:, :, 0] @ self._factor

    def _covariance(self, residual, observed):
        if observed is None or self._is_sharp:
            inverse = np.linalg.inv(self._orthogonal(observed)[1])
            covariance = inverse @ np.swapaxes(inverse, 1, 2)
        else:
            covariance = np.linalg.inv(self._precision(observed))
        return self._factor.T @ covariance @ self._factor

    def _residual(self, X, weights):
        """``x - mean`` with zeros for missing entries, and how far these are observed.

        The second is None where every entry is, and all weigh the same: all rows then
        share one posterior covariance, which is the fast path of all that follows.
        """
        residual = np.asarray(X, dtype=float) - self._location
        missing = np.isnan(residual)
        if weights is None and not missing.any():
            return residual, None
        residual[missing] = 0.0
        return residual, np.where(missing, 0.0, 1.0 if weights is None else weights)

    def _precision(self, observed):
        """Posterior precision of the white latents: one, or one a row."""
        n_latents = len(self._factor)
        if observed is None:
            return np.eye(n_latents) + self._weighted @ self._loadings.T
        information = (observed @ self._products).reshape(
            len(observed), n_latents, n_latents
        )
        return np.eye(n_latents) + information

    @cached_property
    def _is_sharp(self):
        """Whether the inverse of a precision has errors that show in importance weights."""
        ratios = self._loadings / np.sqrt(self._noise_variance)
        return ratios.size > 0 and np.linalg.norm(ratios, 2) ** 2 > SHARP

    def _orthogonal(self, observed):
        """Basis and triangular root of each row's precision, by its least squares.

        They lose no digits by squares, and take five times as long.
        """
        sizes = self._sizes(observed)
        prior = np.broadcast_to(
            np.eye(len(self._factor)), (len(sizes), *self._factor.shape)
        )
        rows = np.concatenate([prior, sizes[:, :, None] * self._loadings.T], axis=1)
        return np.linalg.qr(rows)

    def _along(self, basis, residual, observed):
        """Coordinates of each row's residual in its basis, (m, n_latents, 1)."""
        seen = basis[:, len(self._factor) :]
        scaled = self._sizes(observed) * residual
        return np.swapaxes(seen, 1, 2) @ scaled[:, :, None]

    def _sizes(self, observed):
        """Of a residual of one, in deviations of the noise; a row for each, or for all."""
        observed = np.ones((1, len(self._noise_variance))) if observed is None else observed
        return np.sqrt(observed / self._noise_variance)

    @cached_property
    def _gain(self):
        """Map from residuals of complete rows to estimates."""
        basis, root = self._orthogonal(None)
        seen = basis[0, len(self._factor) :] * self._sizes(None).T
        return np.linalg.solve(root[0], seen.T).T @ self._factor

    @cached_property
    def _products(self):
        """Products of each pair of loadings, (n_features, n_latents ** 2)."""
        products = self._weighted[:, None, :] * self._loadings[None, :, :]
        return products.reshape(len(self._factor) ** 2, products.shape[-1]).T


class ExactGaussian(GaussianApproximation):
    """The same where latents and noise are Gaussian: all that it says is exact.

    Parameters
    ----------
    moments : LinearMoments
        Of latents and noise.
    space : Space, default=None
        Of the latents; None is that of real ones.

    Examples
    --------
    >>> moments = LinearMoments(
    ...     mean=np.zeros(1),
    ...     components=np.ones((1, 1)),
    ...     latent_mean=np.zeros(1),
    ...     latent_factor=np.eye(1),
    ...     noise_variance=np.ones(1),
    ... )
    >>> ExactGaussian(moments).log_marginal(np.zeros((1, 1))).round(4).tolist()
    [-1.2655]
    """

    def log_marginal(self, X):
        """log p(x) in nats of the observed entries of each row, shape (m,)."""
        return self._by_chunks(X, self._log_marginal, ())

    def _log_marginal(self, residual, observed):
        if self._is_sharp:
            basis, factor = self._orthogonal(observed)
            white = self._along(basis, residual, observed)
            missed = (basis @ white)[:, :, 0]
            missed[:, len(self._factor) :] -= self._sizes(observed) * residual
            distance = np.sum(missed**2, axis=1)
        else:
            score = residual @ self._weighted.T
            factor = np.linalg.cholesky(self._precision(observed))
            right = score.T if observed is None else score[:, :, None]
            white = np.linalg.solve(factor, right)
            white = white.T if observed is None else white[:, :, 0]
            distance = (residual**2) @ (1 / self._noise_variance)
            distance = distance - np.sum(white**2, axis=1)
        log_noise = np.log(self._noise_variance) + LOG_2PI
        log_noise = np.sum(log_noise) if observed is None else observed @ log_noise
        diagonal = np.abs(np.diagonal(factor, axis1=-2, axis2=-1))
        return -0.5 * (distance + log_noise) - np.sum(np.log(diagonal), axis=-1)
