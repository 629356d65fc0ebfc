"""Whether the top words of a topic occur together."""

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

__all__ = ["coherence"]


def coherence(topics: list, X: ArrayLike, feature_names: list | None = None) -> np.ndarray:
    """Normalised pointwise mutual information of the words of each topic.

    Parameters
    ----------
    topics : list of list of str or int
        Words of each topic, two at least: names of columns, or their numbers, such as
        :meth:`skaws.AmortisedNMF.top_features` returns.
    X : {array-like, sparse matrix} of shape (n_documents, n_features)
        Counts; a word occurs in a document where its entry is above zero. Those of other
        documents than were fitted say most.
    feature_names : list of str, default=None
        Names of the columns. None takes those of a data frame, or "x0", "x1", ...

    Returns
    -------
    coherence : ndarray of shape (n_topics,)
        Means over pairs of words, between -1 (never in one document) and 1 (always
        together); 0 is chance.

    Raises
    ------
    ValueError
        If a topic has fewer than two words, or a word that is no column of X.

    Notes
    -----
    Of Lau, Newman & Baldwin (2014), *Machine reading tea leaves*, with documents for
    windows.  A pair of which one word never occurs counts as -1.

    Examples
    --------
    >>> X = np.array([[2, 1, 0, 0], [1, 3, 0, 1], [0, 0, 2, 1], [0, 0, 1, 0]])
    >>> coherence([["x0", "x1"], ["x0", "x2"]], X).tolist()
    [1.0, -1.0]
    """
    if feature_names is None:
        feature_names = getattr(X, "columns", [f"x{j}" for j in range(X.shape[1])])
    places = {name: j for j, name in enumerate(feature_names)}
    occurs = (X if issparse(X) else np.asarray(X)) > 0
    found = []
    for words in topics:
        if len(words) < 2:
            raise ValueError(f"coherence needs two words of a topic at least; got {words}.")
        columns = [place_of(word, places, X.shape[1]) for word in words]
        seen = occurs[:, columns]
        seen = np.asarray(seen.toarray() if issparse(seen) else seen, dtype=float)
        both = seen.T @ seen / len(seen)
        pairs = combinations(range(len(words)), 2)
        found.append(np.mean([npmi(both, *pair) for pair in pairs]))
    return np.array(found)


def place_of(word, places, n_features):
    """Number of the column of a word."""
    if word in places:
        return places[word]
    if isinstance(word, (int, np.integer)) and 0 <= word < n_features:
        return int(word)
    raise ValueError(f"coherence: {word!r} is no column of X. Pass feature_names.")


def npmi(both, i, j):
    """Normalised pointwise mutual information, from shares of documents."""
    if both[i, j] == 0:
        return -1.0
    if both[i, j] == 1:
        return 1.0
    return np.log(both[i, j] / (both[i, i] * both[j, j])) / -np.log(both[i, j])
