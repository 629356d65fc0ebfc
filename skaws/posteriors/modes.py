"""Modes of many densities at once, by Newton's steps that cannot go downhill."""

import numpy as np
from autograd import make_vjp

from .base import blocks

__all__ = ["find_modes"]

N_STEPS = 60
WIDTH = 1e-4  # of differences of gradients
LEAST_CURVATURE = 1e-4  # of a coordinate: a standard deviation of a hundred
LEAST_GAIN = 1e-7  # nats; a step that promises less is not tried
ROUNDING = 1e-12  # of a log density, relative to its size
FIRST_DAMPING = 1e-3
BRAKE = 0.1  # least damping after a step too far
N_AT_ONCE = 20_000  # points on the tape


def find_modes(log_density, start, longest=np.inf):
    """Climb from each row of `start` to a mode of its log density.

    Parameters
    ----------
    log_density : callable
        ``log_density(u, rows) -> (n,)``, of coordinates u, (n, k), each of the density of
        the row with the number in `rows`, (n,); differentiable by autograd.  Second
        derivatives are differences of first ones.
    start : array of shape (m, k)
        Where to start.  Rows without a finite log density there stay.
    longest : float or array broadcastable to (m, k), default=inf
        Longest step of each coordinate.

    Returns
    -------
    modes : array of shape (m, k)
    values : array of shape (m,)
        Log density at the modes.
    precision : array of shape (m, k, k)
        Absolute curvature there, positive definite.

    Examples
    --------
    >>> modes, values, precision = find_modes(
    ...     lambda u, rows: -0.5 * (u[:, 0] - 3.0) ** 2 / 0.25, np.zeros((1, 1))
    ... )
    >>> modes.round(4).tolist(), precision.round(4).tolist()
    ([[3.0]], [[[4.0]]])
    """
    modes, damping = start.copy(), np.full(len(start), FIRST_DAMPING)
    longest = np.broadcast_to(longest, start.shape)
    moving = np.arange(len(start))
    values, gradient, curvature = derivatives(log_density, modes, moving)
    for _ in range(N_STEPS):
        step = damped_step(gradient[moving], curvature[moving], damping[moving])
        step /= np.maximum(1.0, np.max(np.abs(step) / longest[moving], axis=1))[:, None]
        promise = np.einsum("mi,mi->m", gradient[moving], step)
        going = promise > LEAST_GAIN + ROUNDING * np.abs(values[moving])
        moving, step = moving[going], step[going]
        if not len(moving):
            break
        there = derivatives(log_density, modes[moving] + step, moving)
        better = there[0] > values[moving]
        damping[moving] = next_damping(damping[moving], better)
        rows = moving[better]
        modes[rows] += step[better]
        values[rows], gradient[rows], curvature[rows] = (one[better] for one in there)
    return modes, values, curvature


def next_damping(damping, better):
    """Less damping after a step uphill, more after one too far."""
    return np.where(better, damping / 4, np.maximum(8 * damping, BRAKE))


def damped_step(gradient, curvature, damping):
    """Newton's step of each row, shorter where it is damped."""
    k = gradient.shape[1]
    ridge = damping * np.einsum("mii->m", curvature) / k
    damped = curvature + ridge[:, None, None] * np.eye(k)
    return np.linalg.solve(damped, gradient[:, :, None])[:, :, 0]


def derivatives(log_density, u, rows):
    """Log density, its gradient and its absolute curvature at u, row by row."""
    m, k = u.shape
    shifts = WIDTH * np.concatenate([np.zeros((1, k)), np.eye(k), -np.eye(k)])
    values, slopes = np.empty(m), np.empty((m, 2 * k + 1, k))
    for some in blocks(m, N_AT_ONCE // (2 * k + 1)):
        points = (u[some, None] + shifts).reshape(-1, k)
        found = value_and_slope(log_density, points, np.repeat(rows[some], 2 * k + 1))
        values[some] = found[0].reshape(-1, 2 * k + 1)[:, 0]
        slopes[some] = found[1].reshape(-1, 2 * k + 1, k)
    hessian = (slopes[:, 1 : k + 1] - slopes[:, k + 1 :]) / (2 * WIDTH)
    return values, slopes[:, 0], absolute(hessian)


def value_and_slope(log_density, u, rows):
    """Log density and its gradient; minus infinity and zeros past an edge."""
    with np.errstate(all="ignore"):
        pull_back, values = make_vjp(lambda v: log_density(v, rows))(u)
        slope = np.nan_to_num(pull_back(np.ones(len(u))), posinf=0.0, neginf=0.0)
    return np.where(np.isnan(values), -np.inf, values), slope


def absolute(hessian):
    """Symmetric matrices with eigenvalues made positive, (m, k, k)."""
    values, axes = np.linalg.eigh(0.5 * (hessian + hessian.transpose(0, 2, 1)))
    values = np.maximum(np.abs(values), LEAST_CURVATURE)
    return (axes * values[:, None, :]) @ axes.transpose(0, 2, 1)
