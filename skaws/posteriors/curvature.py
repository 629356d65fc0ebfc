"""What observed entries tell of latents under linear components."""

import numpy as np

__all__ = ["Curvature"]


class Curvature:
    """``W diag(information) W.T`` of each row over its observed entries.

    Parameters
    ----------
    components : array of shape (n_latents, n_features)
        W: products of each pair of its rows are stored.

    Examples
    --------
    >>> curvature = Curvature(np.ones((1, 3)))
    >>> curvature(np.full((1, 3), 2.0), np.array([[0.0, 0.0, np.nan]])).tolist()
    [[[4.0]]]
    """

    def __init__(self, components):
        self._n_latents = len(components)
        products = components[:, None, :] * components[None, :, :]
        self._products = products.reshape(self._n_latents**2, -1).T

    def __call__(self, information, X):
        seen = np.where(np.isnan(X), 0.0, information)
        return (seen @ self._products).reshape(-1, self._n_latents, self._n_latents)
