"""Posterior of latents under noise that is a scale mixture of Gaussians."""

import numpy as np

from .linear_gaussian import LinearGaussian

__all__ = ["ReweightedGaussian"]

N_STEPS = 5


class ReweightedGaussian:
    """Latents with two given moments seen through a linear map in noise of heavy tails.

    Given precisions of the single entries noise is Gaussian, and so is the posterior;
    given latents, precisions are expected ones.  Turn by turn this is EM for the
    posterior mode of Gaussian latents, or reweighted least squares [1]_: an outlier has
    next to no weight.  The first weights are of distances from the mean that a
    feature has over all rows, in units of its deviation there: a start from the linear
    estimate would be from where outliers have drawn it.

    Rows may have missing entries (NaN).

    Parameters
    ----------
    mean, components, latent_mean, latent_factor
        As in :class:`LinearGaussian`.
    likelihood : Likelihood
        A ``scale_mixture``.
    noise : dict of arrays
        Its params.
    n_steps : int, default=5
        Number of times that latents are estimated.

    References
    ----------
    .. [1] K. L. Lange, R. J. A. Little, J. M. G. Taylor. Robust statistical modeling using
       the t distribution. JASA 84, 1989.
    """

    def __init__(
        self, mean, components, latent_mean, latent_factor, likelihood, noise,
        n_steps=N_STEPS,
    ):  # fmt: skip
        self._variance = likelihood.scale(noise) ** 2 * np.ones(len(mean))
        self._total = self._variance + np.sum((latent_factor @ components) ** 2, axis=0)
        self._linear = LinearGaussian(
            mean, components, self._variance, latent_mean, latent_factor
        )
        self._mean, self._components = mean, components
        self._likelihood, self._noise = likelihood, noise
        self._n_steps = n_steps

    def posterior_mean(self, X):
        """E[z | x] for each row at the last precisions, shape (m, n_latents)."""
        weights = self._weights((X - self._linear.mean) ** 2 / self._total)
        for _ in range(self._n_steps - 1):
            location = self._location(self._linear.posterior_mean(X, weights))
            weights = self._weights((X - location) ** 2 / self._variance)
        return self._linear.posterior_mean(X, weights)

    def posterior(self, X):
        """Mean of each row, and a covariance wide enough to draw from."""
        mean = self.posterior_mean(X)
        location = self._location(mean)
        expected = self._weights((X - location) ** 2 / self._variance)
        known = self._likelihood.information(self._noise, location, X) * self._variance
        # Precisions are uncertain, and more so away from the mode: that counts twice.
        weights = known * (known / np.maximum(expected, 1e-300))
        return mean, self._linear.posterior_covariance(X, weights)

    def _weights(self, distance):
        return self._likelihood.relative_precision(self._noise, distance)

    def _location(self, latents):
        return self._mean + latents @ self._components
