"""Laws of starting params and of the sampler."""

import joblib
import numpy as np

from ..simulations import latent_space
from ..spaces import Space, leaves
from ..validation import arrays_of, check_pairs
from .report import Finding

__all__ = ["check_parameters", "check_sampler"]

N_DRAWN = 50


def check_parameters(model, X, params, rng):
    """Starting params lie in their supports and survive the way to a vector and back."""
    law = "init_params lies within the constraints"
    try:
        start = model.init_params(X, rng) if params is None else params
        space = Space(start, model.constraints)
    except (ValueError, TypeError, AttributeError) as error:
        return [Finding(law, False, str(error))], None
    vector = space.flatten(start)
    again = space.flatten(space.unflatten(vector))
    holds = space.size > 0 and np.allclose(vector, again)
    names = ", ".join(".".join(path) for path, _ in leaves(start)) or "none"
    if params is None:
        vector = vector + 0.1 * rng.standard_normal(space.size)
    detail = f"{space.size} parameters: {names}"
    return [Finding(law, holds, detail)], space.unflatten(vector)


def check_sampler(model, params, X, seed):
    """Samples have the right shape, are finite, and depend on rng and nothing else."""
    before = joblib.hash(params)
    law = "sample returns rows shaped like X"
    try:
        pairs = model.sample(params, N_DRAWN, np.random.default_rng(seed))
        check_pairs(model, pairs, N_DRAWN, X.shape[1])
    except (TypeError, ValueError) as error:
        return [Finding(law, False, str(error))]

    def drawn(seed):
        return arrays_of(model.sample(params, N_DRAWN, np.random.default_rng(seed)))

    first, again, other = drawn(seed), drawn(seed), drawn(seed + 1)
    *latents, seen = [array.shape for array in first]
    expected = (N_DRAWN, X.shape[1])
    detail = f"latents {latents}, observations {seen}, expected {expected}"
    found = [
        Finding(law, True, detail),
        Finding(
            "sample is finite",
            all(np.isfinite(array).all() for array in first),
            "latents and observations",
        ),
        drawn_from_rng(first, again, other, joblib.hash(params) == before),
    ]
    if all(finding.holds for finding in found):
        found.append(support_of_latents(model, params))
    return found


def support_of_latents(model, params):
    """What values latents may take, declared or read off simulations."""
    law = "latents lie in their support"
    try:
        support = latent_space(model, params).latent_support
    except (ValueError, TypeError) as error:
        return Finding(law, False, str(error))
    how = "read off simulations" if model.latent_support is None else "declared"
    return Finding(law, True, f"{support!r}, {how}")


def drawn_from_rng(first, again, other, params_kept):
    """The second of three samples has the seed of the first, the third another one."""
    complaints = []
    if not all(map(np.array_equal, first, again)):
        complaints.append("two calls with the same seed differ: draw from rng only")
    if all(map(np.array_equal, first, other)):
        complaints.append("two seeds give the same pairs: draw from rng")
    if not params_kept:
        complaints.append("params were changed: copy before writing")
    detail = "; ".join(complaints) or "same seed, same pairs; params untouched"
    return Finding("sample draws from rng alone", not complaints, detail)
