"""Log marginal likelihoods and posterior means, by importance sampling."""

import numpy as np
from sklearn.utils import gen_batches

from .batches import dense_rows
from .machine import one_blas_thread
from .models import LatentVariableModel
from .proposals import make_proposal

__all__ = ["importance_posterior", "log_marginal_likelihood", "posterior_mean"]

N_DRAWS = 200
N_AT_ONCE = 2000
CHUNK_NUMBERS = 2_000_000  # at most 16 MB in one temporary


def log_marginal_likelihood(model, params, X, n_draws=None):
    """log p(x) of each row: exact where the model has a formula.

    Parameters
    ----------
    model : GenerativeModel
        A model with an exact ``log_marginal``, or a :class:`LatentVariableModel` with a
        linear mean or latents in (0, 1).
    params : nested dict of arrays
        Its params.
    X : array or sparse matrix of shape (m, n_features)
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
        If there is neither a formula nor a proposal.
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
        If there is neither a formula nor a proposal.
    """
    exact = model.posterior_mean(params, X)
    return importance_posterior(model, params, X, n_draws)[1] if exact is None else exact


def importance_posterior(model, params, X, n_draws=None):
    """Log marginal and posterior mean of each row, by importance sampling.

    The proposal (:mod:`skaws.proposals`) is a multivariate Student's t about the posterior
    under Gaussian latents with the same moments, its draws matched to that posterior, so
    that for Gaussian latents the answers are exact; for bounded latents it is shaped by
    the posterior's mode and the curvature there.  All rows share the same random numbers,
    which never change: the answer for a row depends on that row alone.

    Parameters
    ----------
    model : LatentVariableModel
        A model with a linear mean, or with latents in (0, 1).
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
        If the model has no proposal.
    """
    proposal = None
    if isinstance(model, LatentVariableModel):
        n_draws = max(N_DRAWS, 8 * model.n_latents) if n_draws is None else n_draws
        proposal = make_proposal(model, params, n_draws)
    if proposal is None:
        raise NotImplementedError(
            f"{type(model).__name__} has no log_marginal and no linear mean of real "
            "latents to build an importance proposal from. Give the model a log_marginal "
            "method."
        )
    width = max(X.shape[1], model.n_latents**2)
    n_at_once = int(np.clip(CHUNK_NUMBERS // width, 1, N_AT_ONCE))
    log_marginal, mean = np.empty(X.shape[0]), np.empty((X.shape[0], model.n_latents))
    with one_blas_thread():
        for rows in gen_batches(X.shape[0], n_at_once):
            block = dense_rows(X, rows)
            log_total, mean[rows] = weigh_draws(model, params, block, proposal(block))
            log_marginal[rows] = log_total - np.log(n_draws)
    return log_marginal, mean


def weigh_draws(model, params, X, draws):
    """Logarithm of the sum of the draws' weights, and their weighted mean, row by row."""
    largest, total, mean = np.full(len(X), -np.inf), np.zeros(len(X)), 0.0
    for latents, log_density in draws:
        log_weight = model.log_joint(params, latents, X) - log_density
        before, largest = largest, np.maximum(largest, log_weight)
        # Weights are kept in units of the largest so far; -inf, in no units, is zero.
        unit = np.where(largest > -np.inf, largest, 0.0)
        keep, weight = np.exp(before - unit), np.exp(log_weight - unit)
        total = keep * total + weight
        mean = keep[:, None] * mean + weight[:, None] * latents
    return largest + np.log(total), mean / total[:, None]
