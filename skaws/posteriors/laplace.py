"""Posterior about the modes that a search finds."""

import numpy as np
from scipy.special import gammaincinv, ndtri
from scipy.stats import qmc

from ..spaces import as_tree, leaves, rows_of
from ..supports import Real
from .base import FittedPosterior, Posterior
from .curved import around, is_curved, sphere_coordinates
from .draws import heights_of_student, latents_at, transformed
from .log_joints import log_joint_table
from .modes import find_modes

__all__ = ["Laplace"]

MOST_COORDINATES = 30
DOF = 10  # of a Student's t: tails heavier than the Gaussian's
N_FEW = 4  # latents of the pool that each of two more searches has to start from
N_SEARCHES = 3
STRETCH_REAL = 1.2  # of variances, where coordinates are the latents themselves
STRETCH = 1.5  # elsewhere tails are longer than the curvature says
ON_SPHERE = 0.3  # least curvature: the whole sphere lies within two standard deviations
LONGEST_STEP = 2.0  # of a search, in standard deviations of the pool
LEAST_VARIANCE = 1e-3  # of a direction of the wide component, relative to the mean one


class Laplace(Posterior):
    """Laplace approximation: Student's t about modes of each row, with the curvature there.

    In real coordinates (:mod:`skaws.supports`): logarithms of positive latents, log odds of
    those between 0 and 1, angles on a sphere.  Newton's searches start from the best of
    some simulated latents, and from the best of two times four of them.  All modes found
    have the same share of the draws, and so has a component as wide as the prior.  A narrow
    mode that no search finds may be missed; likelihoods are then too low.

    For up to 30 real coordinates, and a log joint that autograd can differentiate in the
    latents.

    Parameters
    ----------
    n_pool : int, default=64
        Simulated latents that searches may start from, at least 8. They are the first of
        the simulations that it is fitted on: draws simulate nothing.

    Raises
    ------
    ValueError
        In `fit`, if latents "have no real coordinates", or more than 30 of them.

    Notes
    -----
    Draws go from component to component in a cycle whose start is random: each is one of
    the equal mixture, whose log density is `log_prob`.  Draws that rows share
    (``common=True``) are of a Halton sequence, shifted at random: their errors would not
    average out over rows.

    Examples
    --------
    Exponential waiting times, read with an error of one half:

    >>> import autograd.numpy as anp
    >>> from scipy.special import logsumexp
    >>> from scipy.stats import exponnorm
    >>> from skaws.models import FunctionModel
    >>> from skaws.simulations import simulate
    >>> def sample(params, n_samples, rng):
    ...     z = rng.exponential(size=(n_samples, 1))
    ...     return z, z + 0.5 * rng.standard_normal((n_samples, 1))
    >>> def log_joint(params, z, x):
    ...     return -z[:, 0] - 2 * (x - z)[:, 0] ** 2 - 0.5 * np.log(0.5 * np.pi)
    >>> model, rng = FunctionModel(sample, log_joint, None), np.random.default_rng(0)
    >>> fitted = Laplace().fit(model, {}, simulate(model, {}, 100, rng), rng)
    >>> latents, log_prob = fitted.sample(np.array([[1.0]]), 400, rng)
    >>> weights = log_joint({}, latents[:, 0], np.array([[1.0]])) - log_prob[:, 0]
    >>> found, exact = logsumexp(weights) - np.log(400), exponnorm.logpdf(1.0, 2, 0, 0.5)
    >>> bool(abs(found - exact) < 0.1)
    True
    """

    def __init__(self, n_pool=64):
        self.n_pool = n_pool

    def suits(self, model, params, space):
        few = 0 < space.size <= MOST_COORDINATES
        return space.has_coordinates and not space.alphabets and few

    def fit(self, model, params, simulations, rng, previous=None):
        space = simulations.space
        if not self.suits(model, params, space):
            raise ValueError(
                f"Laplace is for latents with 1 to {MOST_COORDINATES} real coordinates; "
                f"these, of support {space.latent_support!r}, have {space.size} and "
                f"{len(space.alphabets)} codes. Take another posterior, such as "
                "MixtureNetwork()."
            )
        pool = rows_of(simulations.latents, slice(self.n_pool))
        return FittedLaplace(model, params, space, pool)


