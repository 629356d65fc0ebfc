"""Laws of the conditional mean regression: it is kernel ridge regression, as weights."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.kernel_ridge import KernelRidge
from sklearn.preprocessing import StandardScaler

from skaws.regression import KernelRegression, default_regressor
from skaws.regression.kernel_ridge import N_PROBES, fixed_probes, latent_kernel

N, M = 200, 300  # simulations; real rows, more than one block of N_ROWS_AT_ONCE


@pytest.fixture
def inputs():
    return 3.0 + np.random.default_rng(0).standard_normal((N, 2)) * [0.1, 10.0]


@pytest.fixture
def X():
    return 3.0 + np.random.default_rng(1).standard_normal((M, 2)) * [0.1, 10.0]


@pytest.fixture
def targets(inputs):
    noise = np.random.default_rng(2).standard_normal(N)
    return np.sin(10 * inputs[:, 0]) + 0.1 * inputs[:, 1] + 0.3 * noise


@pytest.fixture
def regression(inputs):
    return KernelRegression().fit(inputs)


def by_kernel_ridge(inputs, targets, X):
    """Predictions of scikit-learn on standardised inputs."""
    scaler = StandardScaler().fit(inputs)
    own, new = scaler.transform(inputs), scaler.transform(X)
    ridge = default_regressor().fit(latent_kernel(own, own), targets)
    return ridge.predict(latent_kernel(new, own))


def test_weights_predict_as_kernel_ridge_does(regression, inputs, targets, X):
    expected = by_kernel_ridge(inputs, targets, X)
    np.testing.assert_allclose(regression.weights(X) @ targets, expected, atol=1e-10)


def rbf(a, b, width):
    return np.exp(-np.sum((a - b) ** 2) / width)


@pytest.mark.parametrize(
    "regressor",
    [
        KernelRidge(alpha=0.3, kernel="rbf", gamma=0.7),
        KernelRidge(alpha=0.3, kernel="rbf"),
        KernelRidge(alpha=2.0, kernel="laplacian", gamma=0.2),
        KernelRidge(alpha=2.0, kernel="polynomial", degree=2, gamma=0.5, coef0=3.0),
        KernelRidge(alpha=0.5, kernel=rbf, kernel_params={"width": 2.0}),
    ],
    ids=["rbf", "rbf without gamma", "laplacian", "polynomial", "callable"],
)
def test_named_kernels_are_those_of_kernel_ridge(regressor, inputs, targets, X):
    inputs, targets, X = inputs[:60], targets[:60], X[:20]
    scaler = StandardScaler().fit(inputs)
    ridge = clone(regressor).fit(scaler.transform(inputs), targets)
    got = KernelRegression(regressor).fit(inputs).weights(X) @ targets
    np.testing.assert_allclose(got, ridge.predict(scaler.transform(X)), atol=1e-10)


def test_regressor_is_left_as_it_was(inputs):
    regressor = KernelRidge(kernel="rbf", gamma=0.7)
    KernelRegression(regressor).fit(inputs).weights(inputs)
    assert regressor.kernel == "rbf" and not hasattr(regressor, "dual_coef_")


def test_mean_weights_are_the_mean_of_the_weights(regression, X):
    expected = regression.weights(X).mean(axis=0)
    np.testing.assert_allclose(regression.mean_weights(X), expected, atol=1e-12)


def test_weighted_mean_weights_are_the_weighted_sum_of_the_weights(regression, X):
    row_weights = np.random.default_rng(3).random(M)
    expected = row_weights @ regression.weights(X)
    got = regression.mean_weights(X, row_weights)
    np.testing.assert_allclose(got, expected, atol=1e-11 * M)


def test_mean_weights_come_with_the_error_unchanged(regression, targets, X):
    row_weights = np.random.default_rng(3).random(M)
    both = regression.mean_weights_and_error(X, row_weights, targets)
    expected = regression.mean_weights(X, row_weights)
    np.testing.assert_allclose(both.weights, expected, atol=1e-12 * M)


def test_leave_one_out_error_is_that_of_brute_force_refits(regression, targets):
    gram, errors = regression.gram_, []
    for left_out in range(N):
        rest = np.arange(N) != left_out
        ridge = default_regressor().fit(gram[np.ix_(rest, rest)], targets[rest])
        prediction = ridge.predict(gram[left_out, rest][None, :])[0]
        errors.append(targets[left_out] - prediction)
    expected = np.mean(np.square(errors)) / np.var(targets)
    assert regression.leave_one_out_error(targets) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("alpha", [0.1, 10.0])
def test_cross_validation_error_is_the_generalised_one(alpha, inputs, targets, X):
    # The trace of A = (K + alpha)^-1 comes from random signs, with the variance
    # 2 sum_{i != j} A_ij^2 / N_PROBES (Hutchinson): 5 standard errors of it, twice, as
    # it enters squared.
    regression = KernelRegression(default_regressor().set_params(alpha=alpha)).fit(inputs)
    inverse = np.linalg.inv(regression.gram_ + alpha * np.eye(N))
    exact = np.mean((inverse @ targets) ** 2) / np.mean(np.diag(inverse)) ** 2
    off_diagonal = inverse - np.diag(np.diag(inverse))
    error = np.sqrt(2 * np.sum(off_diagonal**2) / N_PROBES) / np.trace(inverse)
    got = regression.mean_weights_and_error(X, np.full(M, 1 / M), targets).error
    assert error < 0.02
    assert got == pytest.approx(exact / np.var(targets), rel=10 * error)


def test_cross_validation_error_approximates_leave_one_out(regression, targets, X):
    # It replaces each 1 - leverage by their mean, and so stays within the squares of
    # their extremes over the mean; a tenth more for the estimated trace.
    share = np.diag(np.linalg.inv(regression.gram_ + np.eye(N)))
    low, high = (np.array([share.min(), share.max()]) / share.mean()) ** 2
    exact = regression.leave_one_out_error(targets)
    got = regression.mean_weights_and_error(X, np.full(M, 1 / M), targets).error
    assert low * exact / 1.1 < got < high * exact * 1.1


def test_errors_of_pure_noise_are_a_little_above_one(regression, X):
    # With p degrees of freedom spent in vain: (1 - p / N) / (1 - p / N)^2 for a
    # projection, less for shrinkage; noise itself cancels but for its share p / N.
    targets = np.random.default_rng(4).standard_normal(N)
    p = np.trace(np.linalg.solve(regression.gram_ + np.eye(N), regression.gram_))
    got = regression.mean_weights_and_error(X, np.full(M, 1 / M), targets).error
    for error in (regression.leave_one_out_error(targets), got):
        assert 1 - p / N < error < 1 + 2 * p / N


def test_errors_of_constant_targets_are_zero(regression, X):
    targets = np.full(N, 2.0)
    assert regression.leave_one_out_error(targets) == 0.0
    assert regression.mean_weights_and_error(X, np.full(M, 1 / M), targets).error == 0.0


def test_probes_are_signs_that_never_change():
    assert set(np.unique(fixed_probes(50))) == {-1.0, 1.0}
    fixed_probes.cache_clear()
    np.testing.assert_array_equal(
        fixed_probes(50), np.random.default_rng(0).choice((-1.0, 1.0), (50, N_PROBES))
    )


def test_inputs_may_come_in_any_units(regression, inputs, X):
    scaled = KernelRegression().fit(5 + 100 * inputs).weights(5 + 100 * X)
    np.testing.assert_allclose(scaled, regression.weights(X), atol=1e-10)


@pytest.mark.parametrize("value", [1.0, 0.1, 1e6 / 3])
def test_constant_inputs_are_harmless(value, inputs, X, targets):
    # The standard deviation of a constant column need not be zero: N times 0.1 over N
    # is not 0.1 in doubles.  Nor need real rows agree with it to the last bit.
    def predicted(constant, error):
        regression = KernelRegression().fit(np.column_stack([inputs, np.full(N, constant)]))
        rows = np.column_stack([X, np.full(M, constant + error)])
        return regression.weights(rows) @ targets

    np.testing.assert_allclose(predicted(value, 1e-9), predicted(0.0, 0.0), atol=1e-6)


def test_latent_kernel_is_its_formula():
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((7, 3)), rng.standard_normal((5, 3))
    squared = np.sum((A[:, None, :] - B[None, :, :]) ** 2, axis=2)
    expected = 1 + A @ B.T / 3 + np.exp(-squared / 6)
    np.testing.assert_allclose(latent_kernel(A, B), expected, rtol=1e-13)


@pytest.mark.parametrize("n_columns", [1, 3, 10])
def test_latent_kernel_is_positive_definite(n_columns):
    A = np.random.default_rng(0).standard_normal((100, n_columns))
    gram = latent_kernel(A, A)
    np.testing.assert_allclose(gram, gram.T, atol=1e-13 * len(A))
    eigenvalues = np.linalg.eigvalsh(gram)
    assert eigenvalues[0] > -1e-14 * eigenvalues[-1] * len(A)


@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0])
def test_distance_is_one_and_the_square_of_a_shift(shift):
    # Errors of the mean square of 2 M entries, of N inputs' mean and of their
    # variance: 5 standard errors.
    rng = np.random.default_rng(5)
    regression = KernelRegression().fit(2 + 3 * rng.standard_normal((N, 2)))
    rows = 2 + 3 * (shift + rng.standard_normal((M, 2)))
    variance = (2 + 4 * shift**2) / (2 * M)
    variance += (4 * shift**2 + 2 * (1 + shift**2) ** 2) / (2 * N)
    assert abs(regression.distance(rows) - 1 - shift**2) < 5 * np.sqrt(variance)


def test_distance_is_one_for_the_inputs_themselves(regression, inputs):
    assert regression.distance(inputs) == pytest.approx(1.0, rel=1e-12)


def test_distance_weighs_rows(regression, X):
    repeated = regression.distance(X[[0, 1, 1, 1]])
    assert regression.distance(X[:2], np.array([1.0, 3.0])) == pytest.approx(repeated)


@pytest.mark.parametrize("bad", ["inputs", "targets"])
def test_what_is_not_finite_is_told(bad):
    numbers = {"inputs": np.eye(5), "targets": np.ones(5)}
    numbers[bad][3] = np.nan
    with pytest.raises(FloatingPointError, match="log_joint, at simulated pairs"):
        KernelRegression().fit(numbers["inputs"]).solve(numbers["targets"])
