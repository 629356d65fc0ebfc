"""Log marginal likelihoods, posterior means and draws: exact, or by importance sampling."""

import numpy as np
from scipy.sparse import issparse
from scipy.special import logsumexp, softmax
from sklearn.utils import check_array, gen_batches

from ..batches import dense_rows
from ..posteriors import posterior_for
from ..posteriors.draws import draw_codes
from ..simulations import latent_space, simulate
from ..spaces import columns_of, first_shape, map_leaves, merged_axes
from ..threads import one_blas_thread

__all__ = [
    "checked_rows",
    "effective_draws",
    "fit_posterior",
    "importance_posterior",
    "log_marginal_likelihood",
    "posterior_mean",
    "sample_posterior",
    "weighted_draws",
]

N_DRAWS = 200
FEW, MORE = 30, 10  # effective draws of a row that is drawn again, and how many times more
CHUNK_NUMBERS = 2_000_000  # at most 16 MB in one temporary


def fit_posterior(
    model, params, like: np.ndarray | None = None, posterior=None, previous=None
):
    """The posterior that suits a model, fitted at `params`: what all answers come from.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict of arrays
        Any model, and its params.
    like : array of shape (m, n_features), default=None
        Real rows whose missing entries and given columns simulated rows are to share.
    posterior : Posterior, default=None
        None is :func:`skaws.posteriors.posterior_for`.
    previous : FittedPosterior, default=None
        What was learnt before, if it is of the same kind.

    Returns
    -------
    fitted : FittedPosterior

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> fit_posterior(model, params).mean(np.ones((1, 3))).round(12).tolist()
    [[0.75]]
    """
    rng = np.random.default_rng(0)
    space = latent_space(model, params, like) if previous is None else previous.space
    own = posterior_for(model, params, space) if posterior is None else posterior
    simulations = simulate(model, params, own.n_simulations, rng, space, like)
    if posterior is None and simulations.space is not space:  # they have left it
        own = posterior_for(model, params, simulations.space)
    with one_blas_thread():
        return own.fit(model, params, simulations, rng, previous)


def log_marginal_likelihood(model, params, X, n_draws: int | None = None, posterior=None):
    """log p(x) of each row: exact where there is a formula or few values to sum over.

    Parameters
    ----------
    model : GenerativeModel
        Any model that a posterior suits.
    params : nested dict of arrays
        Its params.
    X : array or sparse matrix of shape (m, n_features)
        Rows; NaN marks a missing entry.
    n_draws : int, default=None
        Draws of the latents for each row, where there is no formula. None takes 200, or
        eight a latent if that is more.
    posterior : FittedPosterior, default=None
        Where importance sampling draws from; None is :func:`fit_posterior`.

    Returns
    -------
    log_marginal : array of shape (m,)
        In nats.

    Raises
    ------
    NotImplementedError
        If "no posterior suits" the model.
    ValueError
        If X is no table of finite rows, or `n_draws` is not positive.

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
    >>> model = FunctionModel(sample, log_joint, None)
    >>> X = model.sample({}, 50, np.random.default_rng(0))[1]
    >>> error = log_marginal_likelihood(model, {}, X) - exponnorm.logpdf(X[:, 0], 2, 0, 0.5)
    >>> bool(np.abs(error).max() < 0.05)
    True
    """
    return importance_posterior(model, params, X, n_draws, posterior)[0]


def posterior_mean(model, params, X, n_draws=None, posterior=None):
    """E[z | x] of each row: exact where there is a formula or few values to sum over.

    Parameters
    ----------
    model, params, X, n_draws, posterior
        As in :func:`log_marginal_likelihood`.

    Returns
    -------
    mean : array of shape (m, n_latents)
        Latents in a dictionary side by side, those of a path unravelled.

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
    return importance_posterior(model, params, X, n_draws, posterior)[1]


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


def importance_posterior(model, params, X, n_draws=None, posterior=None):
    """Log marginal and posterior mean of each row, by importance sampling.

    Draws come from the fitted posterior (:func:`skaws.posteriors.posterior_for` says
    which); exact posteriors need none.  All rows share the same random numbers, which
    never change: the answer for a row depends on that row alone.

    Parameters
    ----------
    model, params, X, n_draws, posterior
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
    if posterior is None:
        posterior = fit_posterior(model, params, rows_with_given(model, X))
    blocks = []
    with one_blas_thread():
        if hasattr(posterior, "log_marginal"):
            for rows in gen_batches(X.shape[0], rows_at_once(X, 1)):
                block = dense_rows(X, rows)
                mean = columns_of(posterior.mean(block))
                blocks.append((posterior.log_marginal(block), mean))
        else:
            n_draws = enough_draws(n_draws, posterior)
            for rows in gen_batches(X.shape[0], rows_at_once(X, n_draws)):
                block = dense_rows(X, rows)
                draws, log_weights = weighted_draws(
                    model, params, block, n_draws, posterior
                )
                log_total = logsumexp(log_weights, axis=0) - np.log(n_draws)
                blocks.append((log_total, mean_of(draws, log_weights)))
    log_marginal, mean = zip(*blocks, strict=True)
    return np.concatenate(log_marginal), np.concatenate(mean)


