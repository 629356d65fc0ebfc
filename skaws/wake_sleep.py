"""Amortised learning by wake-sleep: simulate, regress, climb.

After Wenliang, Moskovitz, Kanagawa & Sahani, *Amortised learning by wake-sleep*,
ICML 2020.  :func:`wake_sleep` is the loop; :func:`sleep` and :func:`wake` are its two
halves, for those who want a loop of their own.
"""

from functools import cache
from itertools import count
from typing import NamedTuple

import numpy as np
from autograd import make_vjp
from threadpoolctl import ThreadpoolController

from .params import ParameterSpace
from .regression import Embedding, LatentEstimate

__all__ = ["Iteration", "PairwiseForm", "ScalarForm", "sleep", "wake", "wake_sleep"]


class Iteration(NamedTuple):
    """What one turn of the loop yields.

    Attributes
    ----------
    number : int
        1 for the first.
    params : nested dict of arrays
        Parameters after the step, in natural coordinates.
    objective : float
        Estimated expected log joint before the step, nats a row.
    gradient_norm : float
        Euclidean norm of the estimated gradient of the log-likelihood, nats a row, in
        the coordinates of the model's ``move``.
    diagnostics : dict of float
        ``weight_sum``: sum of the absolute values of the mean weights, large where the
        regression extrapolates. ``regression_error``: leave-one-out error of the
        regression (generalised cross-validation) relative to the variance of its
        targets; 1 is no better than their mean. ``input_distance``: mean squared
        length of real regression inputs relative to simulated ones, 1 when the model
        and the data agree.
    """

    number: int
    params: dict
    objective: float
    gradient_norm: float
    diagnostics: dict


class Simulations(NamedTuple):
    """What the sleep phase leaves: pairs, and two regressions fitted on them."""

    latents: np.ndarray
    observations: np.ndarray
    estimate: object  # the function from observations to latent estimates
    estimates: np.ndarray  # of the simulated observations
    regression: Embedding


class RealRows(NamedTuple):
    """A mini-batch of real data as the wake phase sees it."""

    X: np.ndarray
    weights: np.ndarray  # of the rows; they sum to about one
    estimates: np.ndarray


class Wake(NamedTuple):
    """What the wake phase finds."""

    objective: float
    gradient: np.ndarray
    diagnostics: dict


class ScalarForm:
    """Climb the regression of the log joint, or of its residual from a baseline.

    With mean weights a_n and latent estimates e(.), the objective is ``sum_n a_n [log
    p(z_n, x_n) - log p(e(x_n), x_n)] + mean_m log p(e(x*_m), x*_m)``; without baseline,
    ``sum_n a_n log p(z_n, x_n)``.  Both have the same limit; the first has far less
    variance, and falls back on the baseline where the regression knows nothing.

    Parameters
    ----------
    baseline : bool, default=True
        Whether to regress the residual.  The log joint must then be finite at latent
        estimates, which need not hold for discrete latents.  Without baseline the
        estimates are regression inputs only, and must keep all of x that the latents
        depend on *and* all that the log joint does.
    """

    def __init__(self, baseline=True):
        self.baseline = baseline

    def values(self, model, params, simulations, real):
        """Log joints to be weighed: at simulations, their estimates, real rows."""
        pairs = [(simulations.latents, simulations.observations)]
        if self.baseline:
            pairs.append((simulations.estimates, simulations.observations))
            pairs.append((real.estimates, real.X))
        latents, observations = map(stack, zip(*pairs, strict=True))
        values = model.log_joint(params, latents, observations)
        check_log_joint(model, values, len(observations))
        return values

    def weigh(self, values, model, params, simulations, real):
        """Weight of each value in the objective, and the regression's mean weights."""
        n = len(simulations.observations)
        targets = values[:n] - (values[n : 2 * n] if self.baseline else 0.0)
        mean = simulations.regression.mean_weights_and_error(
            real.estimates, real.weights, targets
        )
        weights = np.concatenate([mean.weights, -mean.weights, real.weights])
        return weights[: len(values)], mean


class PairwiseForm:
    """Climb the model's ``expected_log_joint``, row by row.

    It is for models that know part of their log joint at real rows exactly, as
    exponential families do (the paper's Algorithm 1).  It solves for one right-hand
    side a row, where :class:`ScalarForm` solves for one a batch.
    """

    def values(self, model, params, simulations, real):
        """Expected log joint of each real row."""
        weights = simulations.regression.weights(real.estimates)
        return model.expected_log_joint(
            params, simulations.latents, simulations.observations, weights, real.X
        )

    def weigh(self, values, model, params, simulations, real):
        """The rows' weights, and the regression's mean weights."""
        targets = model.log_joint(params, simulations.latents, simulations.observations)
        mean = simulations.regression.mean_weights_and_error(
            real.estimates, real.weights, targets
        )
        return real.weights, mean


