"""Coordinates, whitening and summaries of series."""

import numpy as np
import pytest
from scipy.stats import expon, norm, randint, uniform

from skaws.checks import ModelCheckError, check_simulator
from skaws.lifted import SeriesSummaries, UnitCoordinates, Whitening, read_series


def test_coordinates_make_every_prior_standard_normal():
    coordinates = UnitCoordinates({"a": expon(scale=3), "b": uniform(2, 5), "c": 1.5})
    unit = np.array([[0.0, -1.0], [3.0, 2.0], [-5.0, 5.0]])
    values = coordinates.natural(unit)
    np.testing.assert_allclose(coordinates.unit(values), unit, atol=1e-6)
    assert np.all((values["b"] >= 2) & (values["b"] <= 7)) and np.all(values["c"] == 1.5)
    assert np.isfinite(coordinates.natural(np.full((1, 2), 1e6))["a"]).all()
    whole = UnitCoordinates({"n": randint(1, 5)}).natural(np.linspace(-9, 9, 50)[:, None])[
        "n"
    ]
    assert set(whole) == {1, 2, 3, 4}


def test_whitening_forgets_units_and_draws_outliers_in():
    rng = np.random.default_rng(0)
    summaries = rng.standard_normal((500, 4)) * [1.0, 1e6, 1e-6, 1.0]
    white = Whitening(summaries)
    found = white(summaries)
    np.testing.assert_allclose(found.T @ found / 500, np.eye(found.shape[1]), atol=1e-8)
    other = Whitening(summaries * [3.0, 1e-6, 1e6, 1.0])
    np.testing.assert_allclose(
        np.abs(other(summaries * [3.0, 1e-6, 1e6, 1.0])), np.abs(found)
    )
    inside, distances = white.within(np.array([[50.0, 5e7, 5e-5, 50.0], [0.0, 0, 0, 0]]))
    assert distances[0] > 1.0 > distances[1]
    assert np.linalg.norm(inside[0]) <= white.radius * (1 + 1e-9)


@pytest.mark.parametrize("shape", [(1, 8, 1), (2, 60, 1), (1, 300, 2), (1, 600, 3)])
def test_summaries_are_finite_and_of_each_series_alone(shape):
    rng = np.random.default_rng(0)
    summaries = SeriesSummaries(rng.standard_normal(shape))
    drawn = rng.standard_normal((5, *shape[1:]))
    found = summaries(drawn)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(summaries(drawn[2:3]), found[2:3])


def test_holes_of_real_series_are_those_of_all():
    rng = np.random.default_rng(0)
    real = rng.standard_normal((1, 50, 1))
    real[0, 10:15] = np.nan
    summaries, drawn = SeriesSummaries(real), rng.standard_normal((3, 50, 1))
    other = drawn.copy()
    other[:, 10:15] += 100.0
    np.testing.assert_array_equal(summaries(drawn), summaries(other))
    changed = drawn.copy()
    changed[:, 20] += 100.0
    assert not np.allclose(summaries(drawn), summaries(changed))


def test_failed_simulations_have_no_finite_summaries():
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((3, 50, 2))
    drawn[1] = np.nan
    found = SeriesSummaries(rng.standard_normal((1, 50, 2)))(drawn)
    assert np.isfinite(found).all(axis=1).tolist() == [True, False, True]


def test_many_short_series_look_like_one_long_column():
    with pytest.warns(UserWarning, match="Transpose X"):
        read_series(np.ones((200, 5)), "It")


def shifted(level, rng, n_times):
    return level + rng.standard_normal(n_times)


def test_simulators_that_break_a_law_are_told_which():
    priors = {"level": norm(0, 3)}
    assert len(check_simulator(shifted, priors, 30).findings) == 5

    def on_global(level, rng, n_times):
        return level + np.random.standard_normal(n_times)  # noqa: NPY002

    def remembering(level, rng, n_times, calls=[]):  # noqa: B006
        calls.append(1)
        return level + len(calls) + rng.standard_normal(n_times)

    def short(level, rng, n_times):
        return rng.standard_normal(n_times - 1)

    def rarely(level, rng, n_times):
        return shifted(level, rng, n_times) * (np.nan if level > 1.5 else 1.0)

    def ignoring(level, rng, n_times):
        return rng.standard_normal(n_times)

    for simulate, message in (
        (on_global, "global seed|same seed"),
        (remembering, "same seed"),
        (short, "expected"),
        (rarely, "narrow the priors"),
        (ignoring, "level: summaries do not change"),
    ):
        with pytest.raises(ModelCheckError, match=message):
            check_simulator(simulate, priors, 30)
