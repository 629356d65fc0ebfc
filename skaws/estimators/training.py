"""One fit: draw iterations from the loop until its schedule has ended."""

from typing import NamedTuple

import numpy as np

from ..optimizers import Adam, PolynomialAverage
from ..params import ParameterSpace
from ..wake_sleep import wake_sleep

__all__ = ["LoopState", "Training", "ending", "train"]

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
    optimizer: Adam
    average: PolynomialAverage
    rng: np.random.Generator
    regression: object  # of the log joint; it may be learning
    estimate: object  # of the latents; it may be learning
    n_iter: int = 0  # turns taken since the start


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
    word = "converged" if training.state.optimizer.schedule.converged else "stopped"
    if training.failure is not None:
        word = "interrupted" if training.interrupted else "failed"
    return f"{word} after {training.n_iter} iterations"


def train(state, X, progress, *, n_iter=None, **options):
    """Run the loop from `state` until its schedule has finished, or for `n_iter` turns.

    An interruption or a numerical failure ends it early, is noted in ``failure``, and
    loses nothing that was learnt before.

    Parameters
    ----------
    state : LoopState
        Where to start; all it holds but model and params moves on.
    X : array of shape (n_samples, n_features)
        Real rows.
    progress : Silent or Table
        Is told of every iteration.
    n_iter : int, default=None
        None leaves the end to the optimizer's schedule.
    **options
        Further arguments of :func:`skaws.wake_sleep.wake_sleep`.

    Returns
    -------
    training : Training
    """
    model, params, optimizer, average, rng, regression, estimate, n_before = state
    space = ParameterSpace(params, model.constraints)
    answer, records, failure = params, [], None
    try:
        for iteration in wake_sleep(
            model, X, params, regression, optimizer, rng=rng, estimate=estimate, **options
        ):
            params = iteration.params
            answer = space.unflatten(average.update(space.flatten(params)))
            records.append(summary(iteration, optimizer))
            progress.update(n_before + iteration.number, records[-1])
            if optimizer.schedule.finished or iteration.number == n_iter:
                break
    except (KeyboardInterrupt, FloatingPointError) as error:
        failure = error
    except np.linalg.LinAlgError as error:
        failure = FloatingPointError(
            f"Parameters ran away in iteration {len(records) + 1} ({error}). Lower "
            "learning_rate, or look for rows that lie far from all others."
        )
    history = {name: np.array([record[name] for record in records]) for name in FIGURES}
    state = state._replace(params=params, n_iter=n_before + len(records))
    return Training(state, answer, history, failure)


def summary(iteration, optimizer):
    """Row of the history: the iteration's figures and the optimiser's."""
    return {
        "objective": iteration.objective,
        "gain": optimizer.gain,
        "gradient_norm": iteration.gradient_norm,
        **iteration.diagnostics,
    }