def wake_sleep(
    model,
    X,
    params,
    regression,
    optimizer,
    *,
    rng,
    estimate=None,
    form=None,
    n_simulations=300,
    batch_size=1000,
    sample_weight=None,
):
    """Fit a generative model by amortised learning; endless, one step at a turn.

    Nothing is printed, stored or stopped here: whoever draws the iterations does.  The
    state is `params`, `optimizer` and `rng`, so that a loop given those of another
    goes on where that one was left.

    Parameters
    ----------
    model : GenerativeModel
        What to fit.
    X : array of shape (n_samples, n_features)
        Real data, NaN where missing; rows are read a batch at a time.
    params : nested dict of arrays
        Where to start, in natural coordinates.
    regression : Embedding
        Fitted anew on the simulations of each sleep phase.
    optimizer : object with ``step(gradient) -> displacement``
        Such as :class:`skaws.optimizers.Adam`.
    rng : numpy.random.Generator
        The only source of randomness.
    estimate : LatentEstimate, default=None
        How latents are estimated from observations; None is ``LatentEstimate()``.
    form : ScalarForm or PairwiseForm, default=None
        What to climb; None is ``ScalarForm()``, the residual form.
    n_simulations : int, default=300
        Pairs simulated in each sleep phase.
    batch_size : int, default=1000
        Largest number of real rows in a step; batches of nearly equal size pass over
        all rows, in a new order each time.
    sample_weight : array of shape (n_samples,), default=None
        Weights of the rows of X.

    Yields
    ------
    iteration : Iteration

    Raises
    ------
    FloatingPointError
        If the gradient is not finite; it names the parameter.
    ValueError
        If the model's sampler or log joint returns the wrong shape.

    Notes
    -----
    BLAS is held to one thread inside each turn: on a thousand simulations more threads
    are slower, and would make results depend on the number of cores.

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
    >>> for iteration in islice(
    ...     wake_sleep(model, X, start, Embedding(), Adam(), rng=rng), 100
    ... ):
    ...     pass
    >>> iteration.number
    100
    >>> bool(0.7 < iteration.params["likelihood"]["noise_variance"] < 1.3)
    True
    """
    estimate = LatentEstimate() if estimate is None else estimate
    form = ScalarForm() if form is None else form
    space = ParameterSpace(params, model.constraints)
    batches = mini_batches(X, batch_size, rng, sample_weight)
    keep_freed_memory()
    for number in count(1):
        with one_blas_thread():
            rows, row_weights = next(batches)
            simulations = sleep(
                model, params, estimate, regression, n_simulations, rng, missing_like=rows
            )
            objective, gradient, diagnostics = wake(
                model, params, simulations, rows, row_weights, form
            )
            params = model.move(params, space.split(optimizer.step(gradient)))
        norm = float(np.linalg.norm(gradient))
        yield Iteration(number, params, objective, norm, diagnostics)


def sleep(model, params, estimate, regression, n_simulations, rng, missing_like=None):
    """Simulate pairs from the model and fit the regressions on them.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict
        What to simulate from.
    estimate : LatentEstimate
        How to estimate latents.
    regression : Embedding
        Is fitted on the simulations' latent estimates.
    n_simulations : int
        How many pairs.
    rng : numpy.random.Generator
        Source of randomness.
    missing_like : array of shape (m, n_features), default=None
        Real rows whose missing entries (NaN) simulated rows are to share, so that both
        have the same law.

    Returns
    -------
    simulations : Simulations
    """
    latents, observations = model.sample(params, n_simulations, rng)
    check_sample(model, observations, n_simulations)
    if missing_like is not None:
        missing = np.isnan(missing_like)
        if missing.any():
            patterns = missing[rng.integers(len(missing), size=n_simulations)]
            observations = np.where(patterns, np.nan, observations)
    function, estimates = estimate.fit(model, params, latents, observations)
    regression = regression.fit(estimates)
    return Simulations(latents, observations, function, estimates, regression)


