"""Layers of topics over news counts, beside one layer: perplexity of hidden halves.

Run with ``make bench-layers``.  Stories of Reuters (package lda), cut to their 150
commonest words; half of the words of held-out stories are seen, and the rest is predicted.
Last come the commonest words of each unit of two layers.
"""

import argparse
import sys
import warnings
from time import process_time

import lda.datasets
import numpy as np
from sklearn.decomposition import NMF, LatentDirichletAllocation

from skaws import AmortisedLearner, AmortisedNMF
from skaws.decoders import Linear
from skaws.likelihoods import Gamma as GammaNoise
from skaws.likelihoods import Poisson
from skaws.models import LayeredModel
from skaws.priors import Gamma

N_WORDS, N_HELD_OUT, N_TOPICS, N_DRAWS = 150, 90, 8, 30


def stories(seed):
    """Counts to fit, and the seen and hidden halves of others."""
    counts = lda.datasets.load_reuters().astype(float)
    counts = counts[:, np.argsort(-counts.sum(axis=0))[:N_WORDS]]
    counts = counts[counts.sum(axis=1) >= 20]
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(counts))
    test = counts[order[:N_HELD_OUT]]
    seen = rng.binomial(test.astype(int), 0.5).astype(float)
    return counts[order[N_HELD_OUT:]], seen, test - seen


def perplexity(rates, hidden):
    """Of hidden words, each story's own number of them being known."""
    shares = rates / rates.sum(axis=1, keepdims=True)
    log_chance = np.sum(hidden * np.log(np.maximum(shares, 1e-12)))
    return np.exp(-log_chance / hidden.sum())


def layered(sizes):
    """A deep exponential family, sizes of layers from above."""
    parts, noise = Linear(nonnegative=True), GammaNoise(least_shape=0.2)
    between = [(size, parts, noise) for size in sizes[1:]]
    return LayeredModel(Gamma(sizes[0], shape=0.5), between, parts, Poisson())


def predicted_by_layers(sizes, max_iter=None):
    def rates(train, seen, seed):
        learner = AmortisedLearner(layered(sizes), max_iter=max_iter, random_state=seed)
        learner.fit(train)
        draws = learner.sample_posterior(seen, N_DRAWS, random_state=seed)
        return np.mean([learner.inverse_transform(z) for z in draws], axis=0)

    return rates


def predicted_by(make):
    def rates(train, seen, seed):
        model = make(seed).fit(train)
        codes = model.transform(seen)
        return codes @ model.components_

    return rates


WAYS = {
    "two layers, 3 - 8": predicted_by_layers((3, N_TOPICS)),
    "three layers, 3 - 5 - 8": predicted_by_layers((3, 5, N_TOPICS)),
    "AmortisedNMF": predicted_by(lambda seed: AmortisedNMF(N_TOPICS, random_state=seed)),
    "scikit-learn's NMF": predicted_by(
        lambda seed: NMF(
            N_TOPICS,
            beta_loss="kullback-leibler",
            solver="mu",
            init="nndsvda",
            max_iter=1000,
            random_state=seed,
        )
    ),
    "scikit-learn's LDA": predicted_by(
        lambda seed: LatentDirichletAllocation(N_TOPICS, max_iter=50, random_state=seed)
    ),
}


def print_words(n_words=7):
    """Commonest words of each unit, of what one more of it adds to the rates."""
    train, _, _ = stories(0)
    counts = lda.datasets.load_reuters()
    order = np.argsort(-counts.sum(axis=0))[:N_WORDS]
    vocabulary = np.array(lda.datasets.load_reuters_vocab())[order]
    learner = AmortisedLearner(layered((3, N_TOPICS)), random_state=0).fit(train)
    between, last = learner.params_["layer_1"]["decoder"], learner.params_["decoder"]
    above, below = between["components"], last["components"]
    for title, words in (("above", above @ below), ("below", below)):
        for unit in words:
            top = vocabulary[np.argsort(-unit)[:n_words]]
            print(f"{title:>8}: {', '.join(top)}")


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    tables = [stories(seed) for seed in options.seeds]
    print("perplexity of the hidden halves, by seed (bar for layers: 96)")
    for way, rates in WAYS.items():
        start, found = process_time(), []
        for seed, (train, seen, hidden) in zip(options.seeds, tables, strict=True):
            found.append(perplexity(rates(train, seen, seed), hidden))
        seconds = (process_time() - start) / len(found)
        print(f"{way:>24}  {np.round(found, 1)}  ({seconds:.1f} s)", flush=True)
    print_words()


if __name__ == "__main__":
    main(sys.argv[1:])