class FittedLaplace(FittedPosterior):
    """Searches and draws at fixed params.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict of arrays
        Of the log joint.
    space : Space
        Of the latents.
    pool : array or nested dict of arrays
        Latents that searches may start from.
    """

    def __init__(self, model, params, space, pool):
        super().__init__(space)
        self._model, self._params, self._pool = model, params, pool
        supports = [support for _, support in leaves(as_tree(space.latent_support))]
        real = all(isinstance(support, Real) for support in supports)
        self._stretch = STRETCH_REAL if real else STRETCH
        self._least_curvature = ON_SPHERE * np.diag(sphere_coordinates(space))

    def mean(self, X):
        """The highest mode of each row, inside the support."""
        density = self._density(X)
        modes, values, _ = self._search(density, self._wide(density)[1])
        best = np.argmax(values, axis=0), np.arange(len(X))
        return density.space_at(slice(None)).unflatten(modes[best])

    def sample(self, X, n_samples, rng, common=False):
        density = self._density(X)
        centre, covariance = self._wide(density)
        modes, _, precision = self._search(density, covariance)
        precision = (precision + self._least_curvature) / self._stretch
        wide = np.broadcast_to(centre, modes.shape[1:])[None]
        narrow = np.broadcast_to(np.linalg.inv(covariance), precision.shape[1:])[None]
        mixture = StudentMixture(
            np.concatenate([wide, modes]), np.concatenate([narrow, precision])
        )
        coordinates = mixture.draws(n_samples, rng, common)
        space = density.space_at(np.tile(np.arange(len(X)), n_samples))
        latents, log_volume = latents_at(space, coordinates)
        return latents, mixture.log_density(coordinates) - log_volume

    def _density(self, X):
        """Density of each row, with coordinates about the best of the pool."""
        table = log_joint_table(self._model, self._params, self._pool, X)
        return RowDensity(self._model, self._params, self.space, self._pool, table, X)

    def _search(self, density, covariance):
        """Mode of each search and row, log density and precision there."""
        m = len(density.X)
        start = np.vstack([density.coordinates(index) for index in density.starts()])
        deviations = np.sqrt(np.einsum("mkk->mk", covariance))
        longest = np.broadcast_to(LONGEST_STEP * deviations, (m, start.shape[1]))
        found = find_modes(
            lambda u, rows: density(u, rows % m), start, np.tile(longest, (N_SEARCHES, 1))
        )
        return [one.reshape(N_SEARCHES, m, *one.shape[1:]) for one in found]

    def _wide(self, density):
        """Mean and covariance of the pool in coordinates of each row, or of all."""
        n_pool, m = density.n_pool, len(density.X)
        if is_curved(self.space):
            space = density.space_at(np.tile(np.arange(m), n_pool))
            pool = rows_of(self._pool, np.repeat(np.arange(n_pool), m))
            real = space.flatten(pool).reshape(n_pool, m, -1)
        else:
            real = self.space.flatten(self._pool)[:, None]
        mean = real.mean(axis=0)
        covariance = np.einsum("smi,smj->mij", real - mean, real - mean) / n_pool
        least = LEAST_VARIANCE * np.trace(covariance, axis1=1, axis2=2)
        return mean, covariance + least[:, None, None] * np.eye(mean.shape[1])


