"""Log marginal likelihoods and posterior means."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array, gen_batches

from ..batches import dense_rows
from ..machine import one_blas_thread
from ..proposals import make_proposal

__all__ = [
    "check_n_draws",
    "checked_rows",
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
        Draws of the latents for each row, where there is no formula: a multiple of four,
        at least four for each latent. None takes 200, or eight a latent if that is more.

    Returns
    -------
    log_marginal : array of shape (m,)
        In nats.

    Raises
    ------
    NotImplementedError
        If the model "has no log_marginal and no proposal for importance sampling".
    ValueError
        If X is no table of finite rows; if draws are needed and `n_draws` is not positive,
        "is too few" for the latents, or is not "a multiple of 4" where posteriors are
        searched for modes.

    Examples
    --------
    Exponential waiting times, read with an error of one half:

    >>> from scipy.stats import exponnorm
    >>> from skaws.models import FunctionModel
    >>> def sample(params, n_samples, rng):
    ...     z = rng.exponential(size=(n_samples, 1))
    ...     return z, z + 0.5 * rng.standard_normal((n_samples, 1))
    >>> def log_joint(params, z, x):
    ...     return -z[:, 0] - 2 * (x - z)[:, 0] ** 2 - 0.5 * np.log(0.5 * np.pi)
    >>> model = FunctionModel(sample, log_joint, None, latent_support="nonnegative")
    >>> X = model.sample({}, 50, np.random.default_rng(0))[1]
    >>> error = log_marginal_likelihood(model, {}, X) - exponnorm.logpdf(X[:, 0], 2, 0, 0.5)
    >>> bool(np.abs(error).max() < 0.05)
    True
    """
    X = checked_rows(model, X)
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
    NotImplementedError, ValueError
        As :func:`log_marginal_likelihood`.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> posterior_mean(model, params, np.ones((1, 3))).round(12).tolist()
    [[0.75]]
    """
    X = checked_rows(model, X)
    exact = model.posterior_mean(params, X)
    return importance_posterior(model, params, X, n_draws)[1] if exact is None else exact


def checked_rows(model, X):
    """X as rows of finite numbers, NaN where the model allows missing entries."""
    missing = model.allows_missing and not issparse(X)
    return check_array(
        X,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        ensure_all_finite="allow-nan" if missing else True,
        input_name="X",
    )


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
    NotImplementedError, ValueError
        As :func:`log_marginal_likelihood`.

    Examples
    --------
    Labels are summed over:

    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Categorical
    >>> model = LatentVariableModel(Categorical(2), Linear(), Gaussian())
    >>> decoder = {"components": np.array([[-1.0], [1.0]]), "mean": np.zeros(1)}
    >>> prior, likelihood = {"probability": np.full(2, 0.5)}, {"noise_variance": 1.0}
    >>> params = {"prior": prior, "decoder": decoder, "likelihood": likelihood}
    >>> _, mean = importance_posterior(model, params, np.ones((1, 1)))
    >>> mean.round(4).tolist()  # 1 / (1 + exp(2)), and the rest
    [[0.1192, 0.8808]]
    """
    X = checked_rows(model, X)
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
    check_n_draws(n_draws)
    n_latents = count_latents(model, params)
    n_draws = max(N_DRAWS, 8 * n_latents) if n_draws is None else n_draws
    proposal = None if n_latents == 0 else make_proposal(model, params, n_draws)
    if proposal is None and model.latent_support in ("binary", "onehot"):
        raise NotImplementedError(
            f"Latents of {type(model).__name__} take too many values to be summed over in "
            "likelihoods and posterior means (more than 200). Take fewer latents."
        )
    if proposal is None:
        raise NotImplementedError(
            f"{type(model).__name__} has no log_marginal and no proposal for importance "
            "sampling. Give it a log_marginal and a posterior_mean method, or tell what "
            "values its latents take: latent_support."
        )
    return proposal, n_draws, n_latents


def check_n_draws(n_draws):
    """Raise if this is no number of draws; None leaves it open."""
    if n_draws is not None and n_draws < 1:
        raise ValueError(f"n_draws={n_draws} must be a positive even number, or None.")


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
