"""Rows beside draws from the fitted model."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array

from ..evaluation.summary import feature_names
from .axes import grid_of_axes

__all__ = ["PredictiveCheckDisplay"]

MOST = 12  # columns
N_BINS = 30


class PredictiveCheckDisplay:
    """Histograms of columns of X beside those of draws from the fitted model.

    Build it with :meth:`from_estimator`.  Where the two differ, the model cannot describe
    that column: another likelihood, a transformation of the column, or more components.
    :func:`skaws.checks.check_fit` puts figures to it.

    Parameters
    ----------
    real, drawn : ndarray of shape (n, n_columns)
        Entries, NaN where missing.
    names : list of str
        Of the columns.

    Attributes
    ----------
    axes_, figure_ : list of matplotlib Axes, and Figure
        What :meth:`plot` drew on.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skaws import AmortisedFactorAnalysis
    >>> X = load_iris().data
    >>> model = AmortisedFactorAnalysis(2, random_state=0).fit(X)
    >>> display = PredictiveCheckDisplay.from_estimator(model, X, plot=False)
    >>> display.real.shape, display.drawn.shape
    ((150, 4), (1500, 4))
    """

    def __init__(self, *, real: np.ndarray, drawn: np.ndarray, names: list):
        self.real = real
        self.drawn = drawn
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X: ArrayLike,
        *,
        columns: Sequence[int] | None = None,
        random_state: int | np.random.RandomState | None = 0,
        figure=None,
        plot: bool = True,
        **given,
    ):
        """Draw rows from a fitted estimator, and make the picture.

        Parameters
        ----------
        estimator : estimator of skaws
            A fitted one, with ``sample``.
        X : array-like of shape (n_samples, n_features)
            Real rows; NaN marks a missing entry, and is missing in draws, too.
        columns : sequence of int, default=None
            Which columns; None takes all, or twelve in even steps.
        random_state : int, RandomState instance or None, default=0
            Source of randomness.
        figure : matplotlib Figure or SubFigure, default=None
            What to draw on; None makes one.
        plot : bool, default=True
            Whether to draw at once.
        **given : dict
            ``given=`` of a model that has given columns.

        Returns
        -------
        display : PredictiveCheckDisplay

        Raises
        ------
        NotFittedError
            If it is not fitted.
        ValueError
            If X has other columns than were fitted.
        """
        names = feature_names(estimator)
        real = check_array(X, ensure_all_finite="allow-nan", dtype=float)
        if real.shape[1] != len(names):
            raise ValueError(
                f"X has {real.shape[1]} columns, but {type(estimator).__name__} was fitted "
                f"to {len(names)}. Pass the same columns, and `columns` to draw some."
            )
        n_times = 1 if given else 10
        drawn = estimator.sample(n_times * len(real), random_state, **given)
        drawn = np.where(np.isnan(np.tile(real, (n_times, 1))), np.nan, drawn)
        if columns is None:
            n = real.shape[1]
            columns = np.unique(np.linspace(0, n - 1, min(n, MOST)).astype(int))
        display = cls(
            real=real[:, columns],
            drawn=drawn[:, columns],
            names=[names[j] for j in columns],
        )
        return display.plot(figure) if plot else display

    def plot(self, figure=None):
        """Draw one panel a column.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            What to draw on; None makes one.

        Returns
        -------
        display : PredictiveCheckDisplay
            Itself, with ``axes_`` and ``figure_``.
        """
        self.figure_, self.axes_ = grid_of_axes(figure, len(self.names), 4, (2.6, 2.0))
        for j, (axis, name) in enumerate(zip(self.axes_, self.names, strict=True)):
            real, drawn = (own[~np.isnan(own[:, j]), j] for own in (self.real, self.drawn))
            axis.set_title(name, fontsize=9)
            axis.set_yticks([])
            if not len(real):  # wholly missing
                continue
            # The range of real entries, and some more: one draw far out hides no column.
            low, high = np.min(real), np.max(real)
            margin = 0.15 * (high - low) or 1.0
            bins = np.linspace(low - margin, high + margin, N_BINS)
            if np.all(real == np.round(real)) and high - low <= N_BINS:
                bins = np.arange(low - 0.5, high + 1.5)
            for values, color, label in (
                (real, "0.6", "real"),
                (drawn, "tab:blue", "drawn"),
            ):
                weights = np.full(len(values), 1 / max(len(values), 1))
                kind = "stepfilled" if label == "real" else "step"
                how = {"color": color, "histtype": kind, "label": label}
                axis.hist(np.clip(values, bins[0], bins[-1]), bins, weights=weights, **how)
        self.axes_[0].legend(fontsize=8)
        return self
