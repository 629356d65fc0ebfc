"""Amortised learning by wake-sleep: simulate, regress, climb.

After Wenliang, Moskovitz, Kanagawa & Sahani, *Amortised learning by wake-sleep*,
ICML 2020.  :func:`wake_sleep` is the loop; :func:`sleep` and :func:`wake` are its two
halves, for those who want a loop of their own.
"""

from functools import partial
from itertools import count
from threading import Lock
from typing import NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd import make_vjp

from .batches import dense_rows, is_lazy, mini_batches
from .methods import choose_method
from .objectives import RealRows
from .regression import AdaptiveKernelRegression
from .schedules import Constant
from .simulations import latent_space, simulate
from .spaces import Space
from .threads import keep_freed_memory, one_blas_thread

__all__ = ["Iteration", "sleep", "wake", "wake_sleep"]

N_LOOKED_AT = 1000  # rows whose given columns show what latents are like
BLOCK_BY_BLOCK = Lock()  # autograd's tapes are not made for threads


class Iteration(NamedTuple):
    """What one iteration of the loop yields.

    Attributes
    ----------
    number : int
        1 for the first.
    params : nested dict of arrays
        Parameters after the step, natural values.
    objective : float
        Estimated expected log joint before the step, nats a row.
    gain : float
        The step before times the gradient: what it is estimated to have gained in
        log-likelihood, nats a row.
    gradient_norm : float
        Euclidean norm of the estimated gradient of the log-likelihood, nats a row, in
        the coordinates of `move`.
    diagnostics : dict of float
        ``weight_sum``: sum of the absolute values of the mean weights, large where the
        regression extrapolates. ``regression_error``: leave-one-out error of the
        regression (generalised cross-validation) relative to the variance of its
        targets; 1 is no better than their mean. ``input_distance``: mean squared
        length of real regression inputs relative to simulated ones, 1 when the model
        and the rows agree.
    posterior : FittedPosterior
        What was learnt of the latents, with their ``space``; hand it to a loop that goes
        on as ``previous``.

    See Also
    --------
    wake_sleep : Yields them; an example is there.
    """

    number: int
    params: dict
    objective: float
    gain: float
    gradient_norm: float
    diagnostics: dict
    posterior: object


class Wake(NamedTuple):
    """What the wake phase finds."""

    objective: float
    gradient: np.ndarray
    diagnostics: dict


def wake_sleep(
    model,
    X,
    params,
    optimizer,
    *,
    rng,
    objective=None,
    posterior=None,
    regression=None,
    schedule=None,
    move=None,
    n_simulations=300,
    batch_size=1000,
    sample_weight=None,
    previous=None,
):
    """Fit a generative model by amortised learning; endless, one step an iteration.

    Nothing is printed, stored or stopped here: whoever draws the iterations does.  The
    state is `params`, `optimizer`, `schedule`, `rng`, what `regression` has learnt and the
    last iteration's posterior, so that a loop given those of another goes on where that one
    was left.

    Parameters
    ----------
    model : GenerativeModel
        What to fit.
    X : array of shape (n_samples, n_features)
        Real rows, NaN where missing; they are read a batch at a time. Those of a dask array
        stay where they are when all of them make one batch and the objective is
        ``additive``: only gradients of its blocks come back.
    params : nested dict of arrays
        Where to start, natural values.
    optimizer : object with ``step(gradient) -> displacement``
        Such as :class:`skaws.optimizers.Adam`.
    rng : numpy.random.Generator
        The only source of randomness.
    objective : Objective, default=None
        What to climb. None of these three takes that of the method that suits the model
        (:func:`skaws.methods.choose_method`).
    posterior : Posterior, default=None
        Fitted on the simulations of each sleep phase.
    regression : KernelRegression, default=None
        Fitted anew on the simulations of each sleep phase.
    schedule : object with ``factor(gain) -> multiplier``, default=None
        Such as :class:`skaws.schedules.PlateauThenDecay`; None is ``Constant()``.
    move : callable, default=None
        ``move(params, step) -> params``, differentiable in the step; None is the
        objective's, which most often is the model's.
    n_simulations : int, default=300
        Pairs simulated in each sleep phase.
    batch_size : int, default=1000
        Largest number of real rows in a step; batches of nearly equal size pass over
        all rows, in a new order each time.
    sample_weight : array of shape (n_samples,), default=None
        Weights of the rows of X.
    previous : FittedPosterior, default=None
        Where another loop was left.

    Yields
    ------
    iteration : Iteration

    Raises
    ------
    FloatingPointError
        If the gradient of the log joint "is not finite", or a parameter "came to the edge
        of its support" (the message names the parameter); if the sampler "returned
        observations that are not finite", or what is to be regressed is not.
    ValueError
        If the model's sampler or log joint "returned shape" other than "expected".

    Notes
    -----
    The loop of the paper's section 3, by default with the residual from a baseline.  BLAS
    runs on one thread inside each iteration: on a thousand simulations more threads are
    slower, and would make results depend on the number of cores.  Where the model has a
    ``log_prior``, its share of each row is added to what is climbed.

    Examples
    --------
    >>> from itertools import islice
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.optimizers import Adam
    >>> from skaws.priors import Gaussian
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 1)) * np.ones(3) + rng.standard_normal((200, 3))
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> start = model.init_params(X, rng)
    >>> for iteration in islice(wake_sleep(model, X, start, Adam(), rng=rng), 100):
    ...     pass
    >>> iteration.number
    100
    >>> bool(0.7 < iteration.params["likelihood"]["noise_variance"] < 1.3)
    True
    """
    own = objective, posterior, regression
    if any(part is None for part in own):
        own = completed(own, model, params, dense_rows(X, slice(0, N_LOOKED_AT)))
    objective, posterior, regression = own
    schedule, move = schedule or Constant(), move or objective.move(model, regression)
    space = Space(params, model.constraints)
    whole = objective.additive and not isinstance(regression, AdaptiveKernelRegression)
    batches = mini_batches(X, batch_size, rng, sample_weight, whole)
    n_rows = X.shape[0] if sample_weight is None else np.sum(sample_weight)
    how = {"rng": rng, "space": space, "move": move, "n_rows": n_rows}
    last_step = 0.0
    keep_freed_memory()
    for number in count(1):
        with one_blas_thread():
            rows = RealRows(*next(batches))
            simulations = sleep(
                model, params, posterior, n_simulations, rng, like=rows.X, previous=previous
            )
            climbed = wake_in_blocks if is_lazy(rows.X) else wake
            found = climbed(model, params, simulations, *rows, objective, regression, **how)
            gain = float(np.sum(found.gradient * last_step))
            last_step = schedule.factor(gain) * optimizer.step(found.gradient)
            params = move(params, space.split(last_step))
            check_params(model, params, space)
        previous, norm = simulations.posterior, float(np.linalg.norm(found.gradient))
        yield Iteration(
            number, params, found.objective, gain, norm, found.diagnostics, previous
        )


