"""How often right fits warn: tables drawn from the model itself, of each estimator.

Run with ``make bench-alarms``.  A fit is right where the score of new rows is not far from
that of the parameters that drew them; what is said of other fits is no false alarm.
"""

import argparse
import sys
import warnings
from collections import Counter

import numpy as np
from joblib import Parallel, delayed

from skaws import AmortisedFactorAnalysis, AmortisedICA, AmortisedLearner, AmortisedNMF
from skaws.decoders import MLP, Linear
from skaws.evaluation import log_marginal_likelihood
from skaws.likelihoods import Gamma as GammaNoise
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import NegativeBinomial, Poisson, StudentT
from skaws.models import LatentVariableModel
from skaws.priors import Categorical, Gamma, Gaussian, GeneralizedNormal, Laplace

# What warnings say, by the name that the table has for them.
ALARMS = {
    "still rises": "log-likelihood still rises",
    "below columns": "less likely than under independent columns",
    "rows are far": "lie far from simulated ones",
    "noise gone": "noise has collapsed",
    "Heywood": "a Heywood case",
    "other": "",
}
QUIET = "came to max_iter"  # is about time, not about the answer
WRONG = 0.5  # nats a row, of new rows, below the truth


def models(n_latents, rng):
    """Name: model that draws tables, its params besides the defaults, and estimator."""
    named = {"random_state": int(rng.integers(1000))}

    def learner(model):
        return AmortisedLearner(model, **named)

    real = {
        "labels": (Categorical(3), GaussianNoise()),
        "gamma log": (Gaussian(n_latents), GammaNoise(link="log")),
        "poisson log": (Gaussian(n_latents), Poisson(link="log")),
        "heavy noise": (Gaussian(n_latents), StudentT()),
        "laplace": (Laplace(n_latents), GaussianNoise()),
    }
    found = {
        "factors": (
            LatentVariableModel(Gaussian(n_latents), Linear(), GaussianNoise(True)),
            AmortisedFactorAnalysis(n_latents, **named),
        ),
        "sources": (
            LatentVariableModel(GeneralizedNormal(n_latents), Linear(), GaussianNoise()),
            AmortisedICA(n_latents, **named),
        ),
        "parts": (
            LatentVariableModel(Gamma(n_latents), Linear(nonnegative=True), Poisson()),
            AmortisedNMF(n_latents, **named),
        ),
        "wide parts": (
            LatentVariableModel(
                Gamma(n_latents), Linear(nonnegative=True), NegativeBinomial()
            ),
            AmortisedNMF(n_latents, likelihood="negative_binomial", **named),
        ),
    }
    for name, (prior, likelihood) in real.items():
        model = LatentVariableModel(prior, Linear(), likelihood)
        found[name] = model, learner(model)
    network = LatentVariableModel(Gaussian(n_latents), MLP((10,)), GaussianNoise())
    found["network"] = network, learner(network)
    return found


def drawn(model, n_rows, n_features, rng):
    """Params of the model, and rows that they draw."""
    start = np.abs(rng.standard_normal((200, n_features))) + 0.1
    if getattr(model.likelihood, "counts", False):
        start = rng.poisson(3.0, start.shape) * 1.0
    params = model.init_params(start, rng)
    linear = isinstance(model.decoder, Linear)
    if linear:
        shape = params["decoder"]["components"].shape
        components = rng.standard_normal(shape) * 0.7
        if model.decoder.nonnegative:
            components = rng.gamma(0.7, 3.0, shape) + 0.05
        params["decoder"]["components"] = components
    return params, model.sample(params, n_rows, rng)[1]


def one_fit(name, seed):
    """What one right fit says: names of alarms, and how far below the truth it is."""
    rng = np.random.default_rng(seed)
    n_latents, n_features = int(rng.integers(1, 4)), int(rng.integers(5, 13))
    n_rows, holes = int(rng.choice([200, 500, 1200])), bool(rng.integers(2))
    model, estimator = models(n_latents, rng)[name]
    params, X = drawn(model, n_rows + 300, n_features, rng)
    X, new = X[:n_rows], X[n_rows:]
    if holes:
        hidden = rng.random(X.shape) < 0.15
        hidden[hidden.all(axis=1), 0] = False
        X = np.where(hidden, np.nan, X)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X)
    truth = log_marginal_likelihood(model, params, new).mean()
    messages = [str(one.message) for one in caught if QUIET not in str(one.message)]
    said = [next(k for k, words in ALARMS.items() if words in text) for text in messages]
    return said, float(truth - estimator.score(new)), messages


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=35)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(argv)
    names = list(models(1, np.random.default_rng(0)))
    seeds = range(options.first, options.first + options.seeds)
    print(f"{'model':>12} {'fits':>5} {'wrong':>6}", *(f"{name:>14}" for name in ALARMS))
    total, n_right, n_loud = Counter(), 0, 0
    for name in names:
        found = Parallel(n_jobs=options.jobs)(delayed(one_fit)(name, s) for s in seeds)
        right = [said for said, gap, _ in found if gap < WRONG]
        count = Counter(kind for said in right for kind in set(said))
        total.update(count)
        n_right += len(right)
        n_loud += sum(map(bool, right))
        numbers = (f"{count[kind]:14d}" for kind in ALARMS)
        print(
            f"{name:>12} {len(found):5d} {len(found) - len(right):6d}", *numbers, flush=True
        )
        for seed, (said, gap, messages) in zip(seeds, found, strict=True):
            if said and gap < WRONG:
                print(
                    f"    seed {seed}, {gap:.2f} nats below the truth: {messages[0][:160]}"
                )
    print(f"{'all':>12} {n_right:5d}       ", *(f"{total[kind]:14d}" for kind in ALARMS))
    upper = (n_loud + 2 * np.sqrt(n_loud) + 3) / max(n_right, 1)
    print(f"right fits that warn: {n_loud} of {n_right}; below {upper:.1%} with 95%")


if __name__ == "__main__":
    main(sys.argv[1:])
