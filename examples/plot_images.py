"""
Pictures of digits: drawn, cleaned, completed
=============================================

A network from ten latents to the pixels of a digit, with a mixture of Gaussians in front of
it: digits lie in clusters, and draws from one Gaussian would fall between them.  The fitted
model draws new digits, walks from one digit to another, takes noise away, and completes a
picture of which the lower half is hidden.  What is hidden is not known, so several draws
are shown: they differ where more than one digit would fit.

``transform`` gives ten features to a classifier, beside ten principal components.  How far
the draws are from digits, beside a variational autoencoder with the same network, is
measured by ``make bench-images``.
"""

import sys
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skaws import AmortisedLearner
from skaws.decoders import MLP
from skaws.likelihoods import Gaussian
from skaws.models import LatentVariableModel
from skaws.priors import GaussianMixture

NOISE = 0.05  # added to pixels, whose values are from 0 to 1
STRONG = 0.3
N_SHOWN = 12


def model():
    prior = GaussianMixture(10, n_clusters=20)
    return LatentVariableModel(prior, MLP((64,), dtype="float32"), Gaussian())


def run(max_iter=4000, seed=0):
    """Errors of cleaned pictures, accuracy of classifiers, and the picture."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    rng = np.random.default_rng(seed)
    X, X_new, y, y_new = train_test_split(X, y, test_size=0.2, random_state=seed)
    noisy, noisy_new = (Z + NOISE * rng.standard_normal(Z.shape) for Z in (X, X_new))
    fitted = AmortisedLearner(model(), max_iter=max_iter, random_state=seed).fit(noisy)
    pca = PCA(10).fit(noisy)
    dirty = X_new + STRONG * rng.standard_normal(X_new.shape)
    errors, accuracy = {"nothing done": np.mean((dirty - X_new) ** 2)}, {}
    for way, features in (("skaws", fitted), ("PCA", pca)):
        cleaned = features.inverse_transform(features.transform(dirty))
        errors[way] = np.mean((cleaned - X_new) ** 2)
        classifier = make_pipeline(StandardScaler(), SVC())
        classifier.fit(features.transform(noisy), y)
        accuracy[way] = classifier.score(features.transform(noisy_new), y_new)
    return errors, accuracy, draw(fitted, noisy_new, dirty, seed)


def draw(fitted, X, dirty, seed):
    """Rows of pictures, with what they show."""
    ends = fitted.transform(X[:2])
    steps = np.linspace(0, 1, N_SHOWN)[:, None]
    hidden = X[:N_SHOWN].copy()
    hidden[:, 32:] = np.nan
    dirty = dirty[:N_SHOWN]
    first, second, third = fitted.impute(hidden, n_draws=3, random_state=seed)
    rows = {
        "drawn": fitted.sample(N_SHOWN, random_state=seed),
        "a walk": fitted.inverse_transform(ends[0] + steps * (ends[1] - ends[0])),
        "noise added": dirty,
        "cleaned": fitted.inverse_transform(fitted.transform(dirty)),
        "seen": hidden,
        "completed": first,
        "again": second,
        "and again": third,
        "the truth": X[:N_SHOWN],
    }
    size = (N_SHOWN * 0.62 + 1.2, len(rows) * 0.66)
    figure, axes = plt.subplots(len(rows), N_SHOWN, figsize=size, layout="constrained")
    for own, (title, pictures) in zip(axes, rows.items(), strict=True):
        own[0].set_ylabel(title, rotation=0, ha="right", va="center")
        for axis, image in zip(own, pictures, strict=True):
            axis.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            axis.set_facecolor("lightsteelblue")
    return figure


if __name__ == "__main__":
    errors, accuracy, picture = run()
    for way, value in errors.items():
        print(f"mean squared error of cleaned pictures {value:.4f}  {way}")
    for way, value in accuracy.items():
        print(f"accuracy of a classifier of ten features {value:.3f}  {way}")
    path = Path(sys.argv[0]).parent / "output" / "images.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
