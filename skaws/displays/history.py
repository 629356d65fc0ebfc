"""How a fit went."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .axes import grid_of_axes

__all__ = ["HistoryDisplay"]

#: Figures that are drawn, and what they are.
PANELS = {
    "gain": "gained so far, nats a row",
    "gradient_norm": "norm of the gradient",
    "regression_error": "error of the regression",
    "input_distance": "distance of rows from simulations",
}


class HistoryDisplay:
    """How the figures of a fit went, iteration by iteration.

    Build it with :meth:`from_estimator`.  *Gained so far* is the sum of what each step is
    estimated to have gained: it should have come to rest.  The *gradient* is noisy, and
    stays above zero; it should not grow.  The *error of the regression* is 1 where it
    predicts nothing, which costs no bias; well above 1 it does harm.  The *distance* is
    about 1 where simulations look like the rows: a value that stays away from 1 says that
    the model cannot describe them.

    Parameters
    ----------
    history : dict of ndarray
        As ``history_`` of an estimator.

    Attributes
    ----------
    axes_, figure_ : list of matplotlib Axes, and Figure
        What :meth:`plot` drew on.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skaws import AmortisedFactorAnalysis
    >>> model = AmortisedFactorAnalysis(1, random_state=0).fit(load_iris().data)
    >>> display = HistoryDisplay.from_estimator(model, plot=False)
    >>> len(display.history["gain"]) == model.n_iter_
    True
    """

    def __init__(self, *, history: dict):
        self.history = history

    @classmethod
    def from_estimator(cls, estimator, *, figure=None, plot: bool = True):
        """Read off a fitted estimator, and make the picture.

        Parameters
        ----------
        estimator : estimator of skaws
            A fitted one, with a ``history_``.
        figure : matplotlib Figure or SubFigure, default=None
            What to draw on; None makes one.
        plot : bool, default=True
            Whether to draw at once.

        Returns
        -------
        display : HistoryDisplay

        Raises
        ------
        NotFittedError
            If it is not fitted.
        """
        check_is_fitted(estimator)
        display = cls(history=estimator.history_)
        return display.plot(figure) if plot else display

    def plot(self, figure=None):
        """Draw one panel a figure.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            What to draw on; None makes one.

        Returns
        -------
        display : HistoryDisplay
            Itself, with ``axes_`` and ``figure_``.
        """
        shown = {name: PANELS.get(name, name) for name in self.history if name in PANELS}
        shown = shown or {name: name for name in self.history}
        self.figure_, self.axes_ = grid_of_axes(figure, len(shown), 4, (3.0, 2.5))
        for axis, (name, title) in zip(self.axes_, shown.items(), strict=True):
            values = np.asarray(self.history[name], dtype=float)
            values = np.cumsum(values) if name == "gain" else values
            axis.plot(np.arange(1, len(values) + 1), values, linewidth=1)
            axis.set_title(title, fontsize=9)
            axis.set_xlabel("iteration", fontsize=8)
        return self
