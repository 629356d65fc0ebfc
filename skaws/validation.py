"""What a model's functions return, looked at before anything is made of it."""

import numpy as np

from .forms.pairs import check_log_joint
from .params import ParameterSpace

__all__ = ["check_pairs", "check_returned"]

N_PAIRS = 50  # simulations to look at


def check_returned(model, params, n_features):
    """Raise if params, simulations or log joint do not have the form of the protocol.

    Parameters
    ----------
    model : GenerativeModel
        Whose functions to call.
    params : nested dict of arrays
        What its ``init_params`` returned.
    n_features : int
        Number of columns of the real rows.

    Raises
    ------
    TypeError, ValueError
        Saying which function returned what, and what was expected.
    """
    ParameterSpace(params, model.constraints)
    pairs = model.sample(params, N_PAIRS, np.random.default_rng(0))
    latents, observations = check_pairs(model, pairs, N_PAIRS, n_features)
    check_log_joint(model, model.log_joint(params, latents, observations), N_PAIRS)


def check_pairs(model, pairs, n_samples, n_features):
    """The latents and observations that ``sample`` returned; raise if they are none."""
    name = f"sample of {type(model).__name__}"
    if not isinstance(pairs, (tuple, list)) or len(pairs) != 2:
        raise TypeError(
            f"{name} returned {described(pairs)}, expected a pair: latents, observations."
        )
    latents, observations = pairs
    arrays = latents if isinstance(latents, dict) else {"latents": latents}
    for key, array in arrays.items():
        what = "latents" if array is latents else f"latents[{key!r}]"
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
