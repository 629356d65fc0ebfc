"""Log joints of each of some latents with each row."""

import numpy as np

from ..spaces import columns_of, rows_of
from .base import blocks

__all__ = ["log_joint_table"]

CHUNK_NUMBERS = 1_000_000  # at most 8 MB of rows at once


def log_joint_table(model, params, latents, X):
    """log p(z, x) of every pair, in as few calls of the model as memory allows.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict of arrays
        Of which latents and rows are.
    latents : array or nested dict of arrays
        With a first axis of length n.
    X : array of shape (m, n_features)
        Rows.

    Returns
    -------
    log_joint : array of shape (m, n)
        In nats; minus infinity where it is not a number.

    Examples
    --------
    >>> from skaws.models import FunctionModel
    >>> model = FunctionModel(None, lambda params, z, x: -((x - z)[:, 0] ** 2), None)
    >>> log_joint_table(model, {}, np.array([[0.0], [2.0]]), np.array([[1.0], [4.0]]))
    array([[ -1.,  -1.],
           [-16.,  -4.]])
    """
    n = len(columns_of(latents))
    width = n * (X.shape[1] + columns_of(latents).shape[1])
    matrix = getattr(model, "log_joint_matrix", None) or by_pairs(model)
    table = np.empty((len(X), n))
    with np.errstate(all="ignore"):  # some latents cannot have given a row
        for rows in blocks(len(X), CHUNK_NUMBERS // width):
            table[rows] = matrix(params, latents, X[rows])
    return np.where(np.isnan(table), -np.inf, table)


def by_pairs(model):
    """What ``log_joint_matrix`` would give, by the log joint of all pairs."""

    def matrix(params, latents, X):
        n = len(columns_of(latents))
        repeated = rows_of(latents, np.tile(np.arange(n), len(X)))
        values = model.log_joint(params, repeated, np.repeat(X, n, axis=0))
        return np.reshape(values, (len(X), n))

    return matrix
