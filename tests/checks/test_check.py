"""check_model passes right models."""

import autograd.numpy as anp
import numpy as np
import pytest

from skaws.checks import ModelCheckError, check_model
from skaws.models import FunctionModel

from ..common import altered
from ..estimators.functions import TIMES
from .wrong import LAWS, RIGHT, missing_means_zero


def sample_counts(params, n_samples, rng):
    z = params["mean"] + rng.standard_normal((n_samples, 1))
    return {"log_rate": z}, rng.poisson(np.exp(z) * np.ones(4)).astype(float)


def log_joint_of_counts(params, z, x):
    z = z["log_rate"]
    log_prior = -0.5 * anp.sum((z - params["mean"]) ** 2, axis=1)
    return log_prior + anp.sum(x * z - anp.exp(z), axis=1)


#: Nothing like a Gaussian: counts, a skewed score, latents in a dictionary.
COUNTS = FunctionModel(sample_counts, log_joint_of_counts, lambda X, rng: {"mean": 0.2})


@pytest.mark.parametrize("model", [RIGHT, COUNTS], ids=["Gaussian", "counts"])
@pytest.mark.parametrize("seed", range(20))
def test_right_model_raises_no_alarm(model, seed, X):
    # By construction a right model fails a statistical law once in a million seeds.
    report = check_model(model, X, random_state=seed)
    assert all(finding.holds for finding in report.findings)


def support_found(model, X):
    """What the report says of the latents' support."""
    report = check_model(model, X)
    return dict((finding.law, finding.detail) for finding in report.findings)[LAWS[4]]


def test_report_says_what_support_was_read_off_or_declared(X):
    assert support_found(RIGHT, X) == "Real(), declared"
    assert support_found(COUNTS, X) == "{'log_rate': Real()}, read off simulations"
    times = FunctionModel(**TIMES)
    assert support_found(times, np.abs(X[:, :1])) == "Positive(), read off simulations"


def test_same_seed_gives_the_same_report(X):
    assert check_model(RIGHT, X) == check_model(RIGHT, X, random_state=0)
    assert check_model(RIGHT, X) != check_model(RIGHT, X, random_state=1)


def test_laws_are_tested_at_the_params_handed_in(X):
    # Right everywhere but where the mean is large.
    def sample(params, n_samples, rng):
        z, x = RIGHT.sample(params, n_samples, rng)
        return z, x + 0.5 * (params["decoder"]["mean"] > 5)

    wrong = altered(RIGHT, sample=sample)
    params = RIGHT.init_params(X, np.random.default_rng(0))
    check_model(wrong, X, params=params)
    params["decoder"]["mean"] = params["decoder"]["mean"] + 10
    with pytest.raises(ModelCheckError, match="FAIL  score identity"):
        check_model(wrong, X, params=params)


def test_model_that_does_not_claim_missing_entries_is_not_tested_on_them(X):
    modest = altered(RIGHT, log_joint=missing_means_zero, allows_missing=False)
    report = check_model(modest, X)
    assert "not claimed" in dict((f.law, f.detail) for f in report.findings)[LAWS[10]]
