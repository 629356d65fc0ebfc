"""Gaussian posteriors of a mean that is made linear about each row's latents."""

import numpy as np

from ..spaces import map_leaves
from .base import FittedPosterior, Posterior, blocks
from .curved import is_curved
from .draws import student_draws

__all__ = ["Linearised"]

CHUNK_NUMBERS = 2_000_000  # at most 16 MB of means at once
APART = 0.1  # standard deviations between the points that slopes are taken from
LONGEST_STEP = 2.0  # in standard deviations of a coordinate
STRETCH = 1.2  # of variances: importance weights forgive draws that lie too far out
RIDGE = 1e-8  # of the variance of coordinates


class Linearised(Posterior):
    """Draws about where the model's mean, made linear, puts the latents of each row.

    A few Gauss-Newton steps from the prior's mean: slopes of the mean of x by each real
    coordinate of the latents, the Gaussian posterior under these slopes, and again at its
    mean.  Draws are Student's t, a little wider than that posterior.  Moments of the
    coordinates and the noise variance of each column are those of simulations.  Nothing is
    learnt: entries may be missing in any pattern, and columns may mean something else in
    each row, as where given columns hold the inputs of functions
    (:class:`skaws.decoders.Curve`).

    For models with a ``mean`` and latents of real coordinates, not on a sphere.  Where the
    mean bends within a posterior, or has several branches, draws come from one of them.

    Parameters
    ----------
    n_steps : int, default=2
        Gauss-Newton steps, one at least.

    Raises
    ------
    ValueError
        In `fit`, if the model has "no mean", latents "have no real coordinates", or
        `n_steps` is "not positive".

    See Also
    --------
    LinearGaussian : One linear map for all rows.
    Laplace : Searches for all modes, with the curvature there.
    Resampled : Draws made sharper by the model's own log joint.

    Notes
    -----
    Cost of a step: ``n_coordinates + 1`` means of each row.  The steps are those of the
    iterated extended Kalman filter: Bell & Cathey (1993), *The iterated Kalman filter
    update as a Gauss-Newton method*.

    Examples
    --------
    Of a linear mean and Gaussian noise the posterior is exact, but for the moments:

    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> from skaws.simulations import simulate
    >>> model, rng = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise()), np.random
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> pairs = simulate(model, params, 5000, rng.default_rng(0))
    >>> fitted = Linearised().fit(model, params, pairs, None)
    >>> fitted.mean(np.full((1, 3), 4 / 3)).round(1).tolist()  # 3 / 4 of it
    [[1.0]]
    """

    def __init__(self, n_steps=2):
        self.n_steps = n_steps

    def suits(self, model, params, space):
        """Whether the model has a mean, and latents real coordinates."""
        return hasattr(model, "mean") and has_real_coordinates(space)

    def fit(self, model, params, simulations, rng, previous=None):
        """Take moments of simulations.

        Parameters
        ----------
        model : GenerativeModel
            Whose mean is made linear.
        params : nested dict of arrays
            At which it is.
        simulations : Simulations
            Pairs and the space of the latents.
        rng, previous
            Not used.

        Returns
        -------
        fitted : FittedLinearised

        Raises
        ------
        ValueError
            If the model has "no mean", latents "have no real coordinates", or `n_steps` is
            "not positive".
        """
        if self.n_steps < 1:
            raise ValueError(
                f"Linearised: n_steps={self.n_steps} is not positive. Take 2, or more "
                "where the mean bends much."
            )
        if not hasattr(model, "mean"):
            raise ValueError(
                f"Linearised: {type(model).__name__} has no mean(params, latents) method. "
                "Write one, or take a posterior that is learnt, such as MixtureNetwork()."
            )
        if not has_real_coordinates(simulations.space):
            raise ValueError(
                f"Linearised: latents of {simulations.space.latent_support!r} have no real "
                "coordinates along straight lines. Take another posterior, such as "
                "MixtureNetwork()."
            )
        return FittedLinearised(model, params, simulations, self.n_steps)


def has_real_coordinates(space):
    """Whether latents are described by real coordinates alone, and not on a sphere."""
    flat = space.has_coordinates and not space.alphabets and not is_curved(space)
    return flat and space.size > 0


