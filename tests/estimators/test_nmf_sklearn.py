"""scikit-learn's own tests of NMF, with the class swapped.

Of ``sklearn/decomposition/tests/test_nmf.py`` apply:

- ``test_convergence_warning``, in this package's words;
- ``test_parameter_checking``: negative values, in ``fit`` and ``transform``;
- ``test_nmf_fit_nn_output``, ``test_nmf_true_reconstruction``, ``test_nmf_transform``,
  ``test_nmf_inverse_transform``, ``test_n_components_greater_n_features``,
  ``test_nmf_sparse_input``, ``test_nmf_sparse_transform``, ``test_nmf_underflow``,
  ``test_nmf_dtype_match`` and ``test_nmf_float32_float64_consistency`` (without the dtype
  of ``components_``, which stay float64), ``test_minibatch_nmf_partial_fit`` (calls repeat
  themselves), ``test_feature_names_out``, ``test_minibatch_nmf_verbose``,
  ``test_nmf_n_components_auto`` (as ``n_components=None``), ``test_nmf_smoke``, and of
  ``test_nmf_regularization`` that a prior shrinks components.

Reconstructions are posterior means under noise, not interpolations: closeness is that
of the noise (``likelihood="gaussian"``).  So ``test_nmf_fit_close``, which asks for an
error of 0.1 on a 6 x 5 table of noise with five components, does not apply.  Nor do tests
of what is not here:

- initial factors given by the user (``test_initialize_*``,
  ``test_nmf_w_h_not_used_warning``, ``test_nmf_transform_custom_init``,
  ``test_nmf_custom_init_*``,
  ``test_nmf_n_components_auto_no_h_update``);
- the function ``non_negative_factorization`` (``test_non_negative_factorization_*``,
  ``test_nmf_non_negative_factorization_n_components_auto``);
- solvers and beta losses (``test_beta_divergence``, ``test_special_sparse_dot``,
  ``test_nmf_multiplicative_update_sparse``, ``test_nmf_negative_beta_loss``,
  ``test_minibatch_nmf_negative_beta_loss``, ``test_nmf_decreasing``,
  ``test_nmf_minibatchnmf_equivalence``).

``test_minibatch_nmf_transform`` and ``test_mbnmf_inverse_transform`` repeat those above.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csc_matrix, csr_matrix
from sklearn.exceptions import ConvergenceWarning

from skaws import AmortisedNMF

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:X has decimals"),
    pytest.mark.filterwarnings("ignore:AmortisedNMF has n_components"),
]

LIKELIHOODS = ["poisson", "gaussian", "negative_binomial"]


def positive(*shape, seed=42):
    return np.abs(np.random.RandomState(seed).randn(*shape))


def test_convergence_warning():
    with pytest.warns(ConvergenceWarning, match="came to max_iter=1 before"):
        AmortisedNMF(max_iter=1).fit(np.ones((2, 2)))


def test_parameter_checking():
    A = np.ones((2, 2))
    message = "Negative values in data passed to"
    with pytest.raises(ValueError, match=message):
        AmortisedNMF().fit(-A)
    model = AmortisedNMF(2, tol=0.1, max_iter=5).fit(A)
    with pytest.raises(ValueError, match=message):
        model.transform(-A)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("components_prior", [None, (1.0, 1.0)])
def test_nmf_fit_nn_output(likelihood, components_prior):
    A = np.c_[5.0 - np.arange(1, 6), 5.0 + np.arange(1, 6)]
    model = AmortisedNMF(
        2,
        likelihood=likelihood,
        components_prior=components_prior,
        random_state=0,
        max_iter=50,
    )
    latents = model.fit_transform(A)
    assert not ((model.components_ < 0).any() or (latents < 0).any())


def exact_product():
    """The product of two non-negative factors that scikit-learn's test has."""
    rng = np.random.RandomState(42)
    W, H = np.zeros([15, 5]), np.zeros([5, 10])
    W_array = np.abs(rng.randn(15))
    for j in range(5):
        W[j % 15, j] = W_array[j % 15]
    H_array = np.abs(rng.randn(5))
    for j in range(10):
        H[j % 5, j] = H_array[j % 5]
    return W @ H


def test_nmf_true_reconstruction():
    X = exact_product()
    model = AmortisedNMF(5, likelihood="gaussian", random_state=0, max_iter=600)
    again = model.inverse_transform(model.fit_transform(X))
    # A third of the standard deviation: MiniBatchNMF is asked for 1 in all entries.
    assert np.sqrt(np.mean((again - X) ** 2)) < X.std() / 3


def test_nmf_transform():
    A = positive(6, 5)
    model = AmortisedNMF(3, random_state=0, max_iter=50)
    assert_array_equal(model.fit_transform(A), model.transform(A))


