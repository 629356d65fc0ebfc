"""Gradients of the log-likelihood: estimated, by importance sampling, and exact."""

from collections.abc import Callable

import autograd.numpy as anp
import numpy as np
from autograd import grad, make_vjp
from scipy.special import softmax
from sklearn.utils import gen_batches

from ..methods import choose_method
from ..objectives import EnumeratedLikelihood, ResidualRegression
from ..objectives.base import regression_inputs
from ..posteriors import Enumeration, Exact, Wide, posterior_for
from ..regression import KernelRegression, MeanRegression
from ..spaces import Space, map_leaves, rows_of
from ..threads import one_blas_thread
from ..wake_sleep import sleep, wake
from .marginal import N_DRAWS, checked_rows, enough_draws, fit_posterior, weighted_draws

__all__ = [
    "exact_score_gradient",
    "importance_score_gradient",
    "score_gradient",
]

N_MISSED = 2000  # simulations at which to see what the regression does not predict
N_EXACT = 20  # draws, where they have the moments of the posterior
N_WEIGHTED = 40  # of a posterior that has not
N_ON_A_TAPE = 50  # pairs that share one: a small tape is quick to go back on


def score_gradient(
    model,
    params,
    X: np.ndarray,
    *,
    objective=None,
    posterior=None,
    regression=None,
    n_simulations: int = 2000,
    calibrated: bool = False,
    rng: np.random.Generator,
):
    """Gradient of the mean log-likelihood, estimated as a step of the loop does.

    Parameters
    ----------
    model : GenerativeModel
        Any model.
    params : nested dict of arrays
        Where to take the gradient.
    X : array of shape (m, n_features)
        Real rows; NaN marks a missing entry where the model allows it.
    objective : Objective, default=None
        None is ``ResidualRegression()``.
    posterior : Posterior, default=None
        None is that of the method that suits the model
        (:func:`skaws.methods.choose_method`).
    regression : KernelRegression, default=None
        None is ``KernelRegression()``.
    n_simulations : int, default=2000
        Number of pairs; the cost is its cube, the error falls with it.
    calibrated : bool, default=False
        Whether the score identity is used to cut the error (see Notes). It takes the
        score of every simulation by itself, and pays where parameters are many
        fewer than simulations; for an `objective` with ``targets``, such as
        ResidualRegression.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    gradient : nested dict of arrays
        Along the paths of `params`, in nats a row, by the steps that the model's ``move``
        takes: by unconstrained coordinates, for models that do not choose their own.

    Raises
    ------
    ValueError
        If `rng` is None, or X no table of finite rows; else as, with FloatingPointError,
        :func:`skaws.wake_sleep.wake_sleep`.

    Notes
    -----
    Scores ``s_n`` of simulations have mean zero, that of a sample has not.  The same
    latents that scatter it scatter what is regressed, so that it is a control variate:
    with ``r_n`` the part of ``s_n`` that the regression does not predict from ``x_n``, the
    estimate less ``E[r r'] E[s s']^-1 mean(s)`` is that of least variance. The error falls
    by the root of the share of the information on the params that rows without latents
    keep.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 1)) + rng.standard_normal((200, 3))
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> params = model.init_params(X, rng)
    >>> found = score_gradient(model, params, X, n_simulations=500, rng=rng)
    >>> exact = exact_score_gradient(model, params, X)
    >>> gap = found["decoder"]["components"] - exact["decoder"]["components"]
    >>> bool(np.abs(gap).max() < 0.05)
    True
    """
    X, rng = checked_rows(model, X), generator_of(rng)
    posterior = choose_method(model, params).posterior if posterior is None else posterior
    regression = KernelRegression() if regression is None else regression
    objective = ResidualRegression() if objective is None else objective
    with one_blas_thread():
        simulations = sleep(model, params, posterior, n_simulations, rng, like=X)
        row_weights = np.full(len(X), 1 / len(X))
        how = objective, regression
        gradient = wake(model, params, simulations, X, row_weights, *how, rng=rng).gradient
        if calibrated:
            gradient = gradient - sampling_error(model, params, simulations, *how, rng)
    return Space(params, model.constraints).split(gradient)


def generator_of(rng):
    """NumPy Generator of a seed, or the one handed in; raise if there is none."""
    if rng is None:
        raise ValueError(
            "Latents are drawn at random: hand in rng, a numpy.random.Generator or an int."
        )
    return np.random.default_rng(rng)


