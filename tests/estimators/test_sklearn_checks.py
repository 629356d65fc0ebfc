"""scikit-learn's checks: those it runs, their number, and those it has but leaves out."""

import pytest
import sklearn
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import (
    estimator_checks_generator,
    parametrize_with_checks,
)
from sklearn.utils.fixes import parse_version

from skaws import (
    AmortisedFactorAnalysis,
    AmortisedICA,
    AmortisedLearner,
    AmortisedNMF,
)
from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import Gaussian

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:X (has|does not have) (valid )?feature names"),
    pytest.mark.filterwarnings("ignore:.*constant:UserWarning"),
    pytest.mark.filterwarnings("ignore:X has decimals"),
]

ESTIMATORS = [
    AmortisedFactorAnalysis(),
    AmortisedICA(max_iter=100),
    AmortisedLearner(
        LatentVariableModel(Gaussian(1), Linear(), GaussianNoise()), max_iter=60
    ),
    AmortisedNMF(max_iter=60),
]

UNLISTED = [
    "check_param_validation",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_dataframe_column_names_consistency",
    "check_get_feature_names_out_error",
    "check_inplace_ensure_writeable",
]


@parametrize_with_checks(ESTIMATORS)
def test_listed_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_number_of_listed_checks(estimator):
    # A wrong tag can shrink the suite to a single check.
    n_checks = len(list(estimator_checks_generator(estimator)))
    if parse_version(sklearn.__version__) >= parse_version("1.9"):
        # Tables that must not be negative have two more.
        assert n_checks == (55 if get_tags(estimator).input_tags.positive_only else 53)
    else:
        assert n_checks >= 48


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("name", UNLISTED)
def test_unlisted_checks(estimator, name):
    getattr(estimator_checks, name)(type(estimator).__name__, estimator)
