"""Laws of the log joint, pair by pair."""

import numpy as np
from autograd import make_vjp

from ..forms.pairs import check_log_joint as check_form
from ..latents import rows_of
from ..params import ParameterSpace
from .report import Finding

__all__ = ["check_derivative", "check_expected_log_joint", "check_log_joint"]


def check_log_joint(model, params, latents, observations, rng):
    """The log joint is one finite number a pair."""
    values = model.log_joint(params, latents, observations)
    law, n = "log_joint is one finite number a pair", len(observations)
    try:
        check_form(model, values, n)
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
    space = ParameterSpace(params, model.constraints)
    direction = rng.standard_normal(space.size) / np.sqrt(space.size)

    def values(step):
        moved = model.move(params, space.split(step))
        return model.log_joint(moved, latents, observations)

    def difference(h):
        return (values(h * direction) - values(-h * direction)) / (2 * h)

    h = 1e-5
    slope, shorter = difference(h), difference(h / 2)
    rounding = 1e-14 * np.abs(values(np.zeros(space.size))) / h
    smooth = np.abs(slope - shorter) <= 1e-5 * np.abs(slope) + 1e-6 + 100 * rounding
    weights = rng.standard_normal(len(observations)) * smooth
    pull_back, _ = make_vjp(values)(np.zeros(space.size))
    by_tape, by_difference = pull_back(weights) @ direction, weights @ slope
    allowed = 1e-5 * abs(by_difference) + np.abs(weights) @ rounding
    holds = np.mean(smooth) > 0.9 and abs(by_tape - by_difference) <= allowed
    law = "autograd's derivative agrees with differences"
    return [Finding(law, bool(holds), f"{by_tape:.6g} against {by_difference:.6g}")]


def check_expected_log_joint(model, params, latents, observations, rng):
    """Weights on one simulation give its log joint; mixtures of weights, mixtures."""
    few = slice(0, 20)
    z, x = rows_of(latents, few), observations[few]
    single = model.expected_log_joint(params, z, x, np.eye(len(x)), x)
    gap = np.max(np.abs(single - model.log_joint(params, z, x)))
    # Which simulation each row looks at: itself, another, or half of each.
    other = np.roll(np.eye(len(x)), 1, axis=1)
    half = 0.5 * (np.eye(len(x)) + other)
    there = model.expected_log_joint(params, z, x, other, x)
    mixed = model.expected_log_joint(params, z, x, half, x)
    bend = np.max(np.abs(mixed - 0.5 * (single + there)))
    size = 1 + np.max(np.abs(single)) + np.max(np.abs(there))
    law = "expected_log_joint extends log_joint"
    detail = f"differs by {gap:.2g} nats on one simulation, {bend:.2g} on mixtures"
    return [Finding(law, bool(max(gap, bend) <= 1e-8 * size), detail)]
