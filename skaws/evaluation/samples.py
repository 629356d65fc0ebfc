"""How like each other two sets of rows are, drawn and real."""

import numpy as np
from scipy.linalg import eigvalsh

__all__ = ["frechet_distance", "kernel_distance"]


def frechet_distance(X, Y) -> float:
    """Frechet distance between two sets of rows, of Gaussians with their moments.

    Rows should be features that matter to the eye, such as the hidden units of a
    classifier, not pixels.  The distance of finite sets from one distribution is not zero:
    put that of two sets of real rows beside it.

    Parameters
    ----------
    X, Y : arrays of shape (n, n_features) and (m, n_features)
        More rows than features, in each.

    Returns
    -------
    distance : float
        ``|mean_X - mean_Y|^2 + tr(S_X + S_Y - 2 (S_X S_Y)^(1/2))``, in squared units of the
        features, not below 0.

    Raises
    ------
    ValueError
        If the two have "different numbers of features".

    References
    ----------
    Heusel et al. (2017), *GANs trained by a two time-scale update rule*, section 3.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.standard_normal((2, 5000, 3))
    >>> round(frechet_distance(X, Y + 1.0), 1)
    3.0
    """
    X, Y = same_features(X, Y)
    first, second = (np.atleast_2d(np.cov(Z, rowvar=False)) for Z in (X, Y))
    values, axes = np.linalg.eigh(first)
    root = axes * np.sqrt(np.maximum(values, 0.0)) @ axes.T
    # The eigenvalues of S_X S_Y are those of a symmetric matrix.
    shared = np.sum(np.sqrt(np.maximum(eigvalsh(root @ second @ root), 0.0)))
    apart = np.sum((X.mean(axis=0) - Y.mean(axis=0)) ** 2)
    return float(max(apart + np.trace(first) + np.trace(second) - 2 * shared, 0.0))


def kernel_distance(X, Y) -> float:
    """Squared maximum mean discrepancy of two sets of rows, with a cubic kernel.

    The kernel is ``(x . y / n_features + 1)^3``: means, covariances and skewness count.
    Unbiased: about zero, also below, for two sets from one distribution.

    Parameters
    ----------
    X, Y : arrays of shape (n, n_features) and (m, n_features)
        Features of rows, two rows at least in each.

    Returns
    -------
    distance : float

    Raises
    ------
    ValueError
        If the two have "different numbers of features".

    References
    ----------
    Binkowski et al. (2018), *Demystifying MMD GANs*, section 4.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.standard_normal((2, 1000, 3))
    >>> bool(abs(kernel_distance(X, Y)) < 0.05 < 1.0 < kernel_distance(X, Y + 1.0))
    True
    """
    X, Y = same_features(X, Y)

    def kernel(A, B):
        return (A @ B.T / A.shape[1] + 1) ** 3

    def within(A):
        matrix = kernel(A, A)
        return (matrix.sum() - np.trace(matrix)) / (len(A) * (len(A) - 1))

    return float(within(X) + within(Y) - 2 * kernel(X, Y).mean())


def same_features(X, Y):
    """Both as arrays of floats with as many columns."""
    X, Y = np.asarray(X, dtype=float), np.asarray(Y, dtype=float)
    if X.ndim != 2 or Y.ndim != 2 or X.shape[1] != Y.shape[1]:
        raise ValueError(
            "Two sets of rows to be compared must be tables of the same features; got "
            f"different numbers of features, or no tables: shapes {X.shape} and {Y.shape}."
        )
    return X, Y