def completed(own, model, params, rows):
    """Objective, posterior and regression, the method's where there is none."""
    with one_blas_thread():
        method = choose_method(model, params, space=latent_space(model, params, rows))
    parts = method.objective, method.posterior, method.regression
    return [part if one is None else one for one, part in zip(own, parts, strict=True)]


def sleep(model, params, posterior, n_simulations, rng, *, like=None, previous=None):
    """Simulate pairs from the model and fit the posterior on them.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict
        What to simulate from.
    posterior : Posterior
        Is fitted on the simulations.
    n_simulations : int
        How many pairs.
    rng : numpy.random.Generator
        Source of randomness.
    like : array of shape (m, n_features), default=None
        Real rows whose missing entries (NaN) and given columns simulated rows are to
        share, so that both have the same law.
    previous : FittedPosterior, default=None
        Of the last sleep phase.

    Returns
    -------
    simulations : Simulations
        The pairs, the space of the latents, and the fitted posterior.

    Raises
    ------
    ValueError, FloatingPointError
        If simulated observations are not of shape (n_simulations, n_features), or not
        finite.

    Examples
    --------
    See :func:`wake`.
    """
    space = None if previous is None else previous.space
    simulations = simulate(model, params, n_simulations, rng, space, like)
    fitted = posterior.fit(model, params, simulations, rng, previous)
    return simulations._replace(posterior=fitted)


