"""A fitted simulator in one picture."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm
from sklearn.utils.validation import check_is_fitted

from ..lifted import read_series
from .axes import grid_of_axes, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SimulatorDisplay"]

IN_A_ROW = 6  # parameters
WIDE = 30.0  # ratio of a prior's 99% to its 1% quantile from which scales are logarithmic
BAND = (0.05, 0.5, 0.95)
UNLIKELY = 0.01  # tail probability of a check that says that the simulator does not fit


class SimulatorDisplay:
    """Parameters, series and checks of a fitted :class:`~skaws.AmortisedSimulator`.

    Build it with :meth:`from_estimator`.  It has three parts, each of which can be drawn
    alone: prior and posterior of each parameter (:meth:`plot_parameters`), a real series
    over the band of simulated ones (:meth:`plot_series`), and the statistics of
    ``check()`` over theirs (:meth:`plot_checks`).

    Parameters
    ----------
    prior, posterior : dict of ndarray of shape (n_draws,)
        Draws of each parameter.
    series : ndarray of shape (n_times, n_channels)
        A real series, NaN where missing.
    band : ndarray of shape (3, n_times, n_channels)
        5%, 50% and 95% quantiles of simulated series, at draws of the posterior.
    checks : list of PredictiveCheck
        Statistics of real series beside those of simulated ones.
    distance : float
        Of the series from simulated ones; about one where the simulator fits.

    Attributes
    ----------
    figure_ : matplotlib Figure
        What :meth:`plot` drew on.

    Examples
    --------
    >>> from scipy.stats import norm, uniform
    >>> from skaws import AmortisedSimulator
    >>> def walk(level, persistence, rng, n_times):
    ...     x = np.tile(level[:, None], n_times)
    ...     for t in range(1, n_times):
    ...         last = x[:, t - 1] - level
    ...         x[:, t] = level + persistence * last + rng.standard_normal(len(level))
    ...     return x
    >>> priors = {"level": norm(0, 3), "persistence": uniform(0, 1)}
    >>> rng = np.random.default_rng(0)
    >>> X = walk(np.full(1, 2.0), np.full(1, 0.7), rng, 60)
    >>> model = AmortisedSimulator(walk, priors, vectorized=True, random_state=0).fit(X)
    >>> display = SimulatorDisplay.from_estimator(model, X, plot=False)
    >>> sorted(display.posterior), display.band.shape
    (['level', 'persistence'], (3, 60, 1))
    """

    def __init__(
        self,
        *,
        prior: dict,
        posterior: dict,
        series: np.ndarray,
        band: np.ndarray,
        checks: list,
        distance: float,
    ):
        self.prior = prior
        self.posterior = posterior
        self.series = series
        self.band = band
        self.checks = checks
        self.distance = distance

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X: ArrayLike,
        *,
        n_draws: int = 1000,
        random_state: int | np.random.RandomState | None = 0,
        figure=None,
        plot: bool = True,
    ):
        """Draw from a fitted estimator, and make the picture.

        Parameters
        ----------
        estimator : AmortisedSimulator
            A fitted one.
        X : array-like
            Series of one length, as for ``fit``, of which the first is drawn.
        n_draws : int, default=1000
            Draws of parameters; simulated series are at most 300.
        random_state : int, RandomState instance or None, default=0
            Source of randomness.
        figure : matplotlib Figure or SubFigure, default=None
            What to draw on; None makes one.
        plot : bool, default=True
            Whether to draw at once.

        Returns
        -------
        display : SimulatorDisplay

        Raises
        ------
        NotFittedError
            If it is not fitted.
        TypeError
            If it is no estimator of a simulator.
        ImportError
            If matplotlib is not installed, and the picture is to be drawn.
        """
        if not hasattr(estimator, "sample_parameters"):
            raise TypeError(
                "SimulatorDisplay is for a fitted AmortisedSimulator; got "
                f"{type(estimator).__name__}."
            )
        check_is_fitted(estimator)
        posterior = estimator.sample_parameters(n_draws, random_state)
        prior = {
            name: estimator.parameters[name].rvs(n_draws, random_state=random_state)
            for name in posterior
        }
        series = read_series(X, "SimulatorDisplay")[0]
        n_times = len(series)
        drawn = estimator.sample(min(n_draws, 300), random_state, n_times=n_times)
        drawn = drawn.reshape(len(drawn), n_times, -1)
        drawn = drawn[np.isfinite(drawn).all(axis=(1, 2))]  # those that did not fail
        display = cls(
            prior=prior,
            posterior=posterior,
            series=series,
            band=np.quantile(drawn, BAND, axis=0),
            checks=estimator.check(X, random_state=random_state),
            distance=float(estimator.distance_),
        )
        return display.plot(figure) if plot else display

    def plot(self, figure=None):
        """Draw all three parts.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            What to draw on; None makes one.

        Returns
        -------
        display : SimulatorDisplay
            Itself, with ``figure_``.
        """
        n_rows = -(-len(self.posterior) // IN_A_ROW)
        if figure is None:
            figure = new_figure((11, 3.4 + 1.9 * n_rows))
        self.figure_ = figure
        top, bottom = figure.subfigures(2, 1, height_ratios=(1.9 * n_rows, 3.4))
        left, right = bottom.subfigures(1, 2, width_ratios=(1.7, 1))
        self.plot_parameters(top)
        n_channels = self.series.shape[1]
        rows = left.subplots(n_channels, 1, sharex=True, squeeze=False)[:, 0]
        for channel, axis in enumerate(rows):
            self.plot_series(axis, channel)
        self.plot_checks(right.subplots())
        return self

    def plot_parameters(self, figure=None):
        """Prior (grey) and posterior (blue) of each parameter, side by side.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, default=None
            What to draw on; None makes one.

        Returns
        -------
        axes : list of matplotlib Axes
            One a parameter.
        """
        n_parameters = len(self.posterior)
        figure, axes = grid_of_axes(figure, n_parameters, IN_A_ROW, (1.9, 1.9))
        for axis, (name, draws) in zip(axes, self.posterior.items(), strict=True):
            before = self.prior[name]
            low, high = np.quantile(before, (0.01, 0.99))
            ends = min(low, draws.min()), max(high, draws.max())
            logarithmic = ends[0] > 0 and high / low > WIDE
            bins = np.geomspace(*ends, 50) if logarithmic else np.linspace(*ends, 50)
            for values, color in ((before, "0.75"), (draws, "tab:blue")):
                # Heights are shares of draws, so that both are seen on any scale.
                weights = np.full(len(values), 1 / len(values))
                axis.hist(values, bins, weights=weights, color=color, alpha=0.7)
            axis.set_title(name, fontsize=9)
            axis.set(yticks=[], xscale="log" if logarithmic else "linear")
            axis.minorticks_off()  # their labels would cover each other
        figure.suptitle("Prior (grey) and posterior (blue)", fontsize=10)
        return axes

    def plot_series(self, ax: "Axes | None" = None, channel: int = 0):
        """A real series over the 90% band of simulated ones.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes one.
        channel : int, default=0
            Which channel.

        Returns
        -------
        ax : matplotlib Axes
        """
        ax = ax or new_figure((6.4, 3.4)).subplots()
        low, middle, high = self.band[:, :, channel]
        times = np.arange(len(middle))
        ax.fill_between(times, low, high, color="tab:blue", alpha=0.25, linewidth=0)
        ax.plot(times, middle, color="tab:blue", linewidth=1, label="simulated, 90% band")
        real = self.series[:, channel]
        ax.plot(times, real, "k.-", linewidth=0.8, markersize=2.5, label="real")
        ax.set(xlabel="time", title=f"Series, at distance {self.distance:.2f}")
        ax.title.set_fontsize(10)
        ax.legend(fontsize=8)
        return ax

    def plot_checks(self, ax: "Axes | None" = None):
        """Statistics of real series, in standard deviations of simulated ones.

        Bars are the 90% interval of simulations, points are real, and red where the tail
        probability is below 0.01.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes one.

        Returns
        -------
        ax : matplotlib Axes
        """
        ax = ax or new_figure((4.5, 3.4)).subplots()
        for place, check in enumerate(self.checks):
            # The interval of a Gaussian of standard deviation one is 3.29 wide.
            scale = (check.high - check.low) / (2 * norm.ppf(0.95)) or 1.0
            low, real, high = (
                (value - check.median) / scale
                for value in (check.low, check.observed, check.high)
            )
            ax.plot([low, high], [place, place], color="tab:blue", lw=6, alpha=0.3)
            color = "tab:red" if check.tail < UNLIKELY else "black"
            ax.plot(real, place, "o", color=color)
            tail = f"p = {check.tail:.2f}"
            ax.annotate(
                tail,
                (1.0, place),
                (4, -3),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                fontsize=8,
            )
        names = [check.statistic for check in self.checks]
        ax.set_yticks(range(len(names)), names, fontsize=8)
        ax.invert_yaxis()
        ax.set(xlabel="standard deviations of simulations", title="Checks")
        ax.title.set_fontsize(10)
        return ax
