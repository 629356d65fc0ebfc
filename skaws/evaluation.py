"""Log marginal likelihoods and posterior means, by importance sampling."""

import numpy as np
from scipy.special import log_softmax, logsumexp
from sklearn.utils import gen_batches

from .machine import one_blas_thread
from .models import LatentVariableModel

__all__ = ["importance_posterior", "log_marginal_likelihood", "posterior_mean"]

N_DRAWS = 200
LEAST_DOF = 10  # of a Student's t: tails heavier than the Gaussian's
N_AT_ONCE = 2000


def log_marginal_likelihood(model, params, X, n_draws=None):
    """log p(x) of each row: exact where the model has a formula.

    Parameters
    ----------
    model : GenerativeModel
        A model with an exact ``log_marginal``, or a :class:`LatentVariableModel` with a
        linear mean.
    params : nested dict of arrays
        Its params.
    X : array of shape (m, n_features)
        Rows; NaN marks a missing entry.
    n_draws : int, default=None
        Draws of the latents for each row, where there is no formula: an even number, at
        least four for each latent. None takes 200, or eight a latent if that is more.

    Returns
    -------
    log_marginal : array of shape (m,)
        In nats.

    Raises
    ------
    NotImplementedError
        If there is neither a formula nor a linear mean.
    """
    exact = model.log_marginal(params, X)
    return importance_posterior(model, params, X, n_draws)[0] if exact is None else exact


def posterior_mean(model, params, X, n_draws=None):
    """E[z | x] of each row: exact where the model has a formula.

    Parameters
    ----------
    model, params, X, n_draws
        As in :func:`log_marginal_likelihood`.

    Returns
    -------
    mean : array of shape (m, n_latents)

    Raises
    ------
    NotImplementedError
        If there is neither a formula nor a linear mean.
    """
    exact = model.posterior_mean(params, X)
    return importance_posterior(model, params, X, n_draws)[1] if exact is None else exact


def importance_posterior(model, params, X, n_draws=None):
    """Log marginal and posterior mean of each row, by importance sampling.

    The proposal is a multivariate Student's t about the posterior under Gaussian latents
    with the same moments; draws are matched to that posterior, so that for Gaussian latents
    the answers are exact.  All rows share the same random numbers, which never change: the
    answer for a row depends on that row alone.

    Parameters
    ----------
    model : LatentVariableModel
        A model with a linear mean.
    params, X, n_draws
        As in :func:`log_marginal_likelihood`.

    Returns
    -------
    log_marginal : array of shape (m,)
        In nats.
    mean : array of shape (m, n_latents)

    Raises
    ------
    NotImplementedError
        If the model has no linear mean.
    """
    twin = model.linear_gaussian(params) if isinstance(model, LatentVariableModel) else None
    if twin is None:
        raise NotImplementedError(
            f"{type(model).__name__} has no log_marginal and no linear mean to build an "
            "importance proposal from. Give the model a log_marginal method."
        )
    if n_draws is None:
        n_draws = max(N_DRAWS, 8 * model.n_latents)
    white, log_white = student_draws(n_draws, model.n_latents)
    answers = []
    with one_blas_thread():
        for rows in gen_batches(len(X), N_AT_ONCE):
            block = np.asarray(X[rows], dtype=float)
            answers.append(weigh_draws(model, params, block, twin, white, log_white))
    log_marginal, mean = zip(*answers, strict=True)
    return np.concatenate(log_marginal), np.concatenate(mean)


def weigh_draws(model, params, X, twin, white, log_white):
    """Importance sampling of one block of rows."""
    centre = twin.posterior_mean(X)
    # Complete rows share one covariance.
    covariance = twin.posterior_covariance(X if np.isnan(X).any() else X[:1])
    variances, axes = np.linalg.eigh(covariance)
    variances = np.maximum(variances, 1e-10 * variances[:, -1:])
    factor = axes * np.sqrt(variances)[:, None, :]
    log_volume = 0.5 * np.sum(np.log(variances), axis=1)
    log_weights = np.empty((len(white), len(X)))
    for draw, log_density, out in zip(white, log_white, log_weights, strict=True):
        latents = centre + factor @ draw
        out[:] = model.log_joint(params, latents, X) - log_density
    log_weights += log_volume
    total = logsumexp(log_weights, axis=0)
    mean = np.zeros_like(centre)
    for draw, share in zip(white, np.exp(log_weights - total), strict=True):
        mean += share[:, None] * (centre + factor @ draw)
    return total - np.log(len(white)), mean


def student_draws(n_draws, n_latents):
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
