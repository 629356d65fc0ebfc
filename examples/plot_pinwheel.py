"""
Five arms, found by five clusters behind a network
==================================================

A pinwheel has five bent arms.  No Gaussian is bent, so a mixture of Gaussians cuts each arm
into pieces.  Put a network behind the mixture: latents come from Gaussians, and the network
bends them.  Ten Gaussians are offered; a Dirichlet prior on their weights empties those
that are not worth thirty rows.  Five stay, one an arm, and nobody said five.

:class:`skaws.priors.GaussianMixture` starts at k-means of the scores from which the network
starts.  Beside it: scikit-learn's mixtures in the plane itself.
"""

import sys
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn import mixture

from skaws import AmortisedLearner
from skaws.decoders import MLP
from skaws.likelihoods import Gaussian
from skaws.models import LatentVariableModel
from skaws.priors import GaussianMixture

N_ARMS = 5


def pinwheel(n_rows, rng):
    """Points, and the arm of each (Johnson et al., 2016)."""
    arm = rng.integers(N_ARMS, size=n_rows)
    along, across = rng.standard_normal((n_rows, 2)).T * [[0.3], [0.05]]
    along = along + 1
    angle = 2 * np.pi * arm / N_ARMS + 0.25 * np.exp(along)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.column_stack([along * cos - across * sin, along * sin + across * cos]), arm


# %%
# The model
# ---------


def learner(hidden=(32, 32), concentration=-30.0, max_iter=None, seed=0):
    """Clusters, bent by a network, under noise."""
    model = LatentVariableModel(
        GaussianMixture(2, 10, covariance="full", concentration=concentration),
        MLP(hidden),
        Gaussian(),
    )
    return AmortisedLearner(model, max_iter=max_iter, random_state=seed)


def run(n_rows=2500, max_iter=None, seed=0):
    """Nats a point, weights, share of points in their arm's cluster, and the picture."""
    rng = np.random.default_rng(seed)
    (X, _), (X_new, arm) = pinwheel(n_rows, rng), pinwheel(1000, rng)
    fitted = learner(max_iter=max_iter, seed=seed).fit(X)
    nats = {"skaws, clusters behind a network": fitted.score(X_new)}
    for n_clusters in (5, 10, 20):
        plain = mixture.GaussianMixture(n_clusters, n_init=3, random_state=seed).fit(X)
        nats[f"{n_clusters} Gaussians"] = plain.score(X_new)
    params = fitted.params_["prior"]
    prior = fitted.model.prior
    cluster = prior.responsibilities(params, fitted.transform(X_new)).argmax(axis=1)
    table = np.zeros((prior.n_clusters, N_ARMS))
    np.add.at(table, (cluster, arm), 1)
    purity = table.max(axis=1).sum() / len(arm)
    weights = np.sort(params["weight"])[::-1]
    return nats, weights, purity, draw(fitted, X_new, cluster, seed)


def draw(fitted, X, cluster, seed):
    """Points by cluster, the latents behind them, and draws of the model."""
    figure, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
    drawn = fitted.sample(1000, random_state=seed)
    colours = plt.colormaps["tab10"](cluster)
    panels = (
        (X, colours, "Held-out points, by cluster"),
        (fitted.transform(X), colours, "Their latents"),
        (drawn, "0.4", "Drawn from the model"),
    )
    for axis, (points, colour, title) in zip(axes, panels, strict=True):
        axis.scatter(*points.T, color=colour, s=5)
        axis.set(title=title, aspect="equal")
    return figure


if __name__ == "__main__":
    nats, weights, purity, picture = run()
    for way, value in nats.items():
        print(f"{value:6.2f} nats a point  {way}")
    print("weights:", *weights.round(3))
    print(f"{purity:.1%} of the points are in the cluster of their arm")
    path = Path(sys.argv[0]).parent / "output" / "pinwheel.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
