"""What every posterior has without writing it."""

import numpy as np

from skaws.posteriors import FittedPosterior, Posterior
from skaws.spaces import Space, columns_of


class Zero(Posterior):
    def fit(self, model, params, simulations, rng, previous=None):
        return FittedZero(Space({"a": np.zeros((1, 2))}, None, True))


class FittedZero(FittedPosterior):
    def mean(self, X):
        return {"a": np.zeros((len(X), 2))}

    def sample(self, X, n_samples, rng, common=False):
        shape = (n_samples, len(X))
        return {"a": rng.random((*shape, 2))}, np.zeros(shape)


def test_a_posterior_is_used_by_name_unless_it_says_what_it_suits():
    assert not Zero().suits(None, {}, None)


def test_inputs_are_columns_of_the_mean_and_a_draw_is_one_of_the_samples():
    fitted, X = Zero().fit(None, {}, None, None), np.ones((3, 4))
    np.testing.assert_array_equal(fitted.inputs(X), columns_of(fitted.mean(X)))
    drawn = fitted.draw(X, np.random.default_rng(0))
    expected = fitted.sample(X, 1, np.random.default_rng(0))[0]["a"][0]
    np.testing.assert_array_equal(drawn["a"], expected)
    fitted.keep(drawn, X)
