"""AmortisedFactorAnalysis beside scikit-learn's EM: likelihood, holes, time.

Run with ``make bench``.  Times depend on the machine and on what else it does: read the
ratios, which are taken in one run.
"""

import argparse
import sys
import tempfile
import tracemalloc
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from autograd import make_vjp
from scipy.linalg import cho_factor, cho_solve
from sklearn.datasets import load_breast_cancer, load_digits, load_sample_image
from sklearn.decomposition import FactorAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.image import extract_patches_2d
from sklearn.model_selection import train_test_split
from sklearn.utils import gen_batches
from threadpoolctl import threadpool_limits

from skaws import AmortisedFactorAnalysis
from skaws.batches import mini_batches
from skaws.models import GenerativeModel, LatentVariableModel
from skaws.objectives import RealRows, ResidualRegression
from skaws.optimizers import Adam
from skaws.posteriors import Exact, ExactGaussian, LinearMoments
from skaws.regression import KernelRegression
from skaws.regression.kernel_ridge import N_ROWS_AT_ONCE, latent_kernel
from skaws.spaces import Space
from skaws.wake_sleep import sleep, wake_sleep

N_SEEDS = 5


def real_tables():
    """Name, standardised table of 25 to 60 columns and number of factors."""
    digits = load_digits().data
    digits = digits[:, digits.std(axis=0) > 0]
    digits = (digits - digits.mean(axis=0)) / digits.std(axis=0)
    yield "digits", digits[:, np.abs(digits).max(axis=0) < 8], 10
    cancer = load_breast_cancer().data
    yield "breast cancer", (cancer - cancer.mean(axis=0)) / cancer.std(axis=0), 5
    for image, side, n_components in (("china", 6, 6), ("flower", 7, 8)):
        grey = load_sample_image(f"{image}.jpg").astype(float).mean(axis=2)
        patches = extract_patches_2d(grey, (side, side), max_patches=4000, random_state=0)
        patches = patches.reshape(len(patches), -1)
        patches = (patches - patches.mean()) / patches.std()
        yield f"{image} {side}x{side}", patches, n_components


def timed(function):
    """Result of a call, and its seconds."""
    start = perf_counter()
    result = function()
    return result, perf_counter() - start


def em_with_holes(model, table, n_iter=300):
    """Exact EM on a table with holes from a fitted model: what the rows allow."""
    observed, filled = (~np.isnan(table)).astype(float), np.nan_to_num(table)
    components, mean, noise = model.components_, model.mean_, model.noise_variance_
    n_components = len(components)
    floor = 1e-6 * np.nanvar(table, axis=0)
    moments = np.zeros(n_components), np.eye(n_components)
    for _ in range(n_iter):
        exact = ExactGaussian(LinearMoments(mean, components, *moments, noise))
        z = np.hstack([exact.mean(table), np.ones((len(table), 1))])
        second = z[:, :, None] * z[:, None, :]
        second[:, :-1, :-1] += exact.covariance(table)
        left = np.einsum("nd,nij->dij", observed, second, optimize=True)
        right = filled.T @ z
        solved = np.linalg.solve(left, right[:, :, None])[:, :, 0]
        noise = np.sum(observed * filled**2, axis=0) - np.sum(solved * right, axis=1)
        noise = np.maximum(noise / observed.sum(axis=0), floor)
        components, mean = solved[:, :-1].T, solved[:, -1]
    return ExactGaussian(LinearMoments(mean, components, *moments, noise))