def wake(model, params, simulations, X, row_weights, form):
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
    form : ScalarForm or PairwiseForm
        What to climb.

    Returns
    -------
    wake : Wake
        Objective (nats a row), its gradient in the coordinates of the model's ``move``
        and the diagnostics of :class:`Iteration`.
    """
    space = ParameterSpace(params, model.constraints)
    real = RealRows(X, row_weights, simulations.estimate(X))

    def values_after(step):
        moved = model.move(params, space.split(step))
        return form.values(model, moved, simulations, real)

    pull_back, values = make_vjp(values_after)(np.zeros(space.size))
    weights, mean = form.weigh(values, model, params, simulations, real)
    gradient = pull_back(weights)
    check_gradient(model, gradient, space)
    diagnostics = {
        "weight_sum": float(np.sum(np.abs(mean.weights))),
        "regression_error": mean.error,
        "input_distance": simulations.regression.distance(real.estimates, row_weights),
    }
    return Wake(float(weights @ values), gradient, diagnostics)


def mini_batches(X, batch_size, rng, sample_weight=None):
    """Endless passes over the rows of X in batches of nearly equal size.

    Yields ``(rows, row_weights)``: float64 rows and weights that average to one over a
    pass, divided by the number of rows.  A pass visits rows in arithmetic progression
    modulo n_samples, with random start and stride: no row twice, no memory.
    """
    n_samples = X.shape[0]
    relative = None if sample_weight is None else sample_weight / np.mean(sample_weight)
    n_batches = -(-n_samples // batch_size)
    if n_batches == 1:
        rows = np.asarray(X, dtype=float)
        weights = np.full(n_samples, 1 / n_samples)
        weights = weights if relative is None else weights * relative
        while True:
            yield rows, weights
    edges = np.linspace(0, n_samples, n_batches + 1).astype(int)
    while True:
        start, stride = rng.integers(n_samples), random_stride(n_samples, rng)
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            index = (start + stride * np.arange(low, high)) % n_samples
            weights = np.full(len(index), 1 / len(index))
            weights = weights if relative is None else weights * relative[index]
            yield np.asarray(X[index], dtype=float), weights


def random_stride(n_samples, rng):
    """Random number without common divisor with `n_samples`."""
    while True:
        stride = rng.integers(1, n_samples)
        if np.gcd(stride, n_samples) == 1:
            return stride


def stack(blocks):
    """Concatenate arrays, or dictionaries of arrays, along the first axis."""
    if len(blocks) == 1:
        return blocks[0]
    if isinstance(blocks[0], dict):
        return {name: stack([block[name] for block in blocks]) for name in blocks[0]}
    return np.concatenate(blocks)


def keep_freed_memory():
    """Let the allocator keep what one turn frees for the next one.

    glibc hands memory above a threshold back to the system, and a third of a turn would
    go into getting it again; freeing one large block, which is never touched, raises
    the threshold.  Other allocators take no notice.
    """
    np.empty(6 * 2**20, dtype=np.uint8)


@cache
def thread_pools():
    return ThreadpoolController()


def one_blas_thread():
    """Context in which BLAS runs on one thread."""
    return thread_pools().limit(limits=1, user_api="blas")


def check_sample(model, observations, n_samples):
    """Raise if simulated observations have the wrong shape or are not finite."""
    name = f"sample of {type(model).__name__}"
    if np.ndim(observations) != 2 or len(observations) != n_samples:
        raise ValueError(
            f"{name} returned observations of shape {np.shape(observations)}, expected "
            f"({n_samples}, n_features): one row a sample, two axes."
        )
    if not np.isfinite(observations).all():
        raise FloatingPointError(
            f"{name} returned observations that are not finite. Lower learning_rate, "
            "or constrain the parameters that can make it overflow."
        )


def check_log_joint(model, values, n_pairs):
    """Raise if a log joint is not one value a pair."""
    if values.shape != (n_pairs,):
        raise ValueError(
            f"log_joint of {type(model).__name__} returned shape {values.shape}, expected "
            f"({n_pairs},): one value a pair; sum over features with axis=1."
        )


def check_gradient(model, gradient, space):
    """Raise if a gradient is not finite, and say where."""
    bad = np.flatnonzero(~np.isfinite(gradient))
    if len(bad):
        raise FloatingPointError(
            f"The gradient of log_joint of {type(model).__name__} is not finite for "
            f"{space.name(bad[0])} ({len(bad)} of {space.size} parameters). Lower "
            "learning_rate, bound the parameter by a constraint, or, if log_joint is "
            "infinite at latent estimates, use ScalarForm(baseline=False)."
        )
