"""Positive parts with what each adds to a row for latents."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from skaws.checks import check_model
from skaws.decoders import Linear
from skaws.evaluation import log_marginal_likelihood
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import NegativeBinomial, Poisson
from skaws.models import AdditiveParts, ComponentsPrior, LatentVariableModel
from skaws.models.additive_parts import LONGEST
from skaws.priors import Gamma

COMPONENTS = np.array([[3.0, 1.0, 0.2, 5.0], [0.5, 4.0, 2.0, 1.0]])
NOISE = {
    "poisson": (Poisson(), {}),
    "negative binomial": (NegativeBinomial(), {"size": np.array(4.0)}),
    "gaussian": (GaussianNoise(), {"noise_variance": np.array(0.5)}),
}


def made(kind="poisson", seen=None, units=None, **prior):
    likelihood, noise = NOISE[kind]
    parts = Gamma(2, **prior), Linear(nonnegative=True), likelihood
    inside = LatentVariableModel(*parts)
    params = {
        "prior": {"shape": np.array([0.8, 2.0])},
        "decoder": {"components": COMPONENTS},
        "likelihood": noise,
    }
    return AdditiveParts(inside, seen, units), params


@pytest.mark.parametrize("kind", NOISE)
def test_sampler_and_log_joint_agree(kind):
    model, params = made(kind, units=np.array([1.0, 2.0, 0.5, 3.0]))
    X = model.sample(params, 300, np.random.default_rng(0))[1]
    check_model(model, np.maximum(X, 0.0), params=params)


@pytest.mark.parametrize("kind", NOISE)
def test_marginals_are_those_of_the_model_inside(kind):
    model, params = made(kind, seen=np.array([1.0, 0.5, 1.0, 0.1]))
    X = model.sample(params, 20, np.random.default_rng(0))[1]
    own, inside = (
        log_marginal_likelihood(m, params, X, 4000) for m in (model, model.model)
    )
    np.testing.assert_allclose(own, inside, atol=0.05)


def test_rows_say_nothing_of_sizes_once_the_latents_are_known():
    # The slope of the log joint along a size is the prior's: the same for all rows.
    model, params = made()
    latents, X = model.sample(params, 50, np.random.default_rng(0))
    other = X + 3.0

    def height(log_size, X, latents, model):
        components = COMPONENTS * anp.exp(log_size)[:, None]
        moved = {**params, "decoder": {"components": components}}
        return anp.sum(model.log_joint(moved, latents, X))

    here, there = (grad(height)(np.zeros(2), rows, latents, model) for rows in (X, other))
    np.testing.assert_allclose(here, there, rtol=1e-8)
    shape, z = params["prior"]["shape"], latents / model.sizes(params)
    np.testing.assert_allclose(here, np.sum(shape * (z - 1), axis=0), rtol=1e-8)
    inside = model.model  # the latents of mean one do not have it
    here, there = (grad(height)(np.zeros(2), rows, z, inside) for rows in (X, other))
    assert np.abs(here - there).min() > 1.0


def information_of(model, params, n_rows=4000, holes=None):
    latents, X = model.sample(params, n_rows, np.random.default_rng(0))
    if holes is not None:
        X[holes(len(X))] = np.nan
    weights = np.full((1, len(X)), 1 / len(X))
    return model.information(params, latents[None], X, weights), latents, X


@pytest.mark.parametrize("kind", NOISE)
def test_information_is_the_mean_square_of_scores(kind):
    # At known latents; means over 4000 rows, whose relative errors were 2 to 8%.
    model, params = made(kind)
    found, latents, X = information_of(model, params)
    z = latents / model.sizes(params)
    up, down = model.likelihood.slopes(params["likelihood"], z @ COMPONENTS, X)
    scores = (z[:, :, None] * (up - down)[:, None, :]).transpose(2, 0, 1)
    expected = scores.swapaxes(1, 2) @ scores / len(X)
    np.testing.assert_allclose(found.blocks, expected, rtol=0.15)
    if params["likelihood"]:
        (path,) = (path for path in found.others if path.startswith("likelihood"))
        assert found.others[path] > 0.01
    of_shapes = found.others["prior.shape"]
    assert of_shapes.shape == (2,) and np.all(of_shapes > 0)


def test_what_a_batch_lacks_of_a_rare_column_is_no_sign_of_little_information():
    seen = np.array([1.0, 1.0, 1.0, 0.01])
    model, params = made(seen=seen)

    def none(n_rows):
        return slice(None), 3

    def one(n_rows):
        return slice(1, None), 3

    without, with_one = (
        information_of(model, params, 50, holes)[0] for holes in (none, one)
    )
    complete = information_of(*made(), 50)[0]
    np.testing.assert_allclose(without.blocks[3], 0.01 * complete.blocks[3])
    np.testing.assert_allclose(without.blocks[:3], complete.blocks[:3])
    both = without.at_least(with_one)
    np.testing.assert_array_equal(both.blocks[3], with_one.blocks[3])
    np.testing.assert_array_equal(both.blocks[0], without.blocks[0])
    half = without.averaged(with_one, 0.5)
    np.testing.assert_allclose(half.blocks, (without.blocks + with_one.blocks) / 2)


def test_steps_along_sizes_keep_shares_and_others_keep_sizes():
    model, params = made(units=np.array([1.0, 2.0, 0.5, 3.0]))
    information = information_of(model, params)[0]
    rng = np.random.default_rng(1)
    weights = 1 / model.units
    shares = COMPONENTS * weights
    axes = shares / np.linalg.norm(shares, axis=1, keepdims=True)
    across = 1e-4 * rng.standard_normal(COMPONENTS.shape)
    across -= np.sum(across * axes, axis=1, keepdims=True) * axes
    still = {"prior": {"shape": np.zeros(2)}, "likelihood": {}}

    def moved(step):
        whole = {**still, "decoder": {"components": step}}
        return model.move_in_units(params, whole, information)["decoder"]["components"]

    larger = moved(0.01 * axes) / COMPONENTS
    np.testing.assert_allclose(larger, larger[:, :1] * np.ones(4))
    assert np.all(larger > 1.0)
    np.testing.assert_allclose(moved(across) @ weights, COMPONENTS @ weights, rtol=1e-6)
    assert not np.allclose(moved(across), COMPONENTS, rtol=1e-6)
    far = np.log(moved(1e6 * rng.standard_normal(COMPONENTS.shape)) / COMPONENTS)
    assert np.abs(far).max() <= 2 * LONGEST + 1e-12


def test_fixed_and_shared_shapes_and_priors_of_components_go_along():
    model, params = made(learned=False)
    assert "prior.shape" not in information_of(model, params)[0].others
    shared, params = made(shared=True)
    params = {**params, "prior": {"shape": np.array([0.8])}}
    assert information_of(shared, params)[0].others["prior.shape"].shape == (1,)
    parts = Gamma(2), Linear(nonnegative=True), Poisson()
    with_prior = AdditiveParts(ComponentsPrior(*parts, shape=2.0, rate=1.0))
    assert with_prior.log_prior(params) == with_prior.model.log_prior(params)
    assert not hasattr(model, "log_prior")
