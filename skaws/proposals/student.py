"""Wide Student's t about a Gaussian posterior."""

import numpy as np
from scipy.special import log_softmax

__all__ = ["StudentProposal", "student_draws"]

LEAST_DOF = 10  # of a Student's t: tails heavier than the Gaussian's


class StudentProposal:
    """Student's t with the posterior mean and covariance of a linear-Gaussian twin.

    Parameters
    ----------
    twin : LinearGaussian
        The model with the same first two moments.
    n_draws : int
        Draws for each row, an even number.
    """

    def __init__(self, twin, n_draws):
        self._twin = twin
        self._n_draws = n_draws

    def __call__(self, X):
        centre = self._twin.posterior_mean(X)
        # Complete rows share one covariance.
        covariance = self._twin.posterior_covariance(X if np.isnan(X).any() else X[:1])
        return student_draws(centre, covariance, self._n_draws)


def student_draws(centre, covariance, n_draws):
    """Draws of a wide Student's t about `centre`, and their log densities."""
    variances, axes = np.linalg.eigh(covariance)
    variances = np.maximum(variances, 1e-10 * variances[:, -1:])
    factor = axes * np.sqrt(variances)[:, None, :]
    log_volume = 0.5 * np.sum(np.log(variances), axis=1)
    for draw, log_density in zip(*matched_draws(n_draws, centre.shape[1]), strict=True):
        yield centre + factor @ draw, log_density - log_volume


def matched_draws(n_draws, n_latents):
    """Fixed draws from a multivariate Student's t, and their log densities.

    They are antithetic, and stretched so that, as an importance sample of a standard
    normal, they have mass one, mean zero and unit covariance: what a Gaussian posterior
    says is then said without error, and only departures from it are sampled.
    """
    if n_draws < 4 * n_latents:
        raise ValueError(
            f"n_draws={n_draws} is too few for {n_latents} latents; take {4 * n_latents} "
            "or more, an even number."
        )
    rng = np.random.default_rng(0)
    dof = LEAST_DOF + n_latents  # with fewer, most weight would rest on few draws
    half = rng.standard_normal((n_draws // 2, n_latents))
    half *= np.sqrt(dof / rng.chisquare(dof, n_draws // 2))[:, None]
    draws = np.concatenate([half, -half])
    distance = np.sum(draws**2, axis=1)
    tails = 0.5 * (dof + n_latents) * np.log1p(distance / dof)
    log_shares = log_softmax(tails - 0.5 * distance)
    covariance = (draws * np.exp(log_shares)[:, None]).T @ draws
    draws = draws @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    log_normal = -0.5 * (np.sum(draws**2, axis=1) + n_latents * np.log(2 * np.pi))
    return draws, log_normal - log_shares - np.log(n_draws)