class RowDensity:
    """Posterior of each row in real coordinates, up to a constant.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict of arrays
        Of the log joint.
    space : Space
        Of the latents.
    pool : array or nested dict of arrays
        Latents that searches may start from.
    table : array of shape (m, n_pool)
        Their log joints with each row.
    X : array of shape (m, n_features)
        Rows.
    """

    def __init__(self, model, params, space, pool, table, X):
        self._model, self._params, self._space = model, params, space
        self._pool, self._table = pool, table
        self._centre = rows_of(pool, np.argmax(table, axis=1))
        self.X = X

    @property
    def n_pool(self):
        """Number of latents in the pool."""
        return self._table.shape[1]

    def __call__(self, u, rows):
        """Log density of coordinates u, one of the rows for each, (n,)."""
        space = self.space_at(rows)
        latents = space.unflatten(u)
        log_joint = self._model.log_joint(self._params, latents, self.X[rows])
        return log_joint + space.log_det_jacobian(u)

    def space_at(self, rows):
        """The space with coordinates about the best of the pool, for some rows."""
        return around(self._space, self._centre, rows)

    def coordinates(self, index):
        """Real coordinates of one of the pool for each row, (m, size)."""
        return self.space_at(slice(None)).flatten(rows_of(self._pool, index))

    def starts(self):
        """Where each search starts: the best of the pool, and of a few of it each."""
        few = (np.arange(N_FEW * i, N_FEW * (i + 1)) for i in range(N_SEARCHES - 1))
        for group in (np.arange(self.n_pool), *few):
            own = group % self.n_pool
            yield own[np.argmax(self._table[:, own], axis=1)]


class StudentMixture:
    """Equal mixture of Student's t for each row.

    Parameters
    ----------
    centre : array of shape (n_components, m, k)
        Of each component.
    precision : array of shape (n_components, m, k, k)
        Inverse of its squared scale.
    """

    def __init__(self, centre, precision):
        self._centre = centre
        factor = np.linalg.cholesky(precision)
        diagonal = np.einsum("cmkk->cmk", factor)
        self._log_height = np.sum(np.log(diagonal), axis=2)
        self._whitening = factor.swapaxes(2, 3)
        self._scale = np.linalg.inv(factor).swapaxes(2, 3)

    def draws(self, n_samples, rng, common):
        """Draws of each row, (n_samples, m, k)."""
        n_components, m, k = self._centre.shape
        first = rng.integers(n_components) + (0 if common else np.arange(m))
        white = self._white(n_samples, rng, common)
        draws, rows = np.empty((n_samples, m, k)), np.arange(m)
        for place in range(min(n_components, n_samples)):
            own, some = (first + place) % n_components, slice(place, None, n_components)
            scaled = transformed(self._scale[own, rows], white[some])
            draws[some] = self._centre[own, rows] + scaled
        return draws

    def _white(self, n_samples, rng, common):
        n_components, m, k = self._centre.shape
        if not common:
            white = rng.standard_normal((n_samples, m, k))
            return white * np.sqrt(DOF / rng.chisquare(DOF, (n_samples, m, 1)))
        n_points = -(-n_samples // n_components)  # each for one draw of every component
        return np.repeat(even_draws(n_points, k, rng), n_components, axis=0)[:n_samples]

    def log_density(self, u):
        """Log density of draws u, (n_samples, m)."""
        of_components = [
            height + heights_of_student(transformed(whitening, u - centre), DOF)
            for centre, whitening, height in zip(
                self._centre, self._whitening, self._log_height, strict=True
            )
        ]
        return np.logaddexp.reduce(of_components) - np.log(len(self._centre))


def even_draws(n_draws, n_columns, rng):
    """Standard Student's t draws, more even than random ones, (n_draws, 1, n_columns).

    All rows share them, so that their errors would not average out over rows: a Halton
    sequence, shifted at random, makes them smaller.
    """
    points = qmc.Halton(n_columns + 1, scramble=False).random(n_draws)
    points = (points + rng.random(n_columns + 1)) % 1.0
    length = np.sqrt(DOF / (2 * gammaincinv(0.5 * DOF, points[:, -1:])))
    return (ndtri(points[:, :-1]) * length)[:, None]
