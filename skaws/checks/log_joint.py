"""Laws of the log joint, pair by pair."""

import numpy as np
from autograd import make_vjp

from ..objectives import expected_log_joint
from ..objectives.base import log_joint_at
from ..spaces import Space, map_leaves, rows_of
from ..validation import check_tape
from .report import Finding

__all__ = ["check_derivative", "check_expected_log_joint", "check_log_joint"]

STEP = 1e-5  # of central differences
N_NAMED = 200  # pairs by which the parameter of a wrong derivative is found


def check_log_joint(model, params, latents, observations, rng):
    """The log joint is one finite number a pair."""
    law, n = "log_joint is one finite number a pair", len(observations)
    try:
        values = log_joint_at(model, params, latents, observations)
    except ValueError as error:
        return [Finding(law, False, str(error))]
    n_bad = int(np.sum(~np.isfinite(values)))
    detail = f"shape {np.shape(values)}, expected {(n,)}; {n_bad} of {n} not finite"
    return [Finding(law, n_bad == 0, detail)]


def check_derivative(model, params, latents, observations, rng):
    """Autograd's derivative agrees with central differences along a random line.

    Pairs where differences over two lengths disagree are left out: a log joint may have
    kinks.
    """
    law = "autograd's derivative agrees with differences"
    few = rows_of(latents, slice(0, N_NAMED)), observations[:N_NAMED]
    try:
        check_tape(model, params, *few)
    except (TypeError, ValueError) as error:
        return [Finding(law, False, str(error))]
    space = Space(params, model.constraints)
    direction = rng.standard_normal(space.size) / np.sqrt(space.size)
    values = values_along(model, params, space, latents, observations)
    slope, shorter = (difference(values, direction, h) for h in (STEP, STEP / 2))
    rounding = 1e-14 * np.abs(values(np.zeros(space.size))) / STEP
    smooth = np.abs(slope - shorter) <= 1e-5 * np.abs(slope) + 1e-6 + 100 * rounding
    weights = rng.standard_normal(len(observations)) * smooth
    pull_back, _ = make_vjp(values)(np.zeros(space.size))
    by_tape, by_difference = pull_back(weights) @ direction, weights @ slope
    allowed = 1e-5 * abs(by_difference) + np.abs(weights) @ rounding
    holds = np.mean(smooth) > 0.9 and abs(by_tape - by_difference) <= allowed
    detail = f"{by_tape:.6g} against {by_difference:.6g}"
    if not holds:
        values = values_along(model, params, space, *few)
        detail += f", worst at {worst_coordinate(values, weights[:N_NAMED], space)}"
    return [Finding(law, bool(holds), detail)]


def values_along(model, params, space, latents, observations):
    """Function from a step in the coordinates of `space` to the log joint of each pair."""

    def values(step):
        moved = model.move(params, space.split(step))
        return model.log_joint(moved, latents, observations)

    return values


def difference(values, direction, h):
    """Central differences of `values` along a direction, over the length h."""
    return (values(h * direction) - values(-h * direction)) / (2 * h)


def worst_coordinate(values, weights, space):
    """Name of the coordinate where the tape and differences are furthest apart."""
    by_tape = make_vjp(values)(np.zeros(space.size))[0](weights)
    axes = np.eye(space.size)
    by_difference = [weights @ difference(values, axis, STEP) for axis in axes]
    return space.name(int(np.argmax(np.abs(by_tape - by_difference))))


def check_expected_log_joint(model, params, latents, observations, rng):
    """What is there for speed equals what is done without it."""
    z, x = rows_of(latents, slice(0, 20)), observations[:20]
    n = len(x)
    pairs = rows_of(z, np.tile(np.arange(n), n)), np.repeat(x, n, axis=0)
    slow = model.log_joint(params, *pairs).reshape(n, n)
    weights = rng.dirichlet(np.ones(n), n)
    gaps = {}
    if hasattr(model, "expected_log_joint"):
        fast = expected_log_joint(model, params, z, weights, x)
        gaps["expected_log_joint"] = np.max(np.abs(fast - np.sum(weights * slow, axis=1)))
    if hasattr(model, "log_joint_matrix"):
        gaps["log_joint_matrix"] = np.max(
            np.abs(model.log_joint_matrix(params, z, x) - slow)
        )
    draws = map_leaves(lambda leaf: leaf[:, None].repeat(n, axis=1), z)
    fast = model.log_joint_of_draws(params, draws, x)
    gaps["log_joint_of_draws"] = np.max(np.abs(fast - slow.T))
    size = 1 + np.max(np.abs(slow))
    law = "fast log joints equal slow ones"
    detail = ", ".join(f"{name} differs by {gap:.2g} nats" for name, gap in gaps.items())
    holds = all(gap <= 1e-8 * size for gap in gaps.values())
    return [Finding(law, bool(holds), detail)]
