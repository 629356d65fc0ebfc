"""Log marginal likelihoods and posterior means."""

import numpy as np
from sklearn.utils import gen_batches

from ..batches import dense_rows
from ..machine import one_blas_thread
from ..proposals import make_proposal

__all__ = [
    "importance_posterior",
    "log_marginal_likelihood",
    "posterior_mean",
    "proposal_for",
]

N_DRAWS = 200
N_AT_ONCE = 2000
CHUNK_NUMBERS = 2_000_000  # at most 16 MB in one temporary


def log_marginal_likelihood(model, params, X, n_draws=None):
    """log p(x) of each row: exact where the model has a formula.

    Parameters
    ----------
    model : GenerativeModel
        A model with an exact ``log_marginal``; or with latents that take few values,
        which are summed over, or of a ``latent_support`` with real coordinates.
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
    that for Gaussian latents the answers are exact; under Student's t noise, about an
    estimate that outliers do not move; for bounded latents and models that are not linear
    it is shaped by the posterior's mode and the curvature there.  Latents with
    few values are summed over, exactly.  All rows share the same random numbers,
    which never change: the answer for a row depends on that row alone.

    Parameters
    ----------
    model : GenerativeModel
        With a proposal: see :func:`skaws.proposals.make_proposal`.
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
    proposal, n_draws, n_latents = proposal_for(model, params, n_draws)
    width = max(X.shape[1], n_latents**2)
    n_at_once = int(np.clip(CHUNK_NUMBERS // width, 1, N_AT_ONCE))
    log_marginal, mean = np.empty(X.shape[0]), np.empty((X.shape[0], n_latents))
    with one_blas_thread():
        for rows in gen_batches(X.shape[0], n_at_once):
            block = dense_rows(X, rows)
            log_total, mean[rows] = weigh_draws(model, params, block, proposal(block))
            log_marginal[rows] = log_total - np.log(n_draws)
    return log_marginal, mean


def proposal_for(model, params, n_draws):
    """Proposal of the model, number of its draws, number of columns of the latents."""
    n_latents = count_latents(model, params)
    n_draws = max(N_DRAWS, 8 * n_latents) if n_draws is None else n_draws
    proposal = None if n_latents == 0 else make_proposal(model, params, n_draws)
    if proposal is None:
        raise NotImplementedError(
            f"{type(model).__name__} has no log_marginal and no proposal for importance "
            "sampling. Give it a log_marginal and a posterior_mean method, or tell what "
            "values its latents take: latent_support."
        )
    return proposal, n_draws, n_latents


def count_latents(model, params):
    """Number of columns of the latents; 0 where they are a dictionary."""
    if model.n_latents is not None:
        return model.n_latents
    latents, _ = model.sample(params, 1, np.random.default_rng(0))
    return 0 if isinstance(latents, dict) else latents.shape[1]


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
