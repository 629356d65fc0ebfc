"""Posterior of Gamma latents under a non-negative linear decoder."""

import numpy as np
from scipy.special import gammaln

from ..decoders import Linear
from ..priors import Gamma as GammaPrior
from .base import FittedPosterior, Posterior, blocks
from .curvature import Curvature
from .draws import normals, transformed
from .linear_gaussian import GaussianApproximation

__all__ = ["Gamma"]

LOG_2PI = np.log(2 * np.pi)
LEAST_START = 0.1
LEAST_LATENT = 1e-300
DEFENSIVE = 0.2  # chance of a wide draw of a latent
ROUNDING = 1e-12
CHUNK_NUMBERS = 500_000  # at most 4 MB in one temporary


class Gamma(Posterior):
    """Correlated Gamma variables about the posterior mode in log z.

    For :class:`skaws.priors.Gamma` latents under ``Linear(nonnegative=True)`` and a
    likelihood with ``slopes``.

    The linear minimum-mean-square-error estimate, cut to the support, is improved by
    multiplicative updates ``z <- (shape + z * P) / (rate + N)``, where P and N are the two
    non-negative parts of the log-likelihood's gradient in z.  For Poisson counts they are
    those of EM: each component has its share of the counts, and z is its mean given
    these.  Being means, estimates are positive at any shape.

    In draws, each latent has a Gamma distribution with the mode and the marginal curvature
    of the posterior of its logarithm: the prior itself where a row says nothing.  With a
    chance of one fifth the shape is the prior's instead, so that no tail is lighter than
    the posterior's.

    Parameters
    ----------
    n_steps : int, default=10
        Number of updates, at least 0; ten come close to the mode, a hundred to its third
        digit.

    Notes
    -----
    Draws are made by Marsaglia & Tsang's (2000) cube of a normal variable, without its
    rejections: `log_prob` is infinite for a draw that they would reject, and makes up for
    the rest.  Correlated normals correlate latents.  Below a shape of one, a draw of shape
    + 1 is multiplied by a power of a uniform variable.

    Examples
    --------
    >>> from skaws.likelihoods import Poisson
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.simulations import simulate
    >>> model = LatentVariableModel(GammaPrior(1), Linear(nonnegative=True), Poisson())
    >>> decoder = {"components": np.array([[3.0, 6.0]])}
    >>> params = {"prior": {"shape": np.ones(1)}, "decoder": decoder}
    >>> rng = np.random.default_rng(0)
    >>> simulations = simulate(model, params, 10, rng)
    >>> fitted = Gamma().fit(model, params, simulations, rng)
    >>> fitted.mean(np.array([[8.0, 11.0]])).round(12).tolist()  # (1 + 19) / (1 + 9)
    [[2.0]]
    """

    def __init__(self, n_steps=10):
        self.n_steps = n_steps

    def suits(self, model, params, space):
        return (
            hasattr(model, "linear_moments")
            and isinstance(getattr(model, "prior", None), GammaPrior)
            and isinstance(getattr(model, "decoder", None), Linear)
            and model.decoder.nonnegative
            and hasattr(getattr(model, "likelihood", None), "slopes")
        )

    def fit(self, model, params, simulations, rng, previous=None):
        return FittedGamma(model, params, simulations.space, self.n_steps)


