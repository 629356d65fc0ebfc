"""Which of several fitted models predicts new rows best, and how sure that is."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Compared", "compare"]


class Compared(NamedTuple):
    """One line of a comparison.

    Attributes
    ----------
    name : str
        Of the estimator.
    score : float
        Mean log-likelihood of a row, in nats.
    difference : float
        From the best score, 0 or less.
    standard_error : float
        Of the difference, over rows; 0 for the best.
    """

    name: str
    score: float
    difference: float
    standard_error: float


def compare(estimators: dict, X: ArrayLike):
    """Mean held-out log-likelihood of fitted estimators, best first.

    Scores of one row by two models go up and down together.  The standard error is that
    of the mean of their differences, row by row: it is smaller than what two separate
    standard errors suggest.

    Parameters
    ----------
    estimators : dict of str to fitted estimators
        With a ``score_samples`` method that returns log densities in the same units: those
        of skaws, and scikit-learn's ``GaussianMixture`` or ``FactorAnalysis``.
    X : array-like of shape (n_samples, n_features)
        Rows that none of them was fitted to, two at least.

    Returns
    -------
    lines : list of Compared
        ``pandas.DataFrame(lines)`` is a table.

    Raises
    ------
    TypeError
        If an estimator has no ``score_samples``.
    ValueError
        If there are no estimators, or scores of fewer than two rows.

    Notes
    -----
    Rows are taken as independent.  A difference of less than two standard errors is none
    to rely on; with many estimators the best is flattered by the choice.

    Examples
    --------
    >>> from skaws import AmortisedFactorAnalysis
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data
    >>> names = {f"{k} factors": AmortisedFactorAnalysis(k, random_state=0) for k in (1, 2)}
    >>> fitted = {name: model.fit(X[::2]) for name, model in names.items()}
    >>> for line in compare(fitted, X[1::2]):
    ...     print(f"{line.name} {line.difference:.2f} ({line.standard_error:.2f})")
    2 factors 0.00 (0.00)
    1 factors -0.22 (0.04)
    """
    if len(estimators) == 0:
        raise ValueError("compare: there are no estimators. Pass a dict of fitted ones.")
    for name, estimator in estimators.items():
        if not hasattr(estimator, "score_samples"):
            raise TypeError(
                f"compare: {name!r}, a {type(estimator).__name__}, has no score_samples "
                "method, and so no log-likelihood to compare."
            )
    scores = {
        name: np.asarray(estimator.score_samples(X))
        for name, estimator in estimators.items()
    }
    means = {name: own.mean() for name, own in scores.items()}
    best = max(means, key=means.get)
    n_rows = len(scores[best])
    if n_rows < 2:
        raise ValueError(
            f"compare: X has {n_rows} row; a standard error needs two at least."
        )
    lines = []
    for name in sorted(means, key=means.get, reverse=True):
        gaps = scores[name] - scores[best]
        error = gaps.std(ddof=1) / np.sqrt(n_rows)
        lines.append(Compared(name, float(means[name]), float(gaps.mean()), float(error)))
    return lines
