"""Student's t about modes, for any latents with real coordinates."""

import numpy as np
from scipy.special import gammaln, logsumexp
from scipy.stats import chi2, norm, qmc

from ..charts import CHARTS
from ..modes import find_modes

__all__ = ["ModeProposal"]

DOF = 10  # of a Student's t: tails heavier than the Gaussian's
N_POOL = 64  # simulated latents of which each row takes the best to start from
FEW_OF_POOL = (slice(0, 4), slice(4, 8))  # and those of these


class ModeProposal:
    """Mixture of Student's t about modes of the posterior, with the curvature there.

    In real coordinates (:mod:`skaws.charts`): logarithms of positive latents, log odds of
    those between 0 and 1, angles on a sphere.  The searches start from the best of
    `N_POOL` simulated latents, and from the best of a few each; all modes found have the
    same share of the draws, and so has a bump as wide as the prior.  A narrow mode that no
    search finds may be missed, and the score is then too low.

    Parameters
    ----------
    model : GenerativeModel
        With ``latent_support``, and a log joint differentiable in the latents.
    params : nested dict of arrays
        Its params.
    n_draws : int
        Draws for each row, a multiple of four.
    """

    def __init__(self, model, params, n_draws):
        self._model, self._params = model, params
        # Coordinates are bent by what is not real: tails are longer than curvature says.
        self._stretch = 1.2 if model.latent_support == "real" else 1.5
        rng = np.random.default_rng(0)
        self._pool, _ = model.sample(params, N_POOL, rng)
        n_bumps = 2 + len(FEW_OF_POOL)
        if n_draws % n_bumps:
            raise ValueError(f"n_draws={n_draws} must be a multiple of {n_bumps}.")
        n_coordinates = self._pool.shape[1] - (model.latent_support == "sphere")
        self._draws = even_student_draws(n_draws // n_bumps, n_coordinates, rng)

    def __call__(self, X):
        values = np.stack([self._log_joint(draw, X) for draw in self._pool])
        chart = CHARTS[self._model.latent_support](self._pool[values.argmax(axis=0)])

        def log_density(u):
            log_joint = self._model.log_joint(self._params, chart.latents(u), X)
            return log_joint + chart.log_volume(u)

        bumps = [self._wide_bump(chart, len(X))]
        for few in (slice(None), *FEW_OF_POOL):
            start = self._pool[few][values[few].argmax(axis=0)]
            mode, precision = find_modes(log_density, chart.coordinates(start))
            precision = precision + chart.least_curvature * np.eye(mode.shape[1])
            bumps.append(StudentBump(mode, precision / self._stretch))
        for draw in self._draws:
            for bump in bumps:
                u = bump.at(draw)
                densities = [other.log_density(u) for other in bumps]
                log_mixture = logsumexp(densities, axis=0) - np.log(len(bumps))
                yield chart.latents(u), log_mixture - chart.log_volume(u)

    def _wide_bump(self, chart, m):
        pool = np.stack([chart.coordinates(np.tile(draw, (m, 1))) for draw in self._pool])
        mean = pool.mean(axis=0)
        covariance = np.einsum("smi,smj->mij", pool - mean, pool - mean) / N_POOL
        variance = np.einsum("mii->m", covariance)
        ridge = 1e-3 * variance[:, None, None] * np.eye(mean.shape[1])
        return StudentBump(mean, np.linalg.inv(covariance + ridge))

    def _log_joint(self, draw, X):
        return self._model.log_joint(self._params, np.tile(draw, (len(X), 1)), X)


class StudentBump:
    """A Student's t for each row."""

    def __init__(self, centre, precision):
        self._centre = centre
        self._factor = np.linalg.cholesky(precision)
        diagonal = np.einsum("mii->mi", self._factor)
        dof, k = DOF, centre.shape[1]
        constant = gammaln(0.5 * (dof + k)) - gammaln(0.5 * dof)
        constant -= 0.5 * k * np.log(dof * np.pi)
        self._log_height = constant + np.sum(np.log(diagonal), axis=1)
        # Rows of the inverse factor turn standard draws into those of the row.
        self._spread = np.linalg.inv(self._factor).transpose(0, 2, 1)

    def at(self, draw):
        """A standard `draw`, moved and stretched."""
        return self._centre + self._spread @ draw

    def log_density(self, u):
        """Log density of coordinates `u`, (m,)."""
        white = np.einsum("mij,mi->mj", self._factor, u - self._centre)
        distance = np.sum(white**2, axis=1)
        power = 0.5 * (DOF + u.shape[1])
        return self._log_height - power * np.log1p(distance / DOF)


def even_student_draws(n_draws, n_columns, rng):
    """Standard Student's t draws that are spread more evenly than random ones.

    All rows share them, so that their errors would not average out over rows: a Halton
    sequence, shifted at random, makes them smaller.
    """
    points = qmc.Halton(n_columns + 1, scramble=False).random(n_draws)
    points = (points + rng.random(n_columns + 1)) % 1.0
    length = np.sqrt(DOF / chi2.ppf(points[:, -1:], DOF))
    return norm.ppf(points[:, :-1]) * length