def test_nmf_inverse_transform():
    A = positive(6, 4, seed=0)
    model = AmortisedNMF(4, likelihood="gaussian", random_state=0)
    again = model.inverse_transform(model.fit_transform(A))
    assert again.shape == A.shape and np.all(again >= 0)
    assert np.mean((again - A) ** 2) < np.var(A, axis=0).mean()


def test_n_components_greater_n_features():
    AmortisedNMF(15, random_state=0, tol=1e-2, max_iter=30).fit(positive(30, 10))


@pytest.mark.parametrize("container", [csr_matrix, csc_matrix])
@pytest.mark.parametrize("components_prior", [None, (1.0, 1.0)])
def test_nmf_sparse_input(container, components_prior):
    A = positive(10, 10)
    A[:, 2 * np.arange(5)] = 0
    options = {"random_state": 0, "tol": 0, "max_iter": 30}
    first = AmortisedNMF(5, components_prior=components_prior, **options)
    second = AmortisedNMF(5, components_prior=components_prior, **options)
    assert_allclose(first.fit_transform(A), second.fit_transform(container(A)))
    assert_allclose(first.components_, second.components_)


def test_nmf_sparse_transform():
    A = positive(3, 2)
    A[1, 1] = 0
    A = csc_matrix(A)
    model = AmortisedNMF(2, random_state=0, max_iter=50)
    assert_allclose(model.fit_transform(A), model.transform(A))


def test_nmf_underflow():
    X = positive(10, 2, seed=0) * 10
    X[0, 0] = 0
    model = AmortisedNMF(2, random_state=0, max_iter=20).fit(X)
    expected = model.score_samples(X)
    X[0, 0] = 1e-323
    assert_allclose(model.score_samples(X), expected)


@pytest.mark.parametrize(
    "dtype_in, dtype_out",
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.int32, np.float64),
        (np.int64, np.float64),
    ],
)
def test_nmf_dtype_match(dtype_in, dtype_out):
    X = (3 * positive(20, 15, seed=0)).astype(dtype_in)
    model = AmortisedNMF(2, components_prior=(1.0, 1.0), random_state=0, max_iter=20)
    assert model.fit(X).transform(X).dtype == dtype_out
    assert model.fit_transform(X).dtype == dtype_out
    assert model.inverse_transform(model.transform(X)).dtype == dtype_out


def test_nmf_float32_float64_consistency():
    X = positive(50, 7, seed=0)
    single = AmortisedNMF(2, random_state=0, max_iter=30).fit_transform(
        X.astype(np.float32)
    )
    double = AmortisedNMF(2, random_state=0, max_iter=30).fit_transform(X)
    assert_allclose(single, double, rtol=1e-2, atol=1e-3)


def test_minibatch_nmf_partial_fit():
    X = positive(100, 5)
    models = [AmortisedNMF(3, random_state=0, batch_size=10) for _ in range(2)]
    for model in models:
        for start in (0, 50):
            model.partial_fit(X[start : start + 50])
    assert models[0].n_iter_ == models[1].n_iter_ == 10
    assert_array_equal(models[0].components_, models[1].components_)


def test_nmf_regularization():
    X = positive(6, 5)
    free = AmortisedNMF(3, random_state=42, max_iter=100).fit(X)
    strong = AmortisedNMF(3, components_prior=(1.0, 10.0), random_state=42, max_iter=100)
    assert (strong.fit(X).components_ ** 2).sum() < (free.components_**2).sum()


def test_feature_names_out():
    model = AmortisedNMF(3, max_iter=5).fit(positive(10, 4, seed=0))
    names = [f"amortisednmf{i}" for i in range(3)]
    assert_array_equal(names, model.get_feature_names_out())


def test_minibatch_nmf_verbose(capsys):
    A = np.random.RandomState(0).random_sample((100, 10))
    AmortisedNMF(2, tol=1e-2, random_state=0, verbose=1, max_iter=20).fit(A)
    assert "AmortisedNMF" in capsys.readouterr().out


def test_nmf_n_components_auto():
    X = np.random.RandomState(0).random_sample((6, 5))
    assert AmortisedNMF(max_iter=3).fit(X).components_.shape == (5, 5)


@pytest.mark.parametrize("shape", ((30, 10), (10, 30)), ids=("tall", "wide"))
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_nmf_smoke(shape, likelihood):
    X = np.random.RandomState(0).random_sample(shape)
    model = AmortisedNMF(5, likelihood=likelihood, random_state=0, max_iter=20)
    assert model.fit_transform(X).shape == (shape[0], 5)
    assert model.components_.shape == (5, shape[1])