def bench_likelihood(n_seeds):
    print("\nHeld-out log-likelihood on real tables (nats a row; 30% held out)")
    print(f"{'table':>15} {'seed':>4} {'EM':>9} {'skaws':>9} {'difference':>10}"
          f" {'seconds':>8} {'steps':>6} {'converged':>9}")  # fmt: skip
    for name, X, n_components in real_tables():
        for seed in range(n_seeds):
            train, test = train_test_split(X, test_size=0.3, random_state=seed)
            em = FactorAnalysis(n_components, tol=1e-6, max_iter=5000).fit(train)
            model = AmortisedFactorAnalysis(n_components, random_state=seed)
            _, seconds = timed(lambda model=model, train=train: model.fit(train))
            expected, reached = em.score(test), model.score(test)
            print(f"{name:>15} {seed:4} {expected:9.3f} {reached:9.3f}"
                  f" {reached - expected:+10.3f} {seconds:8.2f} {model.n_iter_:6}"
                  f" {model.converged_!s:>9}")  # fmt: skip


class FixedSteps(LatentVariableModel):
    """The same model in plain coordinates: one step size for all loadings."""

    move = GenerativeModel.move


class FixedStepsFactorAnalysis(AmortisedFactorAnalysis):
    """What relative steps are worth is what this one lacks."""

    def _make_model(self, X):
        model = super()._make_model(X)
        return FixedSteps(model.prior, model.decoder, model.likelihood)


def bench_steps(n_seeds):
    print("\nRelative against fixed steps: held-out nats a row below EM, mean over seeds")
    for name, X, n_components in real_tables():
        gaps = []
        for seed in range(n_seeds):
            train, test = train_test_split(X, test_size=0.3, random_state=seed)
            em = FactorAnalysis(n_components, tol=1e-6, max_iter=5000).fit(train)
            kinds = AmortisedFactorAnalysis, FixedStepsFactorAnalysis
            fits = [kind(n_components, random_state=seed).fit(train) for kind in kinds]
            gaps.append([em.score(test) - fit.score(test) for fit in fits])
        relative, fixed = np.mean(gaps, axis=0)
        print(f"{name:>15} relative {relative:7.3f} fixed {fixed:7.3f}")


def bench_missing(n_seeds):
    print("\nCost of 30% missing entries, held-out nats a row against complete data")
    print(f"{'table':>15} {'seed':>4} {'skaws':>9} {'EM, same holes':>21} {'seconds':>8}")
    for name, X, n_components in real_tables():
        costs = []
        for seed in range(n_seeds):
            train, test = train_test_split(X, test_size=0.3, random_state=seed)
            holes = np.random.default_rng(seed).random(train.shape) < 0.3
            table = np.where(holes, np.nan, train)
            complete = AmortisedFactorAnalysis(n_components, random_state=seed).fit(train)
            model = AmortisedFactorAnalysis(n_components, random_state=seed)
            _, seconds = timed(lambda model=model, table=table: model.fit(table))
            exact = em_with_holes(model, table).log_marginal(test).mean()
            base = complete.score(test)
            costs.append((base - model.score(test), base - exact))
            print(f"{name:>15} {seed:4} {costs[-1][0]:9.3f} {costs[-1][1]:21.3f}"
                  f" {seconds:8.2f}")  # fmt: skip
        print(f"{name:>15} mean {np.mean(costs, axis=0)[0]:9.3f}"
              f" {np.mean(costs, axis=0)[1]:21.3f}")  # fmt: skip


def bench_rows(largest):
    print("\nTime against number of rows (20 columns, 4 factors)")
    print(f"{'rows':>9} {'EM s':>7} {'skaws s':>8} {'EM nats':>9} {'skaws nats':>10}")
    rng = np.random.default_rng(0)
    loadings = rng.standard_normal((4, 20))

    def rows(n):
        return rng.standard_normal((n, 4)) @ loadings + rng.standard_normal((n, 20))

    test = rows(20_000)
    n_rows = 1000
    while n_rows <= largest:
        X = rows(n_rows)
        em, em_seconds = timed(lambda X=X: FactorAnalysis(4).fit(X))
        model = AmortisedFactorAnalysis(4, random_state=0)
        _, seconds = timed(lambda model=model, X=X: model.fit(X))
        print(f"{n_rows:9} {em_seconds:7.2f} {seconds:8.2f} {em.score(test):9.3f}"
              f" {model.score(test):10.3f}")  # fmt: skip
        n_rows *= 10
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        np.save(path, X)
        del X
        on_disk = np.load(path, mmap_mode="r")
        tracemalloc.start()
        AmortisedFactorAnalysis(4, random_state=0).fit(on_disk)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"np.memmap of {on_disk.nbytes / 1e6:.0f} MB: peak of {peak / 1e6:.1f} MB"
              " allocated during the fit")  # fmt: skip
        del on_disk


