"""Rotations of factors: the principal position, and orthogonal and oblique simple ones."""

from itertools import combinations

import numpy as np

__all__ = ["canonical_order", "oblique_rotation", "principal_rotation", "simple_rotation"]

PROMAX_POWER = 4  # R's
MAX_STEPS, PRECISION = 1000, 1e-8  # of oblimin


def principal_rotation(components, noise_variance):
    """Rotation that makes ``components / noise_variance @ components.T`` diagonal.

    The usual identification of maximum-likelihood factors (Lawley & Maxwell, 1971):
    latents are independent given x.
    """
    information = (components / noise_variance) @ components.T
    return np.linalg.eigh(information)[1].T[::-1]


def simple_rotation(components, method, max_sweeps=100):
    """Rotation towards simple structure, by Kaiser's planar rotations (1958).

    Parameters
    ----------
    components : array of shape (n_components, n_features)
        Loadings.
    method : {"varimax", "quartimax", "kaiser"}
        Variance of squared loadings within components, or over all of them; "kaiser" is
        varimax after each feature's loadings were scaled to length one.
    max_sweeps : int, default=100
        Largest number of passes over all pairs of components.

    Returns
    -------
    rotation : array of shape (n_components, n_components)
        ``rotation @ components`` are the rotated loadings.
    """
    rotation, rotated = np.eye(len(components)), components.copy()
    if method == "kaiser":
        lengths = np.linalg.norm(rotated, axis=0)
        rotated /= np.where(lengths > 0, lengths, 1.0)
    pairs = list(combinations(range(len(components)), 2))
    for _ in range(max_sweeps):
        largest = 0.0
        for pair in map(list, pairs):
            angle = planar_angle(*rotated[pair], method)
            plane = np.array(
                [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
            )
            rotated[pair], rotation[pair] = plane @ rotated[pair], plane @ rotation[pair]
            largest = max(largest, abs(angle))
        if largest < 1e-10:
            break
    return rotation


def oblique_rotation(components, method):
    """Rotation towards simple structure of factors that may be correlated.

    Parameters
    ----------
    components : array of shape (n_components, n_features)
        Loadings of independent factors.
    method : {"promax", "oblimin"}
        "promax" is R's: the least squares map of the loadings of Kaiser's varimax to their
        fourth powers, signs kept (Hendrickson & White, 1964).  "oblimin" makes products of
        squared loadings of two factors small (direct quartimin: Jennrich & Sampson, 1966),
        by gradient projection (Jennrich, 2002) from Kaiser's varimax.

    Returns
    -------
    rotation, correlation : arrays of shape (n_components, n_components)
        ``rotation @ components`` are the loadings of factors with this correlation.
    """
    start = simple_rotation(components, "kaiser")
    find = promax if method == "promax" else oblimin
    axes = find(start @ components) @ start  # factors are axes @ independent ones
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    return np.linalg.inv(axes).T, axes @ axes.T


def promax(components):
    """Axes of factors whose loadings are nearest to powers of those of `components`."""
    target = components * np.abs(components) ** (PROMAX_POWER - 1)
    coefficients = np.linalg.lstsq(components.T, target.T, rcond=None)[0]
    return np.linalg.inv(coefficients)


def oblimin(components):
    """Axes of factors of least sum of products of their squared loadings."""

    def criterion(axes):
        inverse = np.linalg.inv(axes)
        loadings = inverse.T @ components
        squares = loadings**2
        others = squares.sum(axis=0) - squares
        slope = -loadings @ (loadings * others).T @ inverse.T
        return np.sum(squares * others) / 4, slope

    axes, step = np.eye(len(components)), 1.0
    value, gradient = criterion(axes)
    for _ in range(MAX_STEPS):
        # Rows of the axes have length one: the part of the gradient along them is void.
        tangent = gradient - np.sum(axes * gradient, axis=1, keepdims=True) * axes
        slope = np.sum(tangent**2)
        if slope < PRECISION**2:
            break
        step *= 2
        while True:
            moved = axes - step * tangent
            moved /= np.linalg.norm(moved, axis=1, keepdims=True)
            new_value, new_gradient = criterion(moved)
            if new_value <= value - 0.5 * step * slope or step < PRECISION:
                break
            step /= 2
        axes, value, gradient = moved, new_value, new_gradient
    return axes


def planar_angle(x, y, method):
    """Angle that makes two components' loadings as simple as they can be."""
    u, v = x**2 - y**2, 2 * x * y
    across, along = 2 * np.sum(u * v), np.sum(u**2 - v**2)
    if method != "quartimax":
        across -= 2 * np.sum(u) * np.sum(v) / len(x)
        along -= (np.sum(u) ** 2 - np.sum(v) ** 2) / len(x)
    return 0.25 * np.arctan2(across, along)


def canonical_order(components, by_variance):
    """Order and signs that a refit reproduces, as one signed permutation matrix.

    Components come by decreasing sum of squares where `by_variance`, otherwise as they
    are; in each the loading of largest absolute value is positive.
    """
    order = np.arange(len(components))
    if by_variance:
        order = np.argsort(-np.sum(components**2, axis=1), kind="stable")
    largest = np.argmax(np.abs(components), axis=1)
    signs = np.sign(components[np.arange(len(components)), largest])
    return np.diag(np.where(signs < 0, -1.0, 1.0))[order]