class FittedGamma(FittedPosterior):
    """Updates and draws at fixed params."""

    def __init__(self, model, params, space, n_steps):
        super().__init__(space)
        moments = model.linear_moments(params)
        self._first = GaussianApproximation(moments, space)
        self._likelihood, self._noise = model.likelihood, params.get("likelihood", {})
        self._components = moments.components
        self._transposed = np.ascontiguousarray(self._components.T)
        self._shape = params["prior"]["shape"] * np.ones(len(self._components))
        self._scale = moments.latent_mean
        self._n_steps = n_steps

    def mean(self, X):
        """Posterior mode in log z of each row, shape (m, n_latents)."""
        latents = np.maximum(self._first.mean(X), LEAST_START * self._scale)
        missing = np.isnan(X)
        observed = (~missing).astype(float) if missing.any() else None
        filled = X if observed is None else np.where(missing, 0.0, X)
        for _ in range(self._n_steps):
            location = latents @ self._components
            up, down = self._likelihood.slopes(self._noise, location, filled)
            if observed is not None:
                up, down = up * observed, down * observed
            latents = (self._shape + latents * (up @ self._transposed)) / (
                self._shape / self._scale + down @ self._transposed
            )
        return latents

    def sample(self, X, n_samples, rng, common=False):
        mode, k = self.mean(X), len(self._shape)
        shape, factor = self._marginals(X, mode)
        white = normals(n_samples, len(X), k, rng, common)
        power = rng.exponential(size=white.shape)
        defensive = rng.random(white.shape) < DEFENSIVE
        latents = np.empty((n_samples, *mode.shape))
        log_prob = np.empty(latents.shape[:2])
        for some in blocks(n_samples, CHUNK_NUMBERS // max(1, mode.size)):
            latents[some], log_prob[some] = self._draws(
                mode, shape, factor, white[some], power[some], defensive[some]
            )
        return latents, log_prob

    def _draws(self, mode, narrow, factor, white, power, defensive):
        """Latents and their log densities by random numbers of some draws."""
        shape, constant = (
            np.where(defensive, *pair)
            for pair in zip(with_constant(self._shape), with_constant(narrow), strict=True)
        )
        normal = transformed(factor, white)
        log_standard, correction = cube_draw(shape, constant, normal, power)
        log_latents = log_standard + np.log(mode / shape)
        latents = np.maximum(np.exp(log_latents), LEAST_LATENT)
        pair = (
            log_gamma_density(log_latents, latents, narrow, mode) + np.log1p(-DEFENSIVE),
            log_gamma_density(log_latents, latents, self._shape, mode) + np.log(DEFENSIVE),
        )
        log_prob = np.sum(np.logaddexp(*pair) + correction, axis=2)
        log_volume = np.sum(np.log(np.einsum("mkk->mk", factor)), axis=1)
        return latents, log_prob - 0.5 * np.sum(white**2, axis=2) - log_volume

    def _marginals(self, X, mode):
        """Shape of each row's latents, and a factor of their correlation."""
        precision = Curvature(self._components)(self._information(X, mode), X)
        precision *= mode[:, :, None] * mode[:, None, :]
        diagonal = np.einsum("mkk->mk", precision)
        diagonal += self._shape
        units = np.sqrt(diagonal)
        precision /= units[:, :, None] * units[:, None, :]
        np.einsum("mkk->mk", precision)[:] += ROUNDING
        root = np.swapaxes(np.linalg.inv(np.linalg.cholesky(precision)), 1, 2)
        root /= units[:, :, None]  # upper triangular
        deviation = np.sqrt(np.sum(root**2, axis=2))
        # A shape below the prior's would only be rounding.
        return np.maximum(deviation**-2, self._shape), root / deviation[:, :, None]

    def _information(self, X, mode):
        location = mode @ self._components
        if hasattr(self._likelihood, "information"):
            filled = np.nan_to_num(X)
            return self._likelihood.information(self._noise, location, filled)
        return 1 / self._likelihood.noise_variance(self._noise, location)


def log_gamma_density(log_latents, latents, shape, mean):
    """Log density of Gamma variables, entry by entry."""
    rate = shape / mean
    constant = shape * np.log(rate) - gammaln(shape)
    return constant + (shape - 1) * log_latents - rate * latents


def with_constant(shape):
    """Shapes, and the logarithm of what :func:`cube_draw` divides Gamma densities by."""
    return shape, gammaln(np.where(shape < 1.0, shape + 1.0, shape))


def cube_draw(shape, constant, normal, power):
    """Logarithms of variables y near Gamma(shape), and log q(y) - log Gamma(y).

    y is the cube of a shifted normal variable with density q, and nearly Gamma itself; q
    lacks the exponential of the correlated normals.
    """
    small = shape < 1.0
    raised = shape + small
    d = raised - 1 / 3
    c = 1 / np.sqrt(9 * d)
    root = 1 + c * normal
    inside = root > 0
    log_root = np.log(np.where(inside, root, 1.0))
    log_d = np.log(d)
    log_y = log_d + 3 * log_root
    # 3 * d * c is the square root of d.
    log_q = -0.5 * (LOG_2PI + log_d) - 2 * log_root
    log_gamma = (raised - 1) * log_y - np.exp(log_y) - constant
    # Weights of draws outside the support are zero.
    correction = np.where(inside, log_q - log_gamma, np.inf)
    return log_y - np.where(small, power / shape, 0.0), correction
