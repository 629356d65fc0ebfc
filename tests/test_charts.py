"""Charts lead there and back, and know how they stretch volumes."""

import numpy as np
import pytest
from autograd import elementwise_grad

from skaws.charts import CHARTS

RNG = np.random.default_rng(0)


def on_sphere(d):
    z = RNG.standard_normal((20, d))
    return z / np.linalg.norm(z, axis=1, keepdims=True)


LATENTS = {
    "real": [RNG.standard_normal((20, 2))],
    "nonnegative": [RNG.exponential(size=(20, 2))],
    "unit": [RNG.random((20, 2))],
    "sphere": [on_sphere(2), on_sphere(3), on_sphere(4)],
}
CASES = [(support, z) for support, several in LATENTS.items() for z in several]


@pytest.mark.parametrize(("support", "latents"), CASES)
def test_there_and_back(support, latents):
    chart = CHARTS[support](np.roll(latents, 1, axis=0))
    u = chart.coordinates(latents)
    np.testing.assert_allclose(chart.latents(u), latents, atol=1e-8)
    at_centre = CHARTS[support](latents)
    if support == "sphere":
        np.testing.assert_allclose(at_centre.coordinates(latents), 0.0, atol=1e-7)


@pytest.mark.parametrize(("support", "latents"), CASES)
def test_volume_is_that_of_differences(support, latents):
    chart = CHARTS[support](np.roll(latents, 1, axis=0))
    u, h = chart.coordinates(latents), 1e-6
    steps = h * np.eye(u.shape[1])
    sides = [(chart.latents(u + s) - chart.latents(u - s)) / (2 * h) for s in steps]
    jacobian = np.stack(sides, axis=2)  # (m, n_latents, n_coordinates)
    gram = np.einsum("mij,mik->mjk", jacobian, jacobian)
    expected = 0.5 * np.linalg.slogdet(gram)[1]
    np.testing.assert_allclose(chart.log_volume(u), expected, atol=1e-6)


@pytest.mark.parametrize("support", ["nonnegative", "unit", "sphere"])
def test_derivatives_are_finite_at_the_centre(support):
    latents = LATENTS[support][-1]
    chart = CHARTS[support](latents)
    u = chart.coordinates(latents)
    assert np.isfinite(elementwise_grad(chart.log_volume)(u)).all()
    assert np.isfinite(elementwise_grad(lambda u: chart.latents(u)[:, 0])(u)).all()


def test_nothing_lies_beyond_the_antipode():
    chart = CHARTS["sphere"](LATENTS["sphere"][1])
    assert np.all(chart.log_volume(np.full((20, 2), 2.3)) == -np.inf)