def sampling_error(model, params, simulations, objective, regression, rng):
    """Best guess of the gradient's error, from the mean score of the simulations."""
    blocks = objective.simulated_blocks(simulations, rng)
    table = score_table(model, params, blocks)
    scores = table[: len(simulations.observations)]
    targets = objective.targets(table, simulations)
    kind = getattr(objective, "inputs", "posterior")
    inputs = regression_inputs(kind, simulations, simulations.observations[:N_MISSED])
    missed = targets[:N_MISSED] - regression.weights(inputs) @ targets
    information = scores.T @ scores / len(scores)
    covariance = np.linalg.pinv(information, rcond=1e-6, hermitian=True)
    # The inverse of a sample's second moments is too large by this, in the mean.
    share = max(0.0, 1 - (scores.shape[1] + 1) / len(scores))
    control = covariance @ scores.mean(axis=0)
    return share / len(missed) * missed.T @ (missed @ control)


def score_table(model, params, blocks):
    """Score of each pair, (n_pairs, n_params), by one reverse pass each."""
    space = Space(params, model.constraints)
    tables = []
    for latents, observations in blocks:
        for block in gen_batches(len(observations), N_ON_A_TAPE):
            z, x = rows_of(latents, block), observations[block]

            def values_after(step, z=z, x=x):
                return model.log_joint(model.move(params, space.split(step)), z, x)

            pull_back, values = make_vjp(values_after)(np.zeros(space.size))
            tables.append([pull_back(one) for one in np.eye(len(values))])
    return np.concatenate(tables)


def importance_score_gradient(
    model,
    params,
    X,
    *,
    n_draws: int | None = None,
    from_prior: bool = False,
    rng: np.random.Generator | None = None,
):
    """Gradient of the mean log-likelihood by Fisher's identity and importance sampling.

    Parameters
    ----------
    model, params, X
        As in :func:`score_gradient`.
    n_draws : int, default=None
        As in :func:`log_marginal_likelihood`.
    from_prior : bool, default=False
        Whether latents are drawn from the prior, the same for all rows, instead of from
        the posterior that suits the model (:func:`skaws.posteriors.posterior_for`).
    rng : numpy.random.Generator or int, default=None
        Source of randomness of draws from the prior, which need one.

    Returns
    -------
    gradient : nested dict of arrays
        As that of :func:`score_gradient`.

    Raises
    ------
    ValueError
        If draws from the prior are asked for without `rng`.
    NotImplementedError
        If "no posterior suits" the model, or, for draws from the prior, it has "no
        log_likelihood to weigh draws from its prior by".

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
    >>> def log_joint(params, z, x):  # of a rate to be learnt
    ...     log_prior = anp.log(params["rate"]) - params["rate"] * z[:, 0]
    ...     return log_prior - 2 * (x - z)[:, 0] ** 2
    >>> model = FunctionModel(sample, log_joint, None)
    >>> found = importance_score_gradient(model, {"rate": 1.0}, X, n_draws=2000)["rate"]
    >>> h = np.array([[0.999], [1.001]])  # density of a rate: that of one, scaled
    >>> density = [exponnorm.logpdf(X[:, 0], 2 / r, 0, 0.5).mean() for (r,) in h]
    >>> bool(abs(found - (density[1] - density[0]) / 0.002) < 0.01)
    True
    """
    X = checked_rows(model, X)
    if from_prior:
        n_draws = enough_draws(N_DRAWS if n_draws is None else n_draws, None)
        latents, _ = model.sample(params, n_draws, generator_of(rng))
        if not hasattr(model, "log_likelihood"):
            raise NotImplementedError(
                f"{type(model).__name__} has no log_likelihood to weigh draws from its "
                "prior by. Give it a log_likelihood method."
            )
        log_weights = model.log_likelihood(params, latents, X).T
        shape = log_weights.shape
        draws = map_leaves(lambda leaf: np.repeat(leaf, shape[1], axis=0), latents)
        return fisher_gradient(model, params, X, draws, log_weights)
    posterior = posterior_for(model, params)
    if isinstance(posterior, Enumeration):
        return exact_score_gradient(model, params, X)
    if isinstance(posterior, Exact):  # whose draws have matched moments
        posterior = Wide(posterior)
    fitted = fit_posterior(model, params, posterior=posterior)
    n_draws = enough_draws(n_draws, fitted)
    draws, log_weights = weighted_draws(model, params, X, n_draws, fitted)
    draws = map_leaves(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), draws)
    return fisher_gradient(model, params, X, draws, log_weights)


