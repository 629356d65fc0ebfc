"""Components as pictures, curves or words."""

import numpy as np

from ..evaluation.summary import feature_names
from .axes import grid_of_axes
from .loadings import loadings_of

__all__ = ["ComponentsDisplay"]

KINDS = ("bars", "curves", "images")


class ComponentsDisplay:
    """What each component is: an image, a curve over the columns, or its largest entries.

    Build it with :meth:`from_estimator`.

    Parameters
    ----------
    components : ndarray of shape (n_components, n_features)
        What is drawn.
    feature_names : list of str
        Names of the columns.
    kind : {"bars", "curves", "images"}
        How.
    image_shape : tuple of two ints, default=None
        Of images.
    n_largest : int, default=8
        Entries of each component, for bars.

    Attributes
    ----------
    axes_, figure_ : list of matplotlib Axes, and Figure
        What :meth:`plot` drew on.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skaws import AmortisedNMF
    >>> X = load_digits().data
    >>> model = AmortisedNMF(3, max_iter=60, random_state=0).fit(X)
    >>> display = ComponentsDisplay.from_estimator(model, image_shape=(8, 8), plot=False)
    >>> display.kind, display.components.shape
    ('images', (3, 64))
    """

    def __init__(
        self,
        *,
        components: np.ndarray,
        feature_names: list,
        kind: str = "bars",
        image_shape=None,
        n_largest: int = 8,
    ):
        self.components = components
        self.feature_names = feature_names
        self.kind = kind
        self.image_shape = image_shape
        self.n_largest = n_largest

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        kind: str | None = None,
        image_shape=None,
        n_largest: int = 8,
        figure=None,
        plot: bool = True,
    ):
        """Read off a fitted estimator, and make the picture.

        Parameters
        ----------
        estimator : AmortisedFactorAnalysis, AmortisedICA or AmortisedNMF
            A fitted one.
        kind : {"bars", "curves", "images"}, default=None
            None draws images where there is an `image_shape`, curves of more than forty
            columns without names, and bars else.
        image_shape : tuple of two ints, default=None
            Rows and columns of pixels.
        n_largest : int, default=8
            Entries of each component, for bars.
        figure : matplotlib Figure or SubFigure, default=None
            What to draw on; None makes one.
        plot : bool, default=True
            Whether to draw at once.

        Returns
        -------
        display : ComponentsDisplay

        Raises
        ------
        NotFittedError
            If it is not fitted.
        TypeError
            If it has no components.
        ValueError
            If `kind` is none of the three, or `image_shape` does not hold a column a pixel.
        """
        components = loadings_of(estimator)
        n_features = components.shape[1]
        if kind is None:
            named = hasattr(estimator, "feature_names_in_") or n_features <= 40
            kind = "images" if image_shape else ("bars" if named else "curves")
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}.")
        if kind == "images" and np.prod(image_shape or (), dtype=int) != n_features:
            raise ValueError(
                f"image_shape={image_shape} does not hold {n_features} columns, one a "
                "pixel."
            )
        display = cls(
            components=components,
            feature_names=feature_names(estimator),
            kind=kind,
            image_shape=image_shape,
            n_largest=n_largest,
        )
        return display.plot(figure) if plot else display

    def plot(self, figure=None):
        """Draw one panel a component.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            What to draw on; None makes one.

        Returns
        -------
        display : ComponentsDisplay
            Itself, with ``axes_`` and ``figure_``.
        """
        n, n_columns = len(self.components), 10 if self.kind == "images" else 3
        size = (1.2, 1.4) if self.kind == "images" else (3.2, 2.2)
        self.figure_, self.axes_ = grid_of_axes(figure, n, n_columns, size)
        draw = {"bars": self._bars, "curves": self._curve, "images": self._image}[self.kind]
        for number, (axis, row) in enumerate(zip(self.axes_, self.components, strict=True)):
            draw(axis, row)
            axis.set_title(str(number), fontsize=9)
        return self

    def _image(self, axis, row):
        most = np.max(np.abs(row), initial=1e-300)
        signed = np.any(row < 0)
        limits = {"vmin": -most if signed else 0.0, "vmax": most}
        axis.imshow(
            row.reshape(self.image_shape), cmap="RdBu_r" if signed else "gray_r", **limits
        )
        axis.set_axis_off()

    def _curve(self, axis, row):
        axis.plot(row, linewidth=1)
        axis.axhline(0.0, color="0.7", linewidth=0.5, zorder=0)

    def _bars(self, axis, row):
        order = np.argsort(-np.abs(row), kind="stable")[: self.n_largest]
        axis.barh(range(len(order)), row[order])
        names = [self.feature_names[j] for j in order]
        axis.set_yticks(range(len(order)), names, fontsize=8)
        axis.invert_yaxis()
