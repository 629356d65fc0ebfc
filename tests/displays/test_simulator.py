"""Pictures show what the estimator says."""

import builtins

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import loguniform, norm
from sklearn.exceptions import NotFittedError

from skaws import AmortisedFactorAnalysis, AmortisedSimulator
from skaws.displays import SimulatorDisplay

matplotlib.use("Agg")
PRIORS = {"level": norm(0, 3), "sd": loguniform(0.05, 20)}


def noisy(level, sd, rng, n_times):
    size = (len(level), n_times, 2)
    return level[:, None, None] + sd[:, None, None] * rng.standard_normal(size)


@pytest.fixture(scope="module")
def fitted():
    X = noisy(np.full(3, 2.0), np.full(3, 0.5), np.random.default_rng(0), 40)
    X[0, 5] = np.nan
    model = AmortisedSimulator(noisy, PRIORS, vectorized=True, random_state=0)
    return model.fit(X), X


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_what_is_drawn_is_what_the_estimator_says(fitted):
    model, X = fitted
    display = SimulatorDisplay.from_estimator(model, X, plot=False, n_draws=4000)
    for name, draws in display.posterior.items():
        # Means of 4000 draws: five standard errors.
        allowed = 5 * model.standard_errors_[name] / np.sqrt(4000)
        assert abs(np.mean(draws) - model.parameters_[name]) < allowed + 1e-2
        assert np.std(display.prior[name]) > 3 * np.std(draws)
    assert display.distance == model.distance_
    assert [check.tail for check in display.checks] == [c.tail for c in model.check()]
    low, _, high = display.band
    inside = (low < display.series) & (display.series < high)
    seen = ~np.isnan(display.series)
    assert 0.75 < inside[seen].mean() < 1.0  # 90% of 80 entries; sd .034


def test_all_parts(fitted):
    model, X = fitted
    display = SimulatorDisplay.from_estimator(model, X)
    titles = [axis.get_title() for axis in display.figure_.axes]
    assert titles[:2] == ["level", "sd"] and titles[-1] == "Checks"
    assert len(titles) == 2 + 2 + 1  # parameters, channels, checks
    scales = [axis.get_xscale() for axis in display.figure_.axes[:2]]
    assert scales == ["linear", "log"]
    band = display.figure_.axes[2].lines
    np.testing.assert_array_equal(band[0].get_ydata(), display.band[1, :, 0])
    np.testing.assert_array_equal(band[1].get_ydata(), display.series[:, 0])


def test_each_part_alone_and_on_a_given_figure(fitted):
    display = SimulatorDisplay.from_estimator(*fitted, plot=False)
    assert len(display.plot_parameters()) == 2
    figure, ax = plt.subplots()
    assert display.plot_series(ax, channel=1) is ax
    assert display.plot_checks().get_title() == "Checks"
    own = plt.figure()
    assert display.plot(own).figure_ is own


def test_other_series_that_do_not_fit_are_red(fitted):
    model, X = fitted
    reds = []
    for series in (X[1:], X[1:] + 9.0):
        display = SimulatorDisplay.from_estimator(model, series, plot=False)
        points = [line for line in display.plot_checks().lines if line.get_marker() == "o"]
        reds.append(sum(point.get_color() == "tab:red" for point in points))
    assert reds[0] == 0 and reds[1] >= 3


def test_errors(fitted, monkeypatch):
    with pytest.raises(TypeError, match="for a fitted AmortisedSimulator"):
        SimulatorDisplay.from_estimator(AmortisedFactorAnalysis(1), fitted[1])
    with pytest.raises(NotFittedError):
        SimulatorDisplay.from_estimator(AmortisedSimulator(noisy, PRIORS), fitted[1])
    display = SimulatorDisplay.from_estimator(*fitted, plot=False)
    real_import = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        display.plot()
