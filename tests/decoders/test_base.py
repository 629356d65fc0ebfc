"""Laws that all decoders share as parts, and what a model refuses in words."""

import numpy as np
import pytest
from sklearn.base import clone

from skaws import decoders
from skaws.decoders import (
    MLP,
    Chain,
    Curve,
    Decoder,
    Elementwise,
    FunctionDecoder,
    Linear,
    LinearDynamics,
    LogOdds,
    check_decoder,
)
from skaws.priors import Gaussian
from skaws.supports import Interval, Real

from ..part_laws import PART_LAWS, assert_same, capabilities, repr_is_code


def doubled(params, latents):
    return 2.0 * latents


def no_params(X, n_latents, rng):
    return {}


REGISTRY = {
    "Linear": Linear(),
    "Linear, non-negative": Linear(nonnegative=True, start="rows"),
    "LinearDynamics": LinearDynamics(),
    "FunctionDecoder": FunctionDecoder(doubled, no_params),
    "LogOdds": LogOdds(),
    "Curve": Curve([0.0, 0.5, 2.0], (10, 5)),
    "MLP": MLP((10, 5), activation="relu", dtype="float32"),
    "Elementwise": Elementwise("sigmoid"),
    "Chain": Chain([MLP((5,)), Elementwise("exp")]),
    "Chain, nested": Chain([Chain([Linear()]), Elementwise()]),
}
LINEAR = {"Linear", "Linear, non-negative", "LinearDynamics"}
EVERY = pytest.mark.parametrize("name", REGISTRY)


def rng():
    return np.random.default_rng(0)


def test_no_decoder_is_left_out():
    covered = {type(decoder).__name__ for decoder in REGISTRY.values()}
    assert covered == set(decoders.__all__) - {"Decoder", "check_decoder"}


@EVERY
@pytest.mark.parametrize("law", PART_LAWS)
def test_law(law, name):
    if law is repr_is_code and name == "FunctionDecoder":
        pytest.skip("the repr of a function is no code")
    law(REGISTRY[name])


@EVERY
def test_a_clone_behaves_alike(name):
    decoder, copy = REGISTRY[name], clone(REGISTRY[name])
    X, z = rng().random((20, 3)), rng().random((5, 3))
    params = decoder.init_params(X, 3, rng())
    assert_same(params, copy.init_params(X, 3, rng()))
    np.testing.assert_array_equal(decoder.location(params, z), copy.location(params, z))
    latents = Interval(0.0, 1.0)
    assert decoder.location_support(latents) == copy.location_support(latents)


@EVERY
def test_a_linear_map_is_a_method_of_linear_decoders_only(name):
    expected = {"linear_map"} if name in LINEAR else set()
    assert capabilities(REGISTRY[name], {"linear_map"}) == expected


@EVERY
def test_every_decoder_passes_its_check(name):
    check_decoder(REGISTRY[name])
    check_decoder(REGISTRY[name], Interval(0.0, 1.0))


class Shift(Decoder):
    def init_params(self, X, n_latents, rng):
        return {"mean": np.nanmean(X, axis=0)}

    def location(self, params, latents):
        return params["mean"] + latents


def test_a_decoder_of_ones_own_needs_two_methods_and_has_no_more():
    decoder = Shift()
    check_decoder(decoder, Real())
    X = rng().random((4, 2))
    assert capabilities(decoder, {"linear_map"}) == set()
    assert decoder.constraints == {} and decoder.location_support("any") == Real()
    assert decoder.preimage(X) is X and decoder.in_units("step", 2.0) == "step"
    assert_same(decoder.init_labels(X, 2, rng()), decoder.init_params(X, 2, rng()))
    assert repr(decoder) == "Shift()"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Linear, r"must be a Decoder; got the class Linear. Write Linear\(...\)"),
        ("linear", r"must be a Decoder; got 'linear'. Give one of skaws.decoders"),
        (Gaussian(2), "must be a Decoder; got Gaussian.* of skaws.priors.gaussian"),
        (
            type("Less", (Shift,), {"location": None})(),
            "Less lacks the method location, which every Decoder must have",
        ),
    ],
)
def test_what_a_model_refuses(wrong, message):
    with pytest.raises(TypeError, match=message):
        check_decoder(wrong)


def test_locations_of_no_support_are_refused():
    wrong = type("Wrong", (Shift,), {"location_support": lambda self, latents: "real"})()
    check_decoder(wrong)
    with pytest.raises(TypeError, match="location_support of Wrong must be a Support"):
        check_decoder(wrong, Real())
    with pytest.raises(ValueError, match="needs latents between 0 and 1"):
        check_decoder(LogOdds(), Real())


@pytest.mark.parametrize("wrong", [[], Linear()])
def test_a_chain_of_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="Chain needs a list of one or more decoders"):
        Chain(wrong)


def test_a_chain_of_anything_else_is_refused():
    with pytest.raises(TypeError, match="must be a Decoder; got 'exp'"):
        Chain([Linear(), "exp"])
