"""What one row says of its latents."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from ..spaces import columns_of
from .axes import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PosteriorDisplay"]

BAND = (0.05, 0.95)


class PosteriorDisplay:
    """Mean and 90% interval of each latent of a row.

    Build it with :meth:`from_estimator`.  Grey is the prior, which is what a row without
    any entries would say.

    Parameters
    ----------
    draws : ndarray of shape (n_draws, n_latents)
        From the posterior of one row.
    prior : ndarray of shape (n_draws, n_latents) or None
        From the prior; None where that depends on given columns.
    names : list of str
        Of the latents.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        What :meth:`plot` drew on.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skaws import AmortisedFactorAnalysis
    >>> X = load_iris().data
    >>> model = AmortisedFactorAnalysis(2, random_state=0).fit(X)
    >>> display = PosteriorDisplay.from_estimator(model, X[:1], plot=False)
    >>> display.draws.shape, bool(np.all(display.draws.std(axis=0) < 1))
    ((1000, 2), True)
    """

    def __init__(self, *, draws: np.ndarray, prior: np.ndarray, names: list):
        self.draws = draws
        self.prior = prior
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X: ArrayLike,
        *,
        n_draws: int = 1000,
        random_state: int | np.random.RandomState | None = 0,
        ax: "Axes | None" = None,
        plot: bool = True,
        **given,
    ):
        """Draw latents of one row, and make the picture.

        Parameters
        ----------
        estimator : estimator of skaws
            A fitted one, with ``sample_posterior``.
        X : array-like of shape (1, n_features)
            A row; NaN marks a missing entry.
        n_draws : int, default=1000
            Draws of its latents.
        random_state : int, RandomState instance or None, default=0
            Source of randomness.
        ax : matplotlib Axes, default=None
            Where to draw; None makes one.
        plot : bool, default=True
            Whether to draw at once.
        **given : dict
            ``given=`` of a model that has given columns.

        Returns
        -------
        display : PosteriorDisplay

        Raises
        ------
        NotFittedError
            If it is not fitted.
        ValueError
            If X is more than one row.
        """
        draws = estimator.sample_posterior(X, n_draws, random_state, **given)
        if draws.shape[1] != 1:
            raise ValueError(
                f"PosteriorDisplay is for one row; X has {draws.shape[1]}. Pass X[[i]]."
            )
        prior = None if given else prior_draws(estimator, n_draws, random_state)
        names = [f"latent {k}" for k in range(draws.shape[2])]
        display = cls(draws=draws[:, 0], prior=prior, names=names)
        return display.plot(ax) if plot else display

    def plot(self, ax: "Axes | None" = None):
        """Draw means and intervals.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes one.

        Returns
        -------
        display : PosteriorDisplay
            Itself, with ``ax_`` and ``figure_``.
        """
        n_latents = self.draws.shape[1]
        self.ax_ = ax = axes_or_new(ax, (4.5, 1.2 + 0.3 * n_latents))
        self.figure_ = ax.figure
        places = np.arange(n_latents)
        for draws, color, width in ((self.prior, "0.85", 9), (self.draws, "tab:blue", 4)):
            if draws is not None:
                low, high = np.quantile(draws, BAND, axis=0)
                ax.hlines(places, low, high, color=color, linewidth=width)
        ax.plot(self.draws.mean(axis=0), places, "ko", markersize=4)
        ax.set_yticks(places, self.names, fontsize=8)
        ax.invert_yaxis()
        ax.set(title="Latents of a row: mean and 90%")
        return self


def prior_draws(estimator, n_draws, random_state):
    """Latents as the fitted model draws them, in the columns of ``transform``."""
    rng = np.random.default_rng(check_random_state(random_state).randint(2**32))
    return columns_of(estimator._model.sample(estimator.params_, n_draws, rng)[0])
