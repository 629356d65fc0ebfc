"""Exact answers of ``x = mean + z @ components + noise``, all Gaussian.

The same formulas give the linear minimum-mean-square-error (LMMSE) estimate of
any latents with these first two moments.  Rows may have missing entries (NaN).
"""

import numpy as np
from sklearn.utils import gen_batches

__all__ = ["LinearGaussian"]

LOG_2PI = np.log(2 * np.pi)
CHUNK_NUMBERS = 2_000_000  # at most 16 MB in one temporary


class LinearGaussian:
    """Latents with two given moments seen through a linear map in noise.

    Parameters
    ----------
    mean : array of shape (n_features,)
        Location at latents of zero.
    components : array of shape (n_latents, n_features)
        Linear map.
    noise_variance : array of shape (n_features,)
        Variance of each feature around its location.
    latent_mean : array of shape (n_latents,)
        Mean of the latents.
    latent_factor : array of shape (n_latents, n_latents)
        Factor F of their covariance ``F.T @ F``.
    """

    def __init__(self, mean, components, noise_variance, latent_mean, latent_factor):
        self.mean = mean + latent_mean @ components
        self.latent_mean = latent_mean
        self.noise_variance = noise_variance
        # Latents are white in other coordinates: z = latent_mean + white @ factor.
        self._factor = latent_factor
        self._loadings = latent_factor @ components
        self._weighted = self._loadings / noise_variance
        self._products = None

    def posterior_mean(self, X, weights=None):
        """E[z | x] for each row, shape (m, n_latents).

        Where there are `weights`, of the shape of X, the noise variance of an entry is
        divided by its weight.
        """
        return self._by_chunks(X, self._posterior_mean, (len(self._factor),), weights)

    def posterior_covariance(self, X, weights=None):
        """Cov[z | x] for each row, shape (m, n_latents, n_latents)."""
        shape = (len(self._factor), len(self._factor))
        return self._by_chunks(X, self._posterior_covariance, shape, weights)

    def log_marginal(self, X):
        """log p(x) in nats of the observed entries of each row, shape (m,)."""
        return self._by_chunks(X, self._log_marginal, ())

    def _by_chunks(self, X, function, shape, weights=None):
        width = max(X.shape[1], len(self._factor) ** 2)
        answer = np.empty((len(X), *shape))
        for rows in gen_batches(len(X), max(1, CHUNK_NUMBERS // width)):
            own = None if weights is None else weights[rows]
            answer[rows] = function(*self._residual(X[rows], own))
        return answer

    def _posterior_mean(self, residual, observed):
        precision = self._precision(observed)
        if observed is None:
            gain = self._factor.T @ np.linalg.solve(precision, self._weighted)
            return self.latent_mean + residual @ gain.T
        score = (observed * residual) @ self._weighted.T
        white = np.linalg.solve(precision, score[:, :, None])[:, :, 0]
        return self.latent_mean + white @ self._factor

    def _posterior_covariance(self, residual, observed):
        covariance = np.linalg.inv(self._precision(observed))
        return self._factor.T @ covariance @ self._factor

    def _log_marginal(self, residual, observed):
        score = residual @ self._weighted.T
        factor = np.linalg.cholesky(self._precision(observed))
        if observed is None:
            white = np.linalg.solve(factor, score.T).T
            log_noise = np.sum(np.log(self.noise_variance) + LOG_2PI)
        else:
            white = np.linalg.solve(factor, score[:, :, None])[:, :, 0]
            log_noise = observed @ (np.log(self.noise_variance) + LOG_2PI)
        diagonal = np.diagonal(factor, axis1=-2, axis2=-1)
        distance = (residual**2) @ (1 / self.noise_variance) - np.sum(white**2, axis=1)
        return -0.5 * (distance + log_noise) - np.sum(np.log(diagonal), axis=-1)

    def _residual(self, X, weights):
        """``x - mean`` with zeros for missing entries, and how far these are observed.

        The second is None where every entry is, and all weigh the same: all rows then
        share one posterior covariance, which is the fast path of all that follows.
        """
        residual = np.asarray(X, dtype=float) - self.mean
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
        if self._products is None:
            products = self._weighted[:, None, :] * self._loadings[None, :, :]
            self._products = products.reshape(n_latents**2, -1).T
        information = (observed @ self._products).reshape(-1, n_latents, n_latents)
        return np.eye(n_latents) + information
