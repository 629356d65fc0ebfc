"""
Functions, seen at a few of their inputs
========================================

Each row is a function, asked at half of sixteen inputs, others in each row: the rest of the
row is missing.  :class:`skaws.decoders.Curve` is a network of latents *and* of the input.
Its weights belong to no column, so that it predicts between the inputs, too.

Draws of the latents, given a few values of a new function, are draws of the function.  The
functions here come from a Gaussian process, whose exact bands are known; the dashed lines
are these.  Where all rows share a grid, factors (:class:`skaws.AmortisedFactorAnalysis`)
are linear, faster, and here as good; they say nothing between its points.
"""

import sys
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from skaws import AmortisedLearner
from skaws.decoders import Curve
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import Gaussian

INPUTS = np.linspace(-2, 2, 16)
FINE = np.linspace(-2, 2, 101)
LENGTH, NOISE = 0.5, 0.1
N_NEW, N_DRAWS = 4, 200


def functions(n_rows, rng):
    """Rows of a Gaussian process, with noise."""
    gaps = INPUTS[:, None] - INPUTS
    covariance = np.exp(-0.5 * (gaps / LENGTH) ** 2) + NOISE**2 * np.eye(len(INPUTS))
    return rng.multivariate_normal(np.zeros(len(INPUTS)), covariance, n_rows)


def run(max_iter=600, seed=0):
    """Ratio of widths of bands, learnt to exact, distance of means, and the picture."""
    rng = np.random.default_rng(seed)
    X, X_new = functions(600, rng), functions(N_NEW, rng)
    X[rng.random(X.shape) < 0.5] = np.nan
    for row, n_seen in zip(X_new, (3, 5, 7, 9), strict=True):
        row[rng.permutation(len(INPUTS))[n_seen:]] = np.nan
    X = X[~np.isnan(X).all(axis=1)]

    model = LatentVariableModel(Gaussian(8), Curve(INPUTS), GaussianNoise())
    fitted = AmortisedLearner(model, max_iter=max_iter, random_state=seed).fit(X)
    latents = fitted.sample_posterior(X_new, N_DRAWS, random_state=seed)
    everywhere, weights = Curve(FINE), fitted.params_["decoder"]
    drawn = np.array([everywhere.location(weights, own) for own in latents])

    kernel = RBF(LENGTH, length_scale_bounds="fixed")
    exact = GaussianProcessRegressor(kernel, alpha=NOISE**2, optimizer=None)
    means, sds = [], []
    for row in X_new:
        seen = ~np.isnan(row)
        exact.fit(INPUTS[seen, None], row[seen])
        mean, sd = exact.predict(FINE[:, None], return_std=True)
        means.append(mean)
        sds.append(sd)
    means, sds = np.array(means), np.array(sds)
    ratio = drawn.std(axis=0).mean() / sds.mean()
    distance = np.sqrt(np.mean((drawn.mean(axis=0) - means) ** 2))
    return ratio, distance, draw(X_new, drawn, means, sds)


def draw(X, drawn, means, sds):
    """Bands and draws of each new function."""
    figure, axes = plt.subplots(
        1, N_NEW, figsize=(12, 3.4), layout="constrained", sharey=True
    )
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    for i, axis in enumerate(axes):
        axis.fill_between(FINE, low[i], high[i], alpha=0.3, label="90% band, learnt")
        axis.plot(FINE, drawn[:4, i].T, color="tab:blue", linewidth=0.6)
        for bound in (means[i] - 1.64 * sds[i], means[i] + 1.64 * sds[i]):
            line = axis.plot(FINE, bound, "k--", linewidth=0.8)
        axis.plot(INPUTS, X[i], "ko", label="seen")
        axis.set(title=f"{np.sum(~np.isnan(X[i]))} values seen", xlabel="input")
    line[0].set_label("90% band, exact")
    axes[0].legend(fontsize=8, loc="lower left")
    return figure


if __name__ == "__main__":
    ratio, distance, picture = run()
    print(f"bands are {ratio:.2f} times as wide as the exact ones")
    print(f"means are {distance:.2f} from the exact ones; functions have deviation 1")
    path = Path(sys.argv[0]).parent / "output" / "functions.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
