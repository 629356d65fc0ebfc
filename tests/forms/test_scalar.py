"""The regression is believed as far as it predicts."""

import numpy as np

from skaws.forms import (
    ScalarForm,
)
from skaws.wake_sleep import real_rows

from ..common import small_gaussian


def test_gate_shrinks_what_is_not_predicted_towards_the_plain_mean():
    model, params, simulations, X, weights = small_gaussian()
    real = real_rows(simulations, X, weights)
    form = ScalarForm()
    values = form.values(model, params, simulations, real)
    _, free = form.weigh(values, model, params, simulations, real)
    _, gated = ScalarForm(gated=True).weigh(values, model, params, simulations, real)
    opening = max(0.0, 1 - free.error)
    expected = 1 / 400 + opening * (free.weights - 1 / 400)
    np.testing.assert_allclose(gated.weights, expected)
    # Residuals that are only noise shut it, those that follow the inputs open it.
    rng = np.random.default_rng(1)
    noise = np.concatenate([rng.standard_normal(400), np.zeros(450)])
    _, shut = ScalarForm(gated=True).weigh(noise, model, params, simulations, real)
    np.testing.assert_allclose(shut.weights, 1 / 400, atol=2e-3)
    noise[:400] = simulations.estimates[:, 0]
    _, free = form.weigh(noise, model, params, simulations, real)
    _, opened = ScalarForm(gated=True).weigh(noise, model, params, simulations, real)
    np.testing.assert_allclose(opened.weights, free.weights, atol=1e-3)


def test_hopeless_estimates_count_for_no_more_than_fifty_deviations():
    model, params, simulations, X, weights = small_gaussian()
    real = real_rows(simulations, X, weights)
    form = ScalarForm(gated=True)
    values = form.values(model, params, simulations, real)
    values[400] -= 1e5  # the estimate of one simulation
    found, _ = form.weigh(values, model, params, simulations, real)
    residuals = values[:400] - values[400:800]
    deviation = 1.4826 * np.median(np.abs(residuals - np.median(residuals)))
    typical = np.median(np.abs(found[1:400]))
    assert abs(found[0]) * 1e5 < 100 * deviation * typical
    np.testing.assert_array_equal(found[:400], -found[400:800])


def test_gated_objective_above_every_simulation_falls_back_on_the_baseline():
    model, params, simulations, X, weights = small_gaussian()
    real = real_rows(simulations, X, weights)
    form = ScalarForm(gated=True)
    values = form.values(model, params, simulations, real)
    for surplus, trusted in ((0.0, True), (1e6, False)):
        estimates = values[400:800] - surplus  # poor at the simulations alone
        altered_values = np.concatenate([values[:400], estimates, values[800:]])
        found, mean = form.weigh(altered_values, model, params, simulations, real)
        assert (found[:800] != 0).any() == trusted
        assert (mean.weights != 0).any() == trusted
        np.testing.assert_allclose(found[800:], weights)
