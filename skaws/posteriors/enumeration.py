"""Posterior of latents that take few values: all of them are summed over."""

from functools import partial

import numpy as np
from scipy.special import logsumexp

from ..simulations import MOST_VALUES, most_values
from ..spaces import map_leaves, rows_of, stack
from ..supports import Counts
from .base import FittedPosterior, Posterior, blocks
from .draws import draw_codes
from .log_joints import log_joint_table

__all__ = ["Enumeration"]

NEGLIGIBLE = -40.0  # log share of a row's probability
CHUNK_NUMBERS = 2_000_000  # at most 16 MB in one temporary


class Enumeration(Posterior):
    """Exact posterior of latents of a finite support: probabilities of all their values.

    There may be 4096 values where the model has a ``log_joint_matrix``, else 256.  The mean
    of a label is its class probabilities.  Counts that are open above, or below, are summed
    as far as a row asks: until the last ones have no more than e^-40 of its probability.

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
        most = most_values(model) if is_closed(space) else MOST_VALUES  # counts may grow
        values = space.values(most)
        if values is None:
            raise ValueError(
                f"Latents of {type(model).__name__} take too many values to be summed over "
                f"(more than {most}); their support is "
                f"{space.latent_support!r}. Take fewer latents, or another posterior."
            )
        return FittedEnumeration(model, params, space, values)


class FittedEnumeration(FittedPosterior):
    """All values of the latents, and their probabilities given rows."""

    def __init__(self, model, params, space, values):
        super().__init__(space)
        self._model, self._params = model, params
        self._values = values
        n_values = int(np.prod([len(alphabet) for alphabet in space.alphabets]))
        self._n_at_once = CHUNK_NUMBERS // (n_values if is_closed(space) else MOST_VALUES)

    def mean(self, X):
        # Chunk by chunk there are never more probabilities than fit into memory.
        found = []
        for rows in self._chunks(X):
            values, log_joint = self._log_joint(X[rows])
            probability = np.exp(normalised(log_joint))
            found.append(map_leaves(partial(np.tensordot, probability, axes=1), values))
        return stack(found)

    def sample(self, X, n_samples, rng, common=False):
        values, log_joint = self._log_joint(X)
        log_probability = normalised(log_joint)
        codes = draw_codes(np.exp(log_probability), n_samples, rng, common)
        log_prob = log_probability[np.arange(len(X)), codes]
        return rows_of(values, codes), log_prob

    def log_marginal(self, X):
        """log p(x) in nats of each row, shape (m,)."""
        tables = [self._log_joint(X[rows])[1] for rows in self._chunks(X)]
        return np.concatenate([logsumexp(table, axis=1) for table in tables])

    def values_for(self, X):
        """Values that hold the probability of rows X, with a first axis of length n."""
        return self._values if is_closed(self.space) else self._log_joint(X)[0]

    def _log_joint(self, X):
        """All values that rows X ask for, and their log joints, (m, n_values)."""
        if is_closed(self.space):
            table = log_joint_table(self._model, self._params, self._values, X)
            return self._values, table
        return enough_values(self._model, self._params, self.space, X)

    def _chunks(self, X):
        return blocks(len(X), self._n_at_once)


def normalised(log_joint):
    """Log probability of each value."""
    return log_joint - logsumexp(log_joint, axis=1, keepdims=True)


def is_closed(space):
    """Whether all values are known: none are counts that may go on."""
    return not any(isinstance(support, Counts) for support, _ in space.finite_groups)


def enough_values(model, params, space, X):
    """Values of latents, counts among them, that hold the probability of rows X.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict of arrays
        Whose log joint.
    space : Space
        Of the latents; values that it knows are where to begin.
    X : array of shape (m, n_features)
        Rows.

    Returns
    -------
    values : array or nested dict of arrays
        With a first axis of length n.
    log_joint : array of shape (m, n)
        In nats.

    Raises
    ------
    ValueError
        If a row asks for "more than" 4096 values.
    """
    values = space.values(MOST_VALUES)
    table = log_joint_table(model, params, values, X)
    while True:
        wider, row = widened_where_it_counts(space, values, table)
        if wider is space:
            return values, table
        more = wider.values(MOST_VALUES)
        if more is None:
            if np.isneginf(table[row]).all():  # it cannot come of any count
                return values, table
            raise ValueError(
                f"The row {X[row]} asks for more than {MOST_VALUES} values of the latents "
                f"of {type(model).__name__}: counts beyond {space.latent_support!r}. Drop "
                "such rows, or declare a latent_support of real numbers."
            )
        try:
            table = log_joint_table(model, params, more, X)
        except (IndexError, KeyError, ValueError):  # the log joint knows no others
            return values, table
        space, values = wider, more


def widened_where_it_counts(space, values, table):
    """The space with more counts, where the last have weight; and a row of which."""
    total = logsumexp(table, axis=1)
    codes = space.codes(values)
    for support, places in space.finite_groups:
        if not isinstance(support, Counts):
            continue
        own = codes[:, places]
        for below in (False, True)[: 1 + support.open_below]:
            last = np.any(own == (0 if below else own.max()), axis=1)
            share = logsumexp(table[:, last], axis=1) - total
            asks = ~(share < NEGLIGIBLE)  # nor is it known where all have none
            if asks.any():
                return space.replaced(support, support.wider(below)), int(np.argmax(asks))
    return space, None
