"""Posterior of latents under noise that is a scale mixture of Gaussians."""

import numpy as np

from .base import FittedPosterior, Posterior
from .draws import gaussian_draws
from .linear_gaussian import GaussianApproximation, check_real, is_real

__all__ = ["Robust"]


class Robust(Posterior):
    """Gaussian posterior of latents of a linear map in noise of heavy tails.

    Given precisions of the single entries noise is Gaussian, and so is the posterior;
    given latents, precisions are expected ones.  Step by step this is EM for the
    posterior mode of Gaussian latents, or reweighted least squares [1]_: an outlier has
    next to no weight.  The first weights are of distances from the mean that a
    feature has over all rows, in standard deviations there: a start from the linear
    estimate would be from where outliers have drawn it.

    For real latents of a likelihood with ``relative_precision``.

    Parameters
    ----------
    n_steps : int, default=5
        Number of times that latents are estimated, at least 1.

    Raises
    ------
    ValueError
        In `fit`, if latents are not real.

    References
    ----------
    .. [1] K. L. Lange, R. J. A. Little, J. M. G. Taylor. Robust statistical modeling using
       the t distribution. JASA 84, 1989.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import StudentT
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> from skaws.simulations import simulate
    >>> model = LatentVariableModel(Gaussian(1), Linear(), StudentT())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"scale": 0.1, "dof": 4.0}}
    >>> rng = np.random.default_rng(0)
    >>> simulations = simulate(model, params, 10, rng)
    >>> fitted = Robust().fit(model, params, simulations, rng)
    >>> bool(abs(fitted.mean(np.array([[1.0, 1.0, 99.0]]))[0, 0] - 1.0) < 0.02)
    True
    """

    def __init__(self, n_steps=5):
        self.n_steps = n_steps

    def suits(self, model, params, space):
        precision = hasattr(getattr(model, "likelihood", None), "relative_precision")
        return precision and hasattr(model, "linear_moments") and is_real(space)

    def fit(self, model, params, simulations, rng, previous=None):
        check_real(self, simulations.space)
        noise = params.get("likelihood", {})
        moments = model.linear_moments(params)
        variance = model.likelihood.scale(noise) ** 2 * np.ones(len(moments.mean))
        moments = moments._replace(noise_variance=variance)
        linear = GaussianApproximation(moments, simulations.space)
        return FittedRobust(moments, linear, model.likelihood, noise, self.n_steps)


class FittedRobust(FittedPosterior):
    """The posterior at the last precisions."""

    def __init__(self, moments, linear, likelihood, noise, n_steps):
        super().__init__(linear.space)
        self._moments, self._linear = moments, linear
        self._likelihood, self._noise = likelihood, noise
        self._n_steps = n_steps

    def mean(self, X):
        weights = self._first_weights(X)
        for _ in range(self._n_steps - 1):
            location = self._location_at(self._linear.mean(X, weights))
            weights = self._weights(X, location)
        return self._linear.mean(X, weights)

    def covariance(self, X):
        """Covariance of each row, wide enough to draw from, (m, n_latents, n_latents)."""
        return self._covariance_at(X, self.mean(X))

    def sample(self, X, n_samples, rng, common=False):
        mean = self.mean(X)
        covariance = self._covariance_at(X, mean)
        return gaussian_draws(mean, covariance, n_samples, rng, common)

    def _first_weights(self, X):
        mean, components, latent_mean, factor, variance = self._moments
        total = variance + np.sum((factor @ components) ** 2, axis=0)
        distance = (X - self._location_at(latent_mean)) ** 2 / total
        return self._likelihood.relative_precision(self._noise, distance)

    def _location_at(self, latents):
        return self._moments.mean + latents @ self._moments.components

    def _weights(self, X, location):
        distance = (X - location) ** 2 / self._moments.noise_variance
        return self._likelihood.relative_precision(self._noise, distance)

    def _covariance_at(self, X, mean):
        location = self._location_at(mean)
        expected = self._weights(X, location)
        known = self._likelihood.information(self._noise, location, X)
        known = known * self._moments.noise_variance
        # Precisions are uncertain, and more so away from the mode: that counts twice.
        weights = known * (known / np.maximum(expected, 1e-300))
        return self._linear.covariance(X, weights)
