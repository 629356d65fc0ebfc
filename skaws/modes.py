"""Modes of many densities at once, by Newton's steps that cannot go downhill."""

import numpy as np
from autograd import elementwise_grad

__all__ = ["find_modes"]

N_STEPS = 60
WIDTH = 1e-4  # of differences of gradients
LEAST_CURVATURE = 1e-4  # of a coordinate: a deviation of a hundred


def find_modes(log_density, start):
    """Climb from each row of `start` to a mode of its log density.

    Parameters
    ----------
    log_density : callable
        From coordinates (m, k) to values (m,), row by row; differentiable by autograd.
        Second derivatives are differences of first ones.
    start : array of shape (m, k)
        Where to start; the log density is finite there.

    Returns
    -------
    modes : array of shape (m, k)
    precision : array of shape (m, k, k)
        Absolute curvature there, positive definite.

    Examples
    --------
    >>> modes, precision = find_modes(
    ...     lambda u: -0.5 * (u[:, 0] - 3.0) ** 2 / 0.25, np.zeros((1, 1))
    ... )
    >>> modes.round(6).tolist(), precision.round(4).tolist()
    ([[3.0]], [[[4.0]]])
    """

    def slope(u):
        with np.errstate(all="ignore"):  # what comes out past an edge is not used
            return np.nan_to_num(elementwise_grad(log_density)(u), posinf=0.0, neginf=0.0)

    modes, damping = start.copy(), np.full(len(start), 1e-3)
    values, moving = log_density(modes), np.ones(len(start), dtype=bool)
    for _ in range(N_STEPS):
        gradient, curvature = slope(modes), absolute_curvature(slope, modes)
        size = np.einsum("mii->m", curvature) / start.shape[1]
        ridge = (damping * size)[:, None, None] * np.eye(start.shape[1])
        step = np.linalg.solve(curvature + ridge, gradient[:, :, None])[:, :, 0]
        with np.errstate(all="ignore"):
            there = log_density(modes + step)
        gain = np.where(np.isfinite(there), there - values, -np.inf)
        better = moving & (gain > 0)
        modes[better] += step[better]
        values[better] = there[better]
        damping = np.where(gain > 0, damping / 4, damping * 8)
        # A row stops for good when a step gains nothing, and was not too bold.
        promise = np.einsum("mi,mi->m", gradient, step)
        moving &= promise > 1e-10 * (1 + np.abs(values))
        if not moving.any():
            break
    return modes, absolute_curvature(slope, modes)


def absolute_curvature(slope, u):
    """Second derivatives with eigenvalues made positive, (m, k, k)."""
    shifts = WIDTH * np.eye(u.shape[1])
    columns = [(slope(u + shift) - slope(u - shift)) / (2 * WIDTH) for shift in shifts]
    hessian = np.stack(columns, axis=2)
    values, axes = np.linalg.eigh(0.5 * (hessian + hessian.transpose(0, 2, 1)))
    values = np.maximum(np.abs(values), LEAST_CURVATURE)
    return (axes * values[:, None, :]) @ axes.transpose(0, 2, 1)
