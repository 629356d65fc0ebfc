"""Rotations of factors: the principal position, varimax and quartimax."""

import numpy as np

__all__ = ["principal_rotation", "settled", "simple_rotation"]


def principal_rotation(components, noise_variance):
    """Rotation that makes ``components / noise_variance @ components.T`` diagonal.

    The usual identification of maximum-likelihood factors (Lawley & Maxwell, 1971):
    latents are independent given x.
    """
    information = (components / noise_variance) @ components.T
    return np.linalg.eigh(information)[1].T[::-1]


def simple_rotation(components, method, max_iter=200, tol=1e-8):
    """Rotation towards simple structure (Kaiser, 1958), by repeated projection.

    Parameters
    ----------
    components : array of shape (n_components, n_features)
        Loadings.
    method : {"varimax", "quartimax"}
        Simplicity of features' loadings with, or without, their component's mean
        taken off.

    Returns
    -------
    rotation : array of shape (n_components, n_components)
        ``rotation @ components`` are the rotated loadings.
    """
    n_components, n_features = components.shape
    gamma = 1.0 if method == "varimax" else 0.0
    rotation, simplicity = np.eye(n_components), 0.0
    for _ in range(max_iter):
        rotated = rotation @ components
        mean_square = np.mean(rotated**2, axis=1, keepdims=True)
        target = rotated**3 - gamma * rotated * mean_square
        left, singular, right = np.linalg.svd(target @ components.T)
        rotation, previous, simplicity = left @ right, simplicity, singular.sum()
        if simplicity <= previous * (1 + tol):
            break
    return rotation


def settled(components, by_variance):
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
