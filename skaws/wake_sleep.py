"""Amortised learning by wake-sleep: simulate, regress, climb.

After Wenliang, Moskovitz, Kanagawa & Sahani, *Amortised learning by wake-sleep*,
ICML 2020.  :func:`wake_sleep` is the loop; :func:`sleep` and :func:`wake` are its two
halves, for those who want a loop of their own.
"""

from itertools import count
from typing import NamedTuple

import numpy as np
from autograd import make_vjp

from .batches import mini_batches
from .forms import ScalarForm
from .guards import check_gradient, check_params, check_sample
from .machine import keep_freed_memory, one_blas_thread
from .params import ParameterSpace
from .regression import Embedding, LatentEstimate

__all__ = ["Iteration", "sleep", "wake", "wake_sleep"]


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
        and the rows agree.

    See Also
    --------
    wake_sleep : Yields them; an example is there.
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
    inputs: object  # the function from observations to regression inputs


class RealRows(NamedTuple):
    """A mini-batch of real rows as the wake phase sees it."""

    X: np.ndarray
    weights: np.ndarray  # of the rows; they sum to about one
    estimates: np.ndarray  # of the latents
    inputs: np.ndarray  # of the regression


class Wake(NamedTuple):
    """What the wake phase finds."""

    objective: float
    gradient: np.ndarray
    diagnostics: dict


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
    state is `params`, `optimizer`, `rng` and what `estimate` has learnt, so that a loop
    given those of another goes on where that one was left.

    Parameters
    ----------
    model : GenerativeModel
        What to fit.
    X : array of shape (n_samples, n_features)
        Real rows, NaN where missing; they are read a batch at a time.
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
        If the gradient of the log joint "is not finite", or a parameter "came to the edge
        of its support" (the message names the parameter); if the sampler "returned
        observations that are not finite", or what is to be regressed is not.
    ValueError
        If the model's sampler or log joint "returned shape" other than "expected".

    Notes
    -----
    The loop of the paper's section 3, by default with the residual form.  BLAS is held to
    one thread inside each turn: on a thousand simulations more threads are slower, and
    would make results depend on the number of cores.

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
            check_params(model, params, space)
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
        The pairs, and the two regressions fitted on them.

    Raises
    ------
    ValueError, FloatingPointError
        If simulated observations are not of shape (n_simulations, n_features), or not
        finite.

    Examples
    --------
    See :func:`wake`.
    """
    latents, observations = model.sample(params, n_simulations, rng)
    check_sample(model, observations, n_simulations)
    if missing_like is not None:
        observations = masked_like(missing_like, observations, rng)
    function, estimates = estimate.fit(model, params, latents, observations)
    # Latent estimates are regression inputs, but for those with inputs of their own.
    inputs = getattr(function, "inputs", None)
    regression = regression.fit(estimates if inputs is None else inputs(observations))
    return Simulations(latents, observations, function, estimates, regression, inputs)


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

    Raises
    ------
    FloatingPointError
        If the gradient "is not finite" (the message names the parameter), or what is to
        be regressed is not.

    Examples
    --------
    One turn by hand:

    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> rng = np.random.default_rng(0)
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> X = rng.standard_normal((200, 3))
    >>> params = model.init_params(X, rng)
    >>> simulations = sleep(model, params, LatentEstimate(), Embedding(), 100, rng)
    >>> found = wake(model, params, simulations, X, np.full(200, 1 / 200), ScalarForm())
    >>> found.gradient.shape == (ParameterSpace(params, model.constraints).size,)
    True
    """
    space = ParameterSpace(params, model.constraints)
    real = real_rows(simulations, X, row_weights)

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
        "input_distance": simulations.regression.distance(real.inputs, row_weights),
    }
    used = weights != 0  # what has no weight may be minus infinity
    return Wake(float(weights[used] @ values[used]), gradient, diagnostics)


def masked_like(rows, observations, rng):
    """Observations that miss the entries that rows drawn from `rows` miss."""
    missing = np.isnan(rows)
    if not missing.any():
        return observations
    return np.where(
        missing[rng.integers(len(rows), size=len(observations))], np.nan, observations
    )


def real_rows(simulations, X, row_weights):
    """Rows of X as the regressions of the sleep phase see them."""
    estimates = simulations.estimate(X)
    inputs = estimates if simulations.inputs is None else simulations.inputs(X)
    return RealRows(X, row_weights, estimates, inputs)
