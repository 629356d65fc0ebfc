"""Loadings as a heat map."""

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..evaluation.summary import feature_names
from .axes import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LoadingsDisplay", "loadings_of"]


class LoadingsDisplay:
    """What each component adds to each column of X, in colours.

    Build it with :meth:`from_estimator`.

    Parameters
    ----------
    loadings : ndarray of shape (n_features, n_components)
        Red is positive, blue negative.
    feature_names : list of str
        Names of the rows.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        What :meth:`plot` drew on.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skaws import AmortisedFactorAnalysis
    >>> X = load_iris(as_frame=True).data
    >>> model = AmortisedFactorAnalysis(2, rotation="promax", random_state=0).fit(X)
    >>> display = LoadingsDisplay.from_estimator(model, standardize=True, plot=False)
    >>> display.feature_names[-1], display.loadings.shape
    ('sepal width (cm)', (4, 2))
    """

    def __init__(self, *, loadings: np.ndarray, feature_names: list):
        self.loadings = loadings
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        order: str = "component",
        standardize: bool = False,
        ax: "Axes | None" = None,
        plot: bool = True,
    ):
        """Read off a fitted estimator, and make the picture.

        Parameters
        ----------
        estimator : AmortisedFactorAnalysis, AmortisedICA or AmortisedNMF
            A fitted one.
        order : {"component", "columns"}, default="component"
            Columns of X one component after another, each where its largest loading is,
            or as they come in X.
        standardize : bool, default=False
            Whether loadings are those of columns of standard deviation one under the model.
        ax : matplotlib Axes, default=None
            Where to draw; None makes one.
        plot : bool, default=True
            Whether to draw at once.

        Returns
        -------
        display : LoadingsDisplay

        Raises
        ------
        NotFittedError
            If it is not fitted.
        TypeError
            If it has no components.
        ValueError
            If `order` is neither of the two.
        NotImplementedError
            If `standardize` is true, and the estimator has no ``get_covariance``.
        """
        loadings, names = loadings_of(estimator).T, feature_names(estimator)
        if order not in ("component", "columns"):
            raise ValueError(f'order must be "component" or "columns"; got {order!r}.')
        if standardize:
            loadings = (
                loadings / np.sqrt(np.diag(estimator.get_covariance()))[:, np.newaxis]
            )
        if order == "component":
            size = np.abs(loadings)
            rows = np.lexsort((-size.max(axis=1), size.argmax(axis=1)))
            loadings, names = loadings[rows], [names[j] for j in rows]
        display = cls(loadings=loadings, feature_names=names)
        return display.plot(ax) if plot else display

    def plot(self, ax: "Axes | None" = None):
        """Draw the heat map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes one.

        Returns
        -------
        display : LoadingsDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        n_rows, n_components = self.loadings.shape
        height = min(12.0, 1.2 + 0.25 * n_rows)
        self.ax_ = ax = axes_or_new(ax, (2.5 + 0.6 * n_components, height))
        self.figure_ = ax.figure
        most = np.max(np.abs(self.loadings), initial=1e-300)
        limits = {"vmin": -most, "vmax": most, "cmap": "RdBu_r", "aspect": "auto"}
        image = ax.imshow(self.loadings, **limits)
        ax.set_xticks(range(n_components))
        if n_rows <= 60:
            ax.set_yticks(range(n_rows), self.feature_names, fontsize=8)
        ax.set(xlabel="component", title="Loadings")
        self.figure_.colorbar(image, ax=ax)
        return self


def loadings_of(estimator):
    """What each latent adds to the columns, (n_components, n_features)."""
    check_is_fitted(estimator)
    if not hasattr(estimator, "components_"):
        raise TypeError(
            "Displays of components are for AmortisedFactorAnalysis, AmortisedICA and "
            f"AmortisedNMF; {type(estimator).__name__} has no components_."
        )
    if not len(estimator.components_):
        raise ValueError(
            f"{type(estimator).__name__} was fitted with n_components=0: there is no "
            "component to draw."
        )
    mixing = getattr(estimator, "mixing_", None)
    return estimator.components_ if mixing is None else mixing.T
