"""Rotations of factors: the principal position, varimax and quartimax."""

from itertools import combinations

import numpy as np

__all__ = ["canonical_order", "principal_rotation", "simple_rotation"]


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
