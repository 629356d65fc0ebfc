"""One fit: draw iterations from the loop until its schedule has ended."""

from typing import NamedTuple

import numpy as np

from ..optimizers import Adam, PolynomialAverage
from ..params import ParameterSpace
from ..wake_sleep import wake_sleep

__all__ = ["LoopState", "Training", "train"]


class LoopState(NamedTuple):
    """All that a later call needs to go on where this one stopped."""

    model: object
    params: dict
    optimizer: Adam
    average: PolynomialAverage
    rng: np.random.Generator


class Training(NamedTuple):
    """What one run of the loop leaves, however it ended."""

    state: LoopState
    params: dict  # the answer: the average of the path
    history: dict
    failure: BaseException | None


def train(state, X, regression, progress, *, n_iter=None, **options):
    """Run the loop from `state` until its schedule has finished, or for `n_iter` turns.

    An interruption or a numerical failure ends it early, is noted in ``failure``, and
    loses nothing that was learnt before.

    Parameters
    ----------
    state : LoopState
        Where to start.
    X : array of shape (n_samples, n_features)
        Real rows.
    regression : Embedding or ConstantEmbedding
        Fitted in each sleep phase.
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
    model, params, optimizer, average, rng = state
    space = ParameterSpace(params, model.constraints)
    answer, records, failure = params, [], None
    try:
        for iteration in wake_sleep(
            model, X, params, regression, optimizer, rng=rng, **options
        ):
            params = iteration.params
            answer = space.unflatten(average.update(space.flatten(params)))
            records.append(summary(iteration, optimizer))
            progress.update(iteration.number, records[-1])
            if optimizer.schedule.finished or iteration.number == n_iter:
                break
    except (KeyboardInterrupt, FloatingPointError) as error:
        failure = error
    except np.linalg.LinAlgError as error:
        failure = FloatingPointError(
            f"Parameters ran away in iteration {len(records) + 1} ({error}). Lower "
            "learning_rate, or look for rows that lie far from all others."
        )
    names = records[0] if records else ()
    history = {name: np.array([record[name] for record in records]) for name in names}
    state = LoopState(model, params, optimizer, average, rng)
    return Training(state, answer, history, failure)


def summary(iteration, optimizer):
    """Row of the history: the iteration's figures and the optimiser's."""
    return {
        "objective": iteration.objective,
        "gain": optimizer.gain,
        "gradient_norm": iteration.gradient_norm,
        **iteration.diagnostics,
    }
