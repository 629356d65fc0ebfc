"""Every value that latents take."""

import numpy as np

__all__ = ["EnumeratedProposal"]


class EnumeratedProposal:
    """Every value that the latents take: no sampling at all, and exact answers.

    Parameters
    ----------
    values : array of shape (n_values, n_latents)
        The values.
    n_draws : int
        What the sum of the weights will be divided by.
    """

    def __init__(self, values, n_draws):
        self._values = values
        self._log_density = -np.log(n_draws)

    def __call__(self, X):
        for value in self._values:
            yield np.tile(value, (len(X), 1)), np.full(len(X), self._log_density)