def median_ms(function, n_repeats=60):
    times = [timed(function)[1] for _ in range(n_repeats)]
    return 1e3 * float(np.median(times))


def bench_iteration(n_simulations=300, batch_size=1000):
    print(f"\nOne iteration: N = {n_simulations}, M = {batch_size}, digits, k = 10")
    _, X, n_components = next(real_tables())
    rows = X[:batch_size]
    model = AmortisedFactorAnalysis(n_components, random_state=0).fit(rows)
    part, params = model._model, model.params_
    rng = np.random.default_rng(0)
    objective, regression = ResidualRegression(), KernelRegression()
    loop = wake_sleep(
        part, rows, params, Adam(), rng=rng, objective=objective, posterior=Exact(),
        regression=regression, n_simulations=n_simulations, batch_size=batch_size,
    )  # fmt: skip
    iteration = median_ms(lambda: next(loop))
    with threadpool_limits(1, "blas"):
        inputs = rng.standard_normal((n_simulations, n_components))
        real = rng.standard_normal((batch_size, n_components))

        blocks = list(gen_batches(batch_size, N_ROWS_AT_ONCE))

        def bare():
            gram = latent_kernel(inputs, inputs)
            target = sum(latent_kernel(real[rows], inputs).sum(axis=0) for rows in blocks)
            gram.flat[:: n_simulations + 1] += 1.0
            return cho_solve(cho_factor(gram, lower=True, check_finite=False), target)

        algebra = median_ms(bare)
        of_inputs = KernelRegression().fit(inputs)
        solve = median_ms(lambda: of_inputs.mean_weights(real))
        batch = RealRows(*next(mini_batches(rows, batch_size, rng)))
        simulations = sleep(part, params, Exact(), n_simulations, rng)
        pairs = objective.pairs(part, params, simulations, batch, regression, rng)
        space = Space(params, part.constraints)

        def reverse():
            def values(step):
                moved = part.move(params, space.split(step))
                return objective.values(part, moved, pairs)

            pull_back, found = make_vjp(values)(np.zeros(space.size))
            return pull_back(np.ones(len(found)))

        backward = median_ms(reverse)
    for name, milliseconds in {
        "iteration": iteration,
        "Gram, Cholesky, one solve": algebra,
        "log joint and reverse pass": backward,
        "KernelRidge, weights": solve,
    }.items():
        print(f"{name:>32}: {milliseconds:6.2f} ms")
    for name, ratio in {
        "iteration / (algebra + reverse)": iteration / (algebra + backward),
        "(iteration - reverse) / algebra": (iteration - backward) / algebra,
    }.items():
        print(f"{name:>32}: {ratio:6.2f}")


def bench_small():
    X = np.random.default_rng(0).standard_normal((30, 3))
    times = [timed(lambda s=s: AmortisedFactorAnalysis(random_state=s).fit(X))[1]
             for s in range(10)]  # fmt: skip
    print(f"\nDefault fit on 30 x 3: {np.median(times):.3f} s")


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=N_SEEDS)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore", ConvergenceWarning)
    bench_likelihood(options.seeds)
    bench_steps(options.seeds)
    bench_missing(options.seeds)
    bench_rows(options.rows)
    bench_iteration()
    bench_small()


if __name__ == "__main__":
    main(sys.argv[1:])
