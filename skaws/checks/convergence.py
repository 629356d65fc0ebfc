"""Whether a fit that came to rest is near a maximum of the likelihood."""

import numpy as np
from autograd import value_and_grad
from scipy.optimize import minimize

from ..evaluation import fit_posterior, log_marginal_likelihood
from ..evaluation.gradient import expected_log_joint, posterior_draws
from ..spaces import Space
from ..wake_sleep import log_prior_of

__all__ = ["RISING", "remaining_rise"]

RISING = 0.04  # nats a row; more in none of 72 right fits of six kinds of tables
N_ROWS = 300  # in each half
N_ROUNDS = 3  # of expectation and maximisation
N_STEPS = 8  # of each maximisation


def remaining_rise(model, params, rows, posterior, n_rows: int | None = None) -> float:
    """How much a few rounds of EM gain in log-likelihood, nats a row.

    Latents are drawn from the posterior and the mean log joint is climbed by L-BFGS, at one
    half of some rows; the log-likelihood of the other half tells what it was worth.  A
    table that is too small for halves is used whole both times: a fit of it is as good as
    its maximum within half the number of params over that of rows, which is allowed for.

    Parameters
    ----------
    model, params, rows, posterior
        What was fitted, to which rows, and the posterior of the latents.
    n_rows : int, default=None
        Number of rows that a prior over params is shared by; None is that of `rows`.

    Returns
    -------
    rise : float
        The largest gain of the mean, less two standard errors; 0 where the likelihood is
        not known.
    """
    index = np.linspace(0, len(rows) - 1, min(len(rows), 2 * N_ROWS)).astype(int)
    some = np.asarray(rows[index], dtype=float)
    enough = len(some) == 2 * N_ROWS
    learnt, judged = (some[::2], some[1::2]) if enough else (some, some)
    allowed = 0.0 if enough else Space(params, model.constraints).size / (2 * len(some))
    prior = log_prior_of(model, len(rows) if n_rows is None else n_rows)
    exact = hasattr(posterior, "log_marginal")

    def posterior_at(at, X):
        # Importance sampling is right from any posterior, an exact one only at its params.
        return fit_posterior(model, at, X) if exact else posterior

    def log_likelihood(at):
        own = posterior_at(at, judged)
        values = log_marginal_likelihood(model, at, judged, posterior=own)
        return values + (0.0 if prior is None else prior(at))

    sure, at = [0.0], params
    try:
        with np.errstate(all="ignore"):
            here = log_likelihood(params)
            for _ in range(N_ROUNDS):
                at = after_em(model, at, learnt, posterior_at(at, learnt), prior)
                gain = log_likelihood(at) - here
                sure.append(np.mean(gain) - 2 * np.std(gain) / np.sqrt(len(gain)))
    except (NotImplementedError, FloatingPointError, np.linalg.LinAlgError):
        return 0.0
    return max(0.0, float(np.nanmax(sure)) - allowed)


def after_em(model, params, X, posterior, prior):
    """Params after one round of EM on rows X."""
    draws, log_weights = posterior_draws(model, params, X, posterior)
    expected, size = expected_log_joint(model, params, X, draws, log_weights)
    space = Space(params, model.constraints)

    def after(step):
        return model.move(params, space.split(step))

    def loss(step):
        penalty = 0.0 if prior is None else prior(after(step))
        return -(expected(step) + penalty)

    loss_and_gradient = value_and_grad(loss)

    def finite(step):
        value, gradient = loss_and_gradient(step)
        return (value, gradient) if np.isfinite(value) else (np.inf, np.zeros(size))

    found = minimize(
        finite,
        np.zeros(size),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": N_STEPS, "maxfun": 2 * N_STEPS},
    )
    return after(found.x) if np.isfinite(found.x).all() else params
