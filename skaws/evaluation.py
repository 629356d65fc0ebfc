"""Log marginal likelihoods, posterior means, and gradients of the likelihood."""

import autograd.numpy as anp
import numpy as np
from autograd import grad
from scipy.special import softmax
from sklearn.utils import gen_batches

from .batches import dense_rows
from .forms import ScalarForm
from .machine import one_blas_thread
from .params import ParameterSpace
from .proposals import EnumeratedProposal, make_proposal
from .regression import Embedding, LatentEstimate
from .wake_sleep import sleep, wake

__all__ = [
    "exact_score_gradient",
    "importance_posterior",
    "importance_score_gradient",
    "log_marginal_likelihood",
    "posterior_mean",
    "score_gradient",
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
    that for Gaussian latents the answers are exact; for bounded latents and models that are
    not linear it is shaped by the posterior's mode and the curvature there.  Latents with
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


def score_gradient(
    model, params, X, *, regression=None, estimate=None, form=None, n_simulations=2000, rng
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
    regression : Embedding, default=None
        None is ``Embedding()``.
    estimate : LatentEstimate, default=None
        None is ``LatentEstimate()``.
    form : ScalarForm, default=None
        None is ``ScalarForm()``, the residual form.
    n_simulations : int, default=2000
        Number of pairs; the cost is its cube, the error falls with it.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    gradient : nested dict of arrays
        Along the paths of `params`, in nats a row, by the steps that the model's ``move``
        takes: by unconstrained coordinates, for models that do not choose their own.

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
    estimate = LatentEstimate() if estimate is None else estimate
    regression = Embedding() if regression is None else regression
    form = ScalarForm() if form is None else form
    with one_blas_thread():
        simulations = sleep(
            model, params, estimate, regression, n_simulations, rng, missing_like=X
        )
        found = wake(model, params, simulations, X, np.full(len(X), 1 / len(X)), form)
    return ParameterSpace(params, model.constraints).split(found.gradient)


def importance_score_gradient(
    model, params, X, *, n_draws=None, from_prior=False, rng=None
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
        the model's proposal (:mod:`skaws.proposals`).
    rng : numpy.random.Generator, default=None
        Source of randomness of draws from the prior.

    Returns
    -------
    gradient : nested dict of arrays
        As that of :func:`score_gradient`.

    Raises
    ------
    NotImplementedError
        If the model has no proposal, or, for draws from the prior, no ``log_likelihood``.
    """
    if from_prior:
        n_draws = N_DRAWS if n_draws is None else n_draws
        latents, _ = model.sample(params, n_draws, rng)
        log_weights = model.log_likelihood(params, latents, X)
        if log_weights is None:
            raise NotImplementedError(
                f"{type(model).__name__} has no log_likelihood to weigh draws from its "
                "prior by. Give it a log_likelihood method."
            )
        draws = [np.tile(draw, (len(X), 1)) for draw in latents]
        return fisher_gradient(model, params, X, draws, log_weights.T)
    proposal, _, _ = proposal_for(model, params, n_draws)
    draws, log_weights = [], []
    for latents, log_density in proposal(X):
        draws.append(latents)
        log_weights.append(model.log_joint(params, latents, X) - log_density)
    return fisher_gradient(model, params, X, draws, np.stack(log_weights))


def exact_score_gradient(model, params, X, log_marginal=None):
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
        If there is none of these.
    """
    space = ParameterSpace(params, model.constraints)
    if log_marginal is not None:

        def mean_after(step):
            return anp.mean(log_marginal(model.move(params, space.split(step)), X))

        return space.split(grad(mean_after)(np.zeros(space.size)))
    proposal, _, _ = proposal_for(model, params, None)
    formula = model.log_marginal(params, X[:1]) is not None
    if not formula and not isinstance(proposal, EnumeratedProposal):
        raise NotImplementedError(
            f"{type(model).__name__} has no exact posterior: hand in a log_marginal."
        )
    # Draws have exactly the moments of a Gaussian posterior, and scores are quadratic.
    return importance_score_gradient(model, params, X)


def fisher_gradient(model, params, X, draws, log_weights):
    """Gradient of log joints at draws, with weights (n_draws, m) made shares of a row."""
    space = ParameterSpace(params, model.constraints)
    weights = softmax(log_weights, axis=0) / len(X)
    # A latent of no weight may be one of no density.
    used = [np.flatnonzero(row > 0) for row in weights]
    latents = np.concatenate([draw[rows] for draw, rows in zip(draws, used, strict=True)])
    observations = np.concatenate([X[rows] for rows in used])
    shares = np.concatenate([row[rows] for row, rows in zip(weights, used, strict=True)])

    def expected_after(step):
        moved = model.move(params, space.split(step))
        return anp.sum(shares * model.log_joint(moved, latents, observations))

    return space.split(grad(expected_after)(np.zeros(space.size)))
