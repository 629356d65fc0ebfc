"""Posterior of latents that take few values: all of them are summed over."""

import numpy as np
from scipy.special import logsumexp

from ..spaces import map_leaves, rows_of
from .base import FittedPosterior, Posterior, blocks
from .draws import draw_codes
from .log_joints import log_joint_table

__all__ = ["Enumeration"]

MOST_VALUES = 4096  # where one product gives all log joints
MOST_PAIRED = 256  # where each pair is a row of its own
CHUNK_NUMBERS = 2_000_000  # at most 16 MB in one temporary


class Enumeration(Posterior):
    """Exact posterior of latents of a finite support: probabilities of all their values.

    There may be 4096 values where the model has a ``log_joint_matrix``, else 256.  The mean
    of a label is its class probabilities.

    Raises
    ------
    ValueError
        In `fit`, if latents take "too many values" to be summed over.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Categorical
    >>> from skaws.simulations import simulate
    >>> model = LatentVariableModel(Categorical(2), Linear(), Gaussian())
    >>> decoder = {"components": np.array([[-1.0], [1.0]]), "mean": np.zeros(1)}
    >>> prior, likelihood = {"probability": np.full(2, 0.5)}, {"noise_variance": 1.0}
    >>> params = {"prior": prior, "decoder": decoder, "likelihood": likelihood}
    >>> rng = np.random.default_rng(0)
    >>> fitted = Enumeration().fit(model, params, simulate(model, params, 10, rng), rng)
    >>> fitted.mean(np.ones((1, 1))).round(4).tolist()  # 1 / (1 + exp(2)), and the rest
    [[0.1192, 0.8808]]
    """

    def suits(self, model, params, space):
        return space.values(most_values(model)) is not None

    def fit(self, model, params, simulations, rng, previous=None):
        space = simulations.space
        values = space.values(most_values(model))
        if values is None:
            raise ValueError(
                f"Latents of {type(model).__name__} take too many values to be summed over "
                f"(more than {most_values(model)}); their support is "
                f"{space.latent_support!r}. Take fewer latents, or another posterior."
            )
        return FittedEnumeration(model, params, space, values)


def most_values(model):
    """How many values latents may take."""
    return MOST_VALUES if hasattr(model, "log_joint_matrix") else MOST_PAIRED


class FittedEnumeration(FittedPosterior):
    """All values of the latents, and their probabilities given rows."""

    def __init__(self, model, params, space, values):
        super().__init__(space)
        self._model, self._params = model, params
        self._values = values
        self._n_values = int(np.prod([len(alphabet) for alphabet in space.alphabets]))

    def mean(self, X):
        # Chunk by chunk there are never more probabilities than fit into memory.
        blocks = [np.exp(self._log_probability(X[rows])) for rows in self._chunks(X)]
        return map_leaves(
            lambda leaf: np.concatenate([np.tensordot(p, leaf, 1) for p in blocks]),
            self._values,
        )

    def sample(self, X, n_samples, rng, common=False):
        log_probability = self._log_probability(X)
        codes = draw_codes(np.exp(log_probability), n_samples, rng, common)
        log_prob = log_probability[np.arange(len(X)), codes]
        return rows_of(self._values, codes), log_prob

    def log_marginal(self, X):
        """log p(x) in nats of each row, shape (m,)."""
        blocks = [self._log_joint(X[rows]) for rows in self._chunks(X)]
        return np.concatenate([logsumexp(block, axis=1) for block in blocks])

    def _log_probability(self, X):
        log_joint = self._log_joint(X)
        return log_joint - logsumexp(log_joint, axis=1, keepdims=True)

    def _log_joint(self, X):
        return log_joint_table(self._model, self._params, self._values, X)

    def _chunks(self, X):
        return blocks(len(X), CHUNK_NUMBERS // self._n_values)