def effective_draws(model, params, X, n_draws=None, posterior=None):
    """Number of draws that count in the answers for each row.

    The square of the sum of importance weights over the sum of their squares.  Where it is
    small, as below ten, scores come out low and intervals narrow: ask for more draws.

    Parameters
    ----------
    model, params, X, n_draws, posterior
        As in :func:`log_marginal_likelihood`.

    Returns
    -------
    numbers : array of shape (m,)
        Between one and the number of draws; infinite where answers are exact, zero where no
        draw can have given the row.

    Raises
    ------
    NotImplementedError, ValueError
        As :func:`log_marginal_likelihood`.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Laplace
    >>> model = LatentVariableModel(Laplace(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> numbers = effective_draws(model, params, np.ones((1, 3)))
    >>> bool(100 < numbers[0] <= 200)
    True
    """
    X = checked_rows(model, X)
    if posterior is None:
        posterior = fit_posterior(model, params, rows_with_given(model, X))
    if hasattr(posterior, "log_marginal"):
        return np.full(X.shape[0], np.inf)
    n_draws, found = enough_draws(n_draws, posterior), []
    with one_blas_thread():
        for rows in gen_batches(X.shape[0], rows_at_once(X, n_draws)):
            block = dense_rows(X, rows)
            _, log_weights = weighted_draws(model, params, block, n_draws, posterior)
            found.append(effective_number(log_weights))
    return np.concatenate(found)


def sample_posterior(
    model, params, X, n_samples: int, rng: np.random.Generator, posterior=None
):
    """Draws of the latents of each row from p(z | x).

    Exact where there is a formula or few values to sum over; else importance resampling of
    draws from the fitted posterior: 200 of each row, or four for each that is asked for,
    and ten times as many where fewer than 30 of these count.

    Parameters
    ----------
    model, params, X, posterior
        As in :func:`log_marginal_likelihood`.
    n_samples : int
        Number of draws of each row.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    latents : array of shape (n_samples, m, n_latents)

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
    >>> rng = np.random.default_rng(0)
    >>> draws = sample_posterior(model, params, np.ones((1, 3)), 1000, rng)
    >>> bool(0.22 < draws.var() < 0.28)  # the posterior's variance is 1 / 4
    True
    """
    X = checked_rows(model, X)
    if posterior is None:
        posterior = fit_posterior(model, params, rows_with_given(model, X))
    exact = hasattr(posterior, "log_marginal")
    n_draws = n_samples if exact else max(enough_draws(None, posterior), 4 * n_samples)
    blocks = []
    with one_blas_thread():
        for rows in gen_batches(X.shape[0], rows_at_once(X, n_draws)):
            block = dense_rows(X, rows)
            if exact:
                blocks.append(columns_of_draws(posterior.sample(block, n_samples, rng)[0]))
                continue

            def chosen(block, n_draws):
                drawn, log_weights = weighted_draws(
                    model, params, block, n_draws, posterior, rng, common=False
                )
                columns = columns_of_draws(drawn)
                return resampled(columns, log_weights, n_samples, rng), log_weights

            found, log_weights = chosen(block, n_draws)
            poor = np.flatnonzero(effective_number(log_weights) < FEW)
            n_at_once = rows_at_once(X, MORE * n_draws)
            for first in range(0, len(poor), n_at_once):
                some = poor[first : first + n_at_once]
                found[:, some] = chosen(block[some], MORE * n_draws)[0]
            blocks.append(found)
    return np.concatenate(blocks, axis=1)


def effective_number(log_weights):
    """Square of the sum of weights over the sum of squares, over the first axis."""
    with np.errstate(invalid="ignore"):  # no draw can have given some rows
        total = 2 * logsumexp(log_weights, axis=0)
        return np.nan_to_num(np.exp(total - logsumexp(2 * log_weights, axis=0)))


def resampled(draws, log_weights, n_samples, rng):
    """Some of the draws (n, m, k) of each row, with chances in proportion to weights."""
    shares = softmax(log_weights, axis=0).T
    shares[np.isnan(shares)] = 1.0  # no draw can have given the row: any will do
    codes = draw_codes(shares, n_samples, rng, common=False)
    return draws[codes, np.arange(draws.shape[1])]


def weighted_draws(model, params, X, n_draws, posterior, rng=None, common=True):
    """Draws from a fitted posterior and their log importance weights, (n_draws, m)."""
    rng = np.random.default_rng(0) if rng is None else rng
    draws, log_prob = posterior.sample(X, n_draws, rng, common=common)
    with np.errstate(all="ignore"):  # some draws cannot have given a row
        log_weights = model.log_joint_of_draws(params, draws, X) - log_prob
    return draws, np.where(np.isnan(log_weights), -np.inf, log_weights)


def columns_of_draws(draws):
    """Draws as one table a sample, (n, m, k)."""
    n, m = first_shape(draws)[:2]
    columns = columns_of(map_leaves(merged_axes, draws))
    return columns.reshape(n, m, columns.shape[1])


def mean_of(draws, log_weights):
    """Weighted mean of draws of each row, (m, k)."""
    return np.einsum("nm,nmk->mk", softmax(log_weights, axis=0), columns_of_draws(draws))


def enough_draws(n_draws, posterior):
    """Number of draws: a multiple of four, more for more latents; raise if it is none."""
    if n_draws is not None and n_draws < 1:
        raise ValueError(f"n_draws={n_draws} must be a positive even number, or None.")
    if n_draws is not None:
        return n_draws
    size = sum(int(np.prod(shape)) for shape in posterior.space.shapes.values())
    return max(N_DRAWS, 8 * size)


def rows_at_once(X, n_draws):
    """How many rows fit into memory with all their draws."""
    return int(max(1, CHUNK_NUMBERS // (n_draws * max(X.shape[1], 1))))


def rows_with_given(model, X):
    """Rows whose given columns simulated rows are to have, or None if there are none."""
    return dense_rows(X) if model.n_given else None
