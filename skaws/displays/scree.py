"""How many components, by the likelihood of rows that were left out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import check_cv

from .axes import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ScreeDisplay"]


class ScreeDisplay:
    """Held-out log-likelihood by number of components, with paired standard errors.

    Build it with :meth:`from_estimator`.  Error bars are those of the difference from the
    best number, row by row.  The red point is the smallest number within one standard error
    of the best (Breiman et al., 1984).

    Parameters
    ----------
    n_components : ndarray of shape (n,)
        Numbers that were compared.
    scores : ndarray of shape (n,)
        Mean log-likelihood of rows that were left out, nats a row.
    standard_errors : ndarray of shape (n,)
        Of the differences from the best; 0 for the best.

    Attributes
    ----------
    best_ : int
        Number of highest score.
    simplest_ : int
        Smallest number within one standard error of it.
    ax_, figure_ : matplotlib Axes and Figure
        What :meth:`plot` drew on.

    Examples
    --------
    >>> from skaws import AmortisedFactorAnalysis
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 2)) @ rng.standard_normal((2, 8))
    >>> X += rng.standard_normal((200, 8))
    >>> model = AmortisedFactorAnalysis(random_state=0)
    >>> display = ScreeDisplay.from_estimator(model, X, n_components=range(4), plot=False)
    >>> display.best_
    2
    """

    def __init__(
        self, *, n_components: np.ndarray, scores: np.ndarray, standard_errors: np.ndarray
    ):
        self.n_components = n_components
        self.scores = scores
        self.standard_errors = standard_errors
        best = np.argmax(scores)
        near = scores >= scores[best] - standard_errors
        self.best_ = int(n_components[best])
        self.simplest_ = int(np.min(np.asarray(n_components)[near]))

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X: ArrayLike,
        *,
        n_components: Sequence[int],
        cv=5,
        n_jobs: int | None = None,
        ax: "Axes | None" = None,
        plot: bool = True,
    ):
        """Fit copies of an estimator, and make the picture.

        Parameters
        ----------
        estimator : estimator of skaws
            With ``n_components``; it stays as it is.
        X : array-like of shape (n_samples, n_features)
            Rows; NaN marks a missing entry.
        n_components : sequence of int
            Numbers to compare.
        cv : int or splitter, default=5
            As scikit-learn's; rows of a fold are scored by fits without them.
        n_jobs : int, default=None
            Number of processes, as joblib's.
        ax : matplotlib Axes, default=None
            Where to draw; None makes one.
        plot : bool, default=True
            Whether to draw at once.

        Returns
        -------
        display : ScreeDisplay

        Raises
        ------
        ValueError
            If `n_components` is empty.
        """
        numbers = np.array(list(n_components))
        if not len(numbers):
            raise ValueError(
                "ScreeDisplay: n_components is empty. Give numbers to compare."
            )
        X = X if hasattr(X, "iloc") or hasattr(X, "tocsr") else np.asarray(X)
        splits = list(check_cv(cv).split(X))
        tasks = [(number, fold) for number in numbers for fold in splits]
        heights = Parallel(n_jobs)(
            delayed(held_out)(estimator, X, int(number), fold) for number, fold in tasks
        )
        table = np.full((len(numbers), X.shape[0]), np.nan)
        places = np.repeat(np.arange(len(numbers)), len(splits))
        for place, (_, (_, test)), own in zip(places, tasks, heights, strict=True):
            table[place, test] = own
        table = table[:, ~np.isnan(table).any(axis=0)]  # splitters may leave rows out
        scores = table.mean(axis=1)
        gaps = table - table[np.argmax(scores)]
        errors = gaps.std(axis=1, ddof=1) / np.sqrt(table.shape[1])
        display = cls(n_components=numbers, scores=scores, standard_errors=errors)
        return display.plot(ax) if plot else display

    def plot(self, ax: "Axes | None" = None):
        """Draw scores and their standard errors.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes one.

        Returns
        -------
        display : ScreeDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        self.ax_ = ax = axes_or_new(ax, (4.8, 3.2))
        self.figure_ = ax.figure
        how = {"fmt": "o-", "capsize": 3, "markersize": 4}
        ax.errorbar(self.n_components, self.scores, self.standard_errors, **how)
        place = np.flatnonzero(self.n_components == self.simplest_)[0]
        ax.plot(self.simplest_, self.scores[place], "o", color="tab:red", zorder=3)
        ax.set_xticks(self.n_components)
        ax.set(xlabel="components", ylabel="nats a row left out")
        return self


def held_out(estimator, X, number, fold):
    """Log-likelihood of the rows of a fold, by a fit to the others."""
    train, test = fold
    take = X.iloc.__getitem__ if hasattr(X, "iloc") else X.__getitem__
    fitted = clone(estimator).set_params(n_components=number).fit(take(train))
    return fitted.score_samples(take(test))
