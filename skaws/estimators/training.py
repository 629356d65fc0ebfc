"""One fit: draw iterations from the loop until its schedule has ended."""

from typing import NamedTuple

import numpy as np

from ..methods import Method
from ..optimizers import PolynomialAverage
from ..spaces import Space, shift
from ..wake_sleep import wake_sleep

__all__ = ["LoopState", "Training", "ending", "train", "units_of"]

#: Columns of a history.
FIGURES = (
    "objective",
    "gain",
    "gradient_norm",
    "weight_sum",
    "regression_error",
    "input_distance",
)


class LoopState(NamedTuple):
    """All that a later call needs to go on where this one stopped."""

    model: object
    params: dict
    method: Method
    optimizer: object
    schedule: object
    average: PolynomialAverage
    rng: np.random.Generator
    regression: object  # of the log joint; it may be learning
    units: np.ndarray | None = None  # of columns, where steps are plain
    posterior: object = None  # what was learnt of the latents
    n_iter: int = 0  # iterations taken since the start


class Training(NamedTuple):
    """What one run of the loop leaves, however it ended."""

    state: LoopState
    params: dict  # the answer: the average of the path
    history: dict
    failure: BaseException | None

    @property
    def n_iter(self):
        """Number of iterations."""
        return len(self.history.get("objective", ()))

    @property
    def interrupted(self):
        """Whether the user ended it."""
        return isinstance(self.failure, KeyboardInterrupt)


def ending(training):
    """How a training ended, in a few words."""
    word = "converged" if training.state.schedule.converged else "stopped"
    if training.failure is not None:
        word = "interrupted" if training.interrupted else "failed"
    return f"{word} after {training.n_iter} iterations"


def train(state, X, progress, *, max_iter, n_iter=None, **options):
    """Run the loop from `state` until its schedule has finished, or for `n_iter` steps.

    The method's objectives come one after another, each for its share of `max_iter`.  An
    interruption or a numerical failure ends the run early, is noted in ``failure``, and
    loses nothing that was learnt before.

    Parameters
    ----------
    state : LoopState
        Where to start; all it holds but model, method and params moves on.
    X : array of shape (n_samples, n_features)
        Real rows.
    progress : Silent, Table or Watched
        Is updated at every iteration.
    max_iter : int
        Largest number of iterations of the whole fit.
    n_iter : int, default=None
        None leaves the end to the schedule.
    **options
        Further arguments of :func:`skaws.wake_sleep.wake_sleep`.

    Returns
    -------
    training : Training
    """
    records, failure, reached = [], None, (state, state.params)
    last = None if n_iter is None else state.n_iter + n_iter
    try:
        for *reached, iteration in steps(state, X, max_iter, last, options):
            records.append(summary(iteration))
            progress.update(reached[0].n_iter, records[-1], reached)
    except (KeyboardInterrupt, FloatingPointError) as error:
        failure = error
    except np.linalg.LinAlgError as error:
        failure = FloatingPointError(
            f"Parameters ran away in iteration {len(records) + 1} ({error}). Lower "
            "learning_rate, look for rows that lie far from all others, or, where columns "
            "follow from others, bound the noise from below (noise_floor, floor)."
        )
    history = {name: np.array([record[name] for record in records]) for name in FIGURES}
    return Training(*reached, history, failure)


def steps(state, X, max_iter, last, options):
    """Yield state, answer and iteration until the schedule or the `last` one ends them."""
    for first, stop, objective in phases(state.method, max_iter):
        if state.n_iter >= stop:
            continue
        if first and state.n_iter == first:  # the average of the path begins anew
            state = state._replace(average=PolynomialAverage())
        space = Space(state.params, state.model.constraints)
        for iteration in loop(state, X, objective, options):
            params = iteration.params
            answer = space.unflatten(state.average.update(space.flatten(params)))
            state = state._replace(
                params=params, posterior=iteration.posterior, n_iter=state.n_iter + 1
            )
            yield state, answer, iteration
            if state.schedule.finished or state.n_iter == last:
                return
            if state.n_iter == stop:
                break


def phases(method, max_iter):
    """First iteration, the one after the last, and objective; the last phase is open."""
    shares = np.cumsum([share for share, _ in method.objectives])
    edges = [0, *(max(1, int(share * max_iter)) for share in shares[:-1]), np.inf]
    objectives = [objective for _, objective in method.objectives]
    return zip(edges[:-1], edges[1:], objectives, strict=True)


def loop(state, X, objective, options):
    """The wake-sleep loop from `state`."""
    return wake_sleep(
        state.model,
        X,
        state.params,
        state.optimizer,
        rng=state.rng,
        objective=objective,
        posterior=state.method.posterior,
        regression=state.regression,
        schedule=state.schedule,
        move=None if state.method.relative_steps else plain_move(state.model, state.units),
        previous=state.posterior,
        **options,
    )


def units_of(model, rows):
    """Units of the columns in which locations move, None where the model has none."""
    return model.units_of(rows) if hasattr(model, "units_of") else None


def plain_move(model, units):
    """Steps in real coordinates, whatever the noise; locations' in those of columns."""

    def move(params, step):
        step = step if units is None else model.in_units(step, units)
        return shift(params, step, model.constraints)

    return move


def summary(iteration):
    """Row of the history: the iteration's figures."""
    return {
        "objective": iteration.objective,
        "gain": iteration.gain,
        "gradient_norm": iteration.gradient_norm,
        **iteration.diagnostics,
    }