def wake(
    model,
    params,
    simulations,
    X,
    row_weights,
    objective,
    regression,
    *,
    rng,
    space=None,
    move=None,
    n_rows=None,
):
    """Estimate the gradient of the log-likelihood at real rows, by one reverse pass.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict
        At which the simulations were drawn.
    simulations : Simulations
        What :func:`sleep` returned.
    X : array of shape (m, n_features)
        Real rows.
    row_weights : array of shape (m,)
        Weights of the rows, summing to about one.
    objective : Objective
        What to climb.
    regression : KernelRegression
        Is fitted on the simulations.
    rng : numpy.random.Generator
        Source of randomness.
    space : Space, default=None
        Of the params; None makes it.
    move : callable, default=None
        None is the model's.
    n_rows : float, default=None
        Number of rows that a prior over params is shared by; None is that of X.

    Returns
    -------
    wake : Wake
        Objective (nats a row), its gradient in the coordinates of `move` and the
        diagnostics of :class:`Iteration`.

    Raises
    ------
    FloatingPointError
        If the gradient "is not finite" (the message names the parameter), or what is to
        be regressed is not.

    Examples
    --------
    One iteration by hand:

    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> rng = np.random.default_rng(0)
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> X = rng.standard_normal((200, 3))
    >>> params = model.init_params(X, rng)
    >>> method = choose_method(model, params)
    >>> simulations = sleep(model, params, method.posterior, 100, rng)
    >>> how = method.objective, method.regression
    >>> weights = np.full(200, 1 / 200)
    >>> found = wake(model, params, simulations, X, weights, *how, rng=rng)
    >>> found.gradient.shape == (Space(params, model.constraints).size,)
    True
    """
    space = Space(params, model.constraints) if space is None else space
    move = objective.move(model, regression) if move is None else move
    log_prior = log_prior_of(model, len(X) if n_rows is None else n_rows)
    real = RealRows(X, row_weights)
    pairs = objective.pairs(model, params, simulations, real, regression, rng)

    def values_after(step):
        moved = move(params, space.split(step))
        values = objective.values(model, moved, pairs)
        return values if log_prior is None else anp.append(values, log_prior(moved))

    pull_back, values = make_vjp(values_after)(np.zeros(space.size))
    own = values if log_prior is None else values[:-1]
    weights, of_simulations, error, distance = objective.weigh(
        own, pairs, model, regression
    )
    weights = weights if log_prior is None else np.append(weights, 1.0)
    gradient = pull_back(weights)
    check_gradient(model, gradient, space)
    diagnostics = {
        "weight_sum": float(np.sum(np.abs(of_simulations))),
        "regression_error": error,
        "input_distance": distance,
    }
    used = weights != 0  # what has no weight may be minus infinity
    return Wake(float(weights[used] @ values[used]), gradient, diagnostics)


def wake_in_blocks(model, params, simulations, X, row_weights, *parts, space, **how):
    """:func:`wake` of a dask array: one vector from each block, wherever that is.

    All blocks see the same simulations; what is additive draws nothing more.
    """
    one_wake = partial(wake, model, params, simulations)
    weights = np.split(row_weights, np.cumsum(X.chunks[0])[:-1])
    # Each block that says anything counts the prior over params, which counts once.
    n_telling = sum(own.any() for own in weights)
    how = {**how, "space": space, "n_rows": n_telling * how["n_rows"]}
    if np.ptp(row_weights) == 0:  # one number stands for equal ones, which need not travel
        weights = [own[:1] for own in weights]
    width = 4 + space.size
    found = X.map_blocks(
        block_vector,
        one_wake,
        weights,
        parts,
        how,
        chunks=((1,) * len(weights), (width,)),
        meta=np.empty((0, width)),
    )
    sums, total = np.sum(np.asarray(found), axis=0), np.sum(row_weights)
    objective, weight_sum, error, distance = sums[:4]
    diagnostics = {
        "weight_sum": float(weight_sum),  # at most this: weights may cancel over blocks
        "regression_error": float(error / total),
        "input_distance": float(distance / total),
    }
    return Wake(float(objective), sums[4:], diagnostics)


def block_vector(rows, one_wake, weights, parts, how, block_info=None):
    """Objective, diagnostics and gradient of one block of rows, all of which add up."""
    keep_freed_memory()
    own = weights[block_info[0]["chunk-location"][0]]
    own = np.broadcast_to(own, len(rows)) if len(rows) else own
    if not own.any():  # such rows say nothing, and there may be none
        return np.zeros((1, 4 + how["space"].size))
    with BLOCK_BY_BLOCK, one_blas_thread():
        found = one_wake(rows, own, *parts, **how)
    weight_sum, error, distance = found.diagnostics.values()
    figures = found.objective, weight_sum, np.sum(own) * error, np.sum(own) * distance
    return np.concatenate([figures, found.gradient])[np.newaxis]


def log_prior_of(model, n_rows):
    """Log density of the params for each of `n_rows`, or None where there is no prior."""
    log_prior = getattr(model, "log_prior", None)
    return None if log_prior is None else lambda params: log_prior(params) / n_rows


def check_gradient(model, gradient, space):
    """Raise if a gradient is not finite, and say where."""
    bad = np.flatnonzero(~np.isfinite(gradient))
    if len(bad):
        raise FloatingPointError(
            f"The gradient of log_joint of {type(model).__name__} is not finite for "
            f"{space.name(bad[0])} ({len(bad)} of {space.size} parameters). Lower "
            "learning_rate, bound the parameter by a constraint, or, if log_joint is "
            "infinite at the posterior's latents, use ResidualRegression(baseline=None)."
        )


def check_params(model, params, space):
    """Raise if a step has led outside the support of a parameter, or to its very edge."""
    name = space.at_edge(params)
    if name is not None:
        raise FloatingPointError(
            f"{name} of {type(model).__name__} came to the edge of its support. Lower "
            "learning_rate, or fix or bound the parameter."
        )
