"""Latents of few values are summed over."""

import numpy as np
from scipy.special import logsumexp, softmax

from skaws.decoders import MLP
from skaws.evaluation import importance_posterior
from skaws.likelihoods import Gaussian
from skaws.models import LatentVariableModel
from skaws.priors import Categorical


def test_latents_of_few_values_are_summed_over():
    rng = np.random.default_rng(0)
    model = LatentVariableModel(Categorical(3), MLP((4,)), Gaussian())
    params = model.init_params(rng.standard_normal((50, 4)), rng)
    X = rng.standard_normal((20, 4))
    log_joint = np.array(
        [model.log_joint(params, np.tile(z, (20, 1)), X) for z in np.eye(3)]
    )
    for n_draws in (16, 200):
        log_marginal, mean = importance_posterior(model, params, X, n_draws)
        np.testing.assert_allclose(log_marginal, logsumexp(log_joint, axis=0))
        np.testing.assert_allclose(mean, softmax(log_joint, axis=0).T)