class FittedLinearised(FittedPosterior):
    """Gaussian approximations at fixed params.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict of arrays
        Whose mean is made linear.
    simulations : Simulations
        Of which moments are taken.
    n_steps : int
        Gauss-Newton steps.

    Examples
    --------
    See :class:`Linearised`.
    """

    def __init__(self, model, params, simulations, n_steps):
        super().__init__(simulations.space)
        self._model, self._params, self._n_steps = model, params, n_steps
        coordinates = self.space.flatten(simulations.latents)
        size = coordinates.shape[1]
        covariance = np.cov(coordinates.T).reshape(size, size)
        covariance += RIDGE * np.trace(covariance) * np.eye(size)
        self._centre, self._sd = coordinates.mean(axis=0), np.sqrt(np.diag(covariance))
        self._precision = np.linalg.inv(covariance)
        x, given = self._parted(simulations.observations)
        square = (x - self._means(coordinates[None], given)[0]) ** 2
        total = np.nansum(square, axis=0)
        noise = total / np.maximum(np.sum(~np.isnan(square), axis=0), 1)
        self._noise_variance = np.where(noise > 0, noise, 1.0)  # a constant says nothing

    def mean(self, X):
        """Latents at the end of the steps, inside the support."""
        return self._latents(self._search(X)[0])

    def sample(self, X, n_samples, rng, common=False):
        draws, log_prob = student_draws(*self._search(X), n_samples, rng, common)
        flat = draws.reshape(-1, draws.shape[2])
        log_prob = log_prob - self.space.log_det_jacobian(flat).reshape(log_prob.shape)
        shape = log_prob.shape
        latents = self._latents(flat)
        latents = map_leaves(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), latents)
        return latents, log_prob

    def _latents(self, coordinates):
        no_codes = np.zeros((len(coordinates), 0), dtype=int)
        return self.space.unflatten(coordinates, no_codes)

    def _parted(self, X):
        """Columns of x, and given ones."""
        edge = X.shape[1] - self._model.n_given
        return X[:, :edge], X[:, edge:]

    def _means(self, coordinates, given):
        """Means of x, (n, m, d), at coordinates (n, m, k)."""
        n, m, k = coordinates.shape
        latents = self._latents(coordinates.reshape(n * m, k))
        arguments = [self._params, latents]
        if self._model.n_given:
            arguments.append(np.tile(given, (n, 1)))
        return self._model.mean(*arguments).reshape(n, m, -1)

    def _search(self, X):
        """Mean (m, k) and covariance (m, k, k) of real coordinates, of each row."""
        k = len(self._centre)
        mean, covariance = np.empty((len(X), k)), np.empty((len(X), k, k))
        width = (k + 1) * (X.shape[1] + k)
        for rows in blocks(len(X), CHUNK_NUMBERS // width):
            mean[rows], covariance[rows] = self._steps(*self._parted(X[rows]))
        return mean, covariance

    def _steps(self, x, given):
        seen = ~np.isnan(x)
        x, weight = np.where(seen, x, 0.0), seen / self._noise_variance
        at, apart = np.tile(self._centre, (len(x), 1)), APART * self._sd
        shifts = np.vstack([np.zeros(len(apart)), np.diag(apart)])[:, None]
        for _ in range(self._n_steps):
            expected, *shifted = self._means(at + shifts, given)
            slopes = (np.array(shifted) - expected) / apart[:, None, None]
            slopes = slopes.swapaxes(0, 1)  # (m, k, d)
            weighted = slopes * weight[:, None]
            precision = self._precision + weighted @ slopes.swapaxes(1, 2)
            rise = np.einsum("mkd,md->mk", weighted, x - expected)
            rise += (self._centre - at) @ self._precision
            step = np.linalg.solve(precision, rise[:, :, None])[:, :, 0]
            length = np.max(np.abs(step) / self._sd, axis=1, keepdims=True)
            at = at + step / np.maximum(1.0, length / LONGEST_STEP)
        return at, STRETCH * np.linalg.inv(precision)