def posterior_draws(model, params, X, posterior):
    """A few draws of a posterior that is at hand, one after another, and log weights.

    As :func:`expected_log_joint` takes them.
    """
    if hasattr(posterior, "log_marginal"):
        rng = np.random.default_rng(0)
        draws, _ = posterior.sample(X, N_EXACT, rng, common=True)
        log_weights = np.zeros((N_EXACT, len(X)))
    else:
        rng = np.random.default_rng(1)  # not the numbers of scores: these would be learnt
        found = weighted_draws(model, params, X, N_WEIGHTED, posterior, rng, common=False)
        draws, log_weights = found
    return map_leaves(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), draws), log_weights


def exact_score_gradient(model, params, X, log_marginal: Callable | None = None):
    """Gradient of the mean log-likelihood without error, where there is a formula.

    Parameters
    ----------
    model, params, X
        As in :func:`score_gradient`.
    log_marginal : callable, default=None
        ``log_marginal(params, X) -> (m,)``, written for autograd: a formula, or a sum over
        a fine grid. None uses the posterior of Gaussian latents under Gaussian noise and a
        linear mean, or the sum over latents that take few values.

    Returns
    -------
    gradient : nested dict of arrays
        As that of :func:`score_gradient`.

    Raises
    ------
    NotImplementedError
        If the model "has no exact posterior: hand in a log_marginal".

    Examples
    --------
    >>> from skaws.models import FunctionModel
    >>> def log_marginal(params, X):  # of x = level + z + noise, both of variance one
    ...     return -0.25 * (X[:, 0] - params["level"]) ** 2
    >>> model, X = FunctionModel(None, None, None), np.array([[1.0], [3.0]])
    >>> found = exact_score_gradient(model, {"level": 0.0}, X, log_marginal)
    >>> float(found["level"])
    1.0
    """
    X = checked_rows(model, X)
    space = Space(params, model.constraints)
    if log_marginal is not None:

        def mean_after(step):
            return anp.mean(log_marginal(model.move(params, space.split(step)), X))

        return space.split(grad(mean_after)(np.zeros(space.size)))
    posterior = posterior_for(model, params)
    if isinstance(posterior, Enumeration):
        how = {"objective": EnumeratedLikelihood(), "regression": MeanRegression()}
        return score_gradient(
            model, params, X, posterior=posterior, n_simulations=2, rng=0, **how
        )
    if not isinstance(posterior, Exact):
        raise NotImplementedError(
            f"{type(model).__name__} has no exact posterior: hand in a log_marginal."
        )
    # Draws have exactly the moments of a Gaussian posterior, and scores are quadratic.
    return importance_score_gradient(model, params, X)


def fisher_gradient(model, params, X, draws, log_weights):
    """Gradient of log joints at draws, with weights (n_draws, m) made shares of a row.

    Draws come one after another, (n_draws * m, ...).
    """
    gradient = fisher_vector(model, params, X, draws, log_weights)
    return Space(params, model.constraints).split(gradient)


def fisher_vector(model, params, X, draws, log_weights):
    """As :func:`fisher_gradient`, as a flat vector."""
    expected, size = expected_log_joint(model, params, X, draws, log_weights)
    return grad(expected)(np.zeros(size))


def expected_log_joint(model, params, X, draws, log_weights):
    """Function from a step to the mean log joint over draws and rows, and its size.

    Its gradient is that of the log-likelihood, where no step was taken; what it gains by a
    step the log-likelihood gains at least, where draws have the moments of the posterior.
    """
    space = Space(params, model.constraints)
    shares = np.ravel(softmax(log_weights, axis=0) / len(X))
    used = np.flatnonzero(shares > 0)  # a latent of no weight may be one of no density
    latents, observations = rows_of(draws, used), X[used % len(X)]

    def expected_after(step):
        moved = model.move(params, space.split(step))
        return anp.sum(shares[used] * model.log_joint(moved, latents, observations))

    return expected_after, space.size
