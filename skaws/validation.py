"""What a model's functions return, looked at before anything is made of it."""

import numpy as np
from autograd import make_vjp

from .objectives.base import log_joint_at
from .simulations import as_floats, draw
from .spaces import Space, columns_of, leaves, map_leaves

__all__ = ["check_pairs", "check_returned", "check_tape"]

N_PAIRS = 50  # simulations to look at


def check_returned(model, params, X):
    """Raise if params, simulations or log joint do not have the form of the protocol.

    Parameters
    ----------
    model : GenerativeModel
        Whose functions to call.
    params : nested dict of arrays
        What its ``init_params`` returned.
    X : array of shape (m, n_features)
        Real rows.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        Saying which function returned what, and what was expected.
    """
    Space(params, model.constraints)
    pairs = sampled(model, params, 0, X)
    latents, observations = check_pairs(model, pairs, N_PAIRS, X.shape[1])
    check_finite(model, latents, observations)
    check_randomness(model, params, X)
    latents, observations = map_leaves(as_floats, latents), as_floats(observations)
    values = log_joint_at(model, params, latents, observations)
    n_bad = int(np.sum(~np.isfinite(np.asarray(values, dtype=float))))
    if n_bad:
        raise ValueError(
            f"log_joint of {type(model).__name__} is not finite for {n_bad} of {N_PAIRS} "
            "pairs that its own sample returned. See which with check_model; a density "
            "must be positive at what the sampler draws."
        )
    check_tape(model, params, latents, observations)


def check_tape(model, params, latents, observations):
    """Raise unless autograd can follow the log joint, and finds a parameter in it.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict of arrays
        Whose log joint.
    latents, observations : arrays
        Pairs where it is finite.

    Raises
    ------
    TypeError
        If autograd "cannot follow" it.
    ValueError
        If it "does not depend on any parameter".
    """
    space = Space(params, model.constraints)
    name = f"log_joint of {type(model).__name__}"
    advice = (
        "float(), math and scipy.stats take numbers off autograd's tape: write it in "
        "autograd.numpy, autograd.scipy.special and autograd.scipy.stats."
    )

    def values(step):
        return model.log_joint(model.move(params, space.split(step)), latents, observations)

    try:
        pull_back, found = make_vjp(values)(np.zeros(space.size))
        gradient = pull_back(np.linspace(1.0, 2.0, len(found)))
    except (TypeError, ValueError, AttributeError) as error:
        raise TypeError(f"autograd cannot follow {name} ({error}). {advice}") from error
    if space.size and not np.any(gradient):
        names = ", ".join(".".join(path) for path, _ in leaves(params))
        raise ValueError(
            f"{name} does not depend on any parameter ({names}), so that nothing could be "
            f"learnt. Use params in it. {advice}"
        )


def sampled(model, params, seed, X):
    """Pairs drawn from the model; `model.sample` as it is where no columns are given."""
    rng = np.random.default_rng(seed)
    if model.n_given:
        # Given columns are finite; the holes of real rows say nothing of the sampler.
        return draw(model, params, N_PAIRS, rng, np.where(np.isnan(X), 0.0, X))
    return model.sample(params, N_PAIRS, rng)


def check_finite(model, latents, observations):
    """Raise FloatingPointError if simulations hold anything that is no finite number."""
    parts = {"latents": columns_of(latents), "observations": observations}
    for name, array in parts.items():
        if not np.isfinite(array).all():
            raise FloatingPointError(
                f"sample of {type(model).__name__} returned {name} that are not finite. "
                "Start (init_params) where nothing overflows, and return no missing "
                "entries: those of real rows are put in for you."
            )


def check_randomness(model, params, X):
    """Raise ValueError unless samples depend on rng, and on nothing else."""
    first, again, other = (arrays_of(sampled(model, params, seed, X)) for seed in (0, 0, 1))
    name = f"sample of {type(model).__name__}"
    if not all(map(same, first, again)):
        raise ValueError(
            f"{name} returned other pairs for the same rng. Draw all random numbers from "
            "rng, such as rng.standard_normal, not from numpy.random."
        )
    if all(map(same, first, other)):
        raise ValueError(
            f"{name} returned the same pairs for another rng. Draw random numbers from "
            "rng, such as rng.standard_normal; if it does, start (init_params) where "
            "pairs vary."
        )


def same(one, other):
    """Whether two arrays are equal; what is not a number equals itself."""
    return np.array_equal(one, other, equal_nan=True)


def arrays_of(pairs):
    """Arrays of latents and of observations."""
    latents, observations = pairs
    own = latents if isinstance(latents, dict) else {"": latents}
    return [*(array for _, array in leaves(own)), observations]


def check_pairs(model, pairs, n_samples, n_features):
    """The latents and observations that ``sample`` returned; raise if they are none."""
    name = f"sample of {type(model).__name__}"
    if not isinstance(pairs, (tuple, list)) or len(pairs) != 2:
        raise TypeError(
            f"{name} returned {described(pairs)}, expected a pair: latents, observations."
        )
    latents, observations = pairs
    for path, array in leaves(latents if isinstance(latents, dict) else {"": latents}):
        what = "latents" if array is latents else f"latents[{'.'.join(path)!r}]"
        check_axes(f"{name} returned {what}", array, n_samples, "n_latents")
    check_axes(f"{name} returned observations", observations, n_samples, n_features)
    if observations.shape[1] != n_features:
        raise ValueError(
            f"{name} returned observations of {observations.shape[1]} columns, but X has "
            f"{n_features}. It must return latents first, then rows shaped like X."
        )
    return latents, observations


def check_axes(returned, array, n_samples, n_columns):
    """Raise if `array` is none of real numbers with a row a sample and a second axis."""
    expected = f"expected an array of shape ({n_samples}, {n_columns})"
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{returned} as {described(array)}, {expected}.")
    if array.ndim < 2 or len(array) != n_samples:
        raise ValueError(
            f"{returned} of shape {array.shape}, {expected}: one row a sample"
            + (", two axes; write array[:, np.newaxis]." if array.ndim == 1 else ".")
        )
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{returned} of dtype {array.dtype}, {expected} of real numbers.")


def described(thing):
    """What it is, in a few words."""
    shape = f" of shape {thing.shape}" if isinstance(thing, np.ndarray) else ""
    return f"{type(thing).__name__}{shape}"
