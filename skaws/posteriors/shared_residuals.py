"""Draws about an estimate by the errors that it makes in other simulations."""

from functools import cached_property

import numpy as np

from .base import FittedPosterior, Posterior
from .draws import latents_at
from .linear_gaussian import LinearGaussian

__all__ = ["SharedResiduals"]


class SharedResiduals(Posterior):
    """Estimate of each row, plus the error of the estimate in another simulation.

    Draws have the covariance of the posterior's mean over rows.  As a baseline they smooth
    a log joint with kinks as the posterior does, where that at the estimate itself would
    be off.  Draw s of row m takes the error in simulation ``m + 1 + s`` (modulo the number
    of simulations), whichever rows these are: real row m and simulation m share theirs, and
    their noise cancels in the difference of the two.  Nothing is drawn at random.

    Errors are those of real coordinates, so that draws stay in the support.

    Parameters
    ----------
    posterior : Posterior, default=None
        Whose mean is drawn about; None is ``LinearGaussian()``.

    Raises
    ------
    ValueError
        In `fit`, if latents have no real coordinates.

    Notes
    -----
    `log_prob` of draws is the log density of a Gaussian with the covariance of the errors.
    That is what importance resampling of a few draws needs, but no density that the draws
    have: they are not for likelihoods.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> from skaws.simulations import simulate
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> rng = np.random.default_rng(0)
    >>> simulations = simulate(model, params, 500, rng)
    >>> fitted = SharedResiduals().fit(model, params, simulations, rng)
    >>> latents, _ = fitted.sample(simulations.observations, 1, rng)
    >>> bool(0.9 < latents.var() < 1.1)  # as the latents; estimates have 3 / 4
    True
    """

    def __init__(self, posterior=None):
        self.posterior = posterior

    def fit(self, model, params, simulations, rng, previous=None):
        space = simulations.space
        if space.alphabets or not space.has_coordinates:
            raise ValueError(
                "SharedResiduals is for latents with real coordinates; the support of "
                f"these is {space.latent_support!r}. Take another posterior, such as "
                "Enumeration()."
            )
        posterior = LinearGaussian() if self.posterior is None else self.posterior
        centre = posterior.fit(model, params, simulations, rng)
        return FittedSharedResiduals(centre, simulations)


class FittedSharedResiduals(FittedPosterior):
    """An estimate, and its errors in the simulations."""

    def __init__(self, centre, simulations):
        super().__init__(simulations.space)
        self._centre = centre
        self._observations = simulations.observations
        self._of_simulations = centre.mean(simulations.observations)
        self._residuals = self.space.flatten(simulations.latents)
        self._residuals = self._residuals - self.space.flatten(self._of_simulations)

    def mean(self, X):
        # Those of the simulations are known from the fit.
        return self._of_simulations if X is self._observations else self._centre.mean(X)

    def inputs(self, X):
        return self._centre.inputs(X)

    def sample(self, X, n_samples, rng, common=False):
        first = np.zeros(len(X), int) if common else np.arange(len(X))
        index = (first + np.arange(1, n_samples + 1)[:, None]) % len(self._residuals)
        coordinates = self.space.flatten(self.mean(X)) + self._residuals[index]
        latents, log_volume = latents_at(self.space, coordinates)
        return latents, self._log_density[index] - log_volume

    @cached_property
    def _log_density(self):
        """Gaussian log density of each residual."""
        covariance = self._residuals.T @ self._residuals / len(self._residuals)
        scale = np.trace(covariance) or 1.0
        factor = np.linalg.cholesky(covariance + 1e-6 * scale * np.eye(len(covariance)))
        white = np.linalg.solve(factor, self._residuals.T)
        log_volume = np.sum(np.log(np.diagonal(factor)))
        constant = log_volume + 0.5 * len(white) * np.log(2 * np.pi)
        return -0.5 * np.sum(white**2, axis=0) - constant
