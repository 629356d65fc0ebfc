"""
Quick start: factors of handwritten digits
==========================================

Ten factors of the 8 x 8 digits that scikit-learn ships, fitted by amortised maximum
likelihood, beside the same model fitted by EM.  The held-out log-likelihoods agree to a
few hundredths of a nat.  What differs is what comes on top: here, 30% of all pixels are
hidden from the fit, and then filled in from the factors.
"""

import sys
from os.path import relpath
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import FactorAnalysis
from sklearn.model_selection import train_test_split

from skaws import AmortisedFactorAnalysis


class Pixels:
    """Standardised pixels that vary moderately, and the way back to images.

    Pixels that are almost always white would have values of tens of standard deviations;
    they are left out, and drawn at their mean.
    """

    def __init__(self):
        X = load_digits().data
        self.mean, self.sd = X.mean(axis=0), X.std(axis=0)
        Z = (X - self.mean) / np.where(self.sd > 0, self.sd, 1.0)
        self.used = (self.sd > 0) & (np.abs(Z).max(axis=0) < 8)
        self.train, self.test = train_test_split(
            Z[:, self.used], test_size=0.3, random_state=0
        )

    def images(self, rows):
        """Grey levels, shape (n, 8, 8), of standardised rows; NaN where missing."""
        images = np.tile(self.mean, (len(rows), 1))
        images[:, self.used] += rows * self.sd[self.used]
        return images.reshape(-1, 8, 8)


# %%
# Fit
# ---
# One call each; ``score`` is the mean log-likelihood of held-out rows, in nats.


def run(n_components=10, max_iter=400, random_state=0):
    """Fit, and draw what was learnt; returns figures and picture."""
    pixels = Pixels()
    hidden = np.random.default_rng(random_state).random(pixels.train.shape) < 0.3
    with_holes = np.where(hidden, np.nan, pixels.train)

    def fitted(X):
        return AmortisedFactorAnalysis(
            n_components, max_iter=max_iter, random_state=random_state
        ).fit(X)

    start = perf_counter()
    model = fitted(pixels.train)
    seconds = perf_counter() - start
    model_with_holes = fitted(with_holes)
    em = FactorAnalysis(n_components, tol=1e-4, max_iter=3000).fit(pixels.train)
    figures = {
        "EM": em.score(pixels.test),
        "skaws": model.score(pixels.test),
        "skaws, 30% hidden": model_with_holes.score(pixels.test),
        "one Gaussian a pixel": independent_score(pixels.train, pixels.test),
        "seconds for a fit": seconds,
    }
    return figures, draw(pixels, with_holes, model, model_with_holes, figures)


def independent_score(train, test):
    """Mean log-likelihood when pixels are independent: what factors improve upon."""
    variance = train.var(axis=0)
    distance = (test - train.mean(axis=0)) ** 2 / variance
    return -0.5 * np.mean(np.sum(distance + np.log(2 * np.pi * variance), axis=1))


# %%
# Look
# ----
# Digits with hidden pixels and the same filled in, the factors, samples from the model,
# and the path of the objective as the loop saw it.


def draw(pixels, with_holes, model, model_with_holes, figures):
    """Pictures of rows to the left, of figures to the right."""
    rows = with_holes[:10]
    means = model_with_holes.inverse_transform(model_with_holes.transform(rows))
    filled = np.where(np.isnan(rows), means, rows)
    factors = np.zeros((len(model.components_[:10]), 64))
    factors[:, pixels.used] = model.components_[:10]
    grey = plt.get_cmap("gray_r").with_extremes(bad="moccasin")
    picture = plt.figure(figsize=(10, 4), layout="constrained")
    left, right = picture.subfigures(1, 2, width_ratios=[1.9, 1])
    strips = {
        "30% of the pixels hidden": pixels.images(rows),
        "filled in": pixels.images(filled),
        "the factors": factors.reshape(-1, 8, 8),
        "samples from the model": pixels.images(model.sample(10, random_state=0)),
    }
    for part, (title, images) in zip(left.subfigures(4, 1), strips.items(), strict=True):
        part.suptitle(title, fontsize=9)
        for axes in part.subplots(1, 10):
            axes.axis("off")
        for axes, image in zip(part.axes, images, strict=False):
            if title == "the factors":
                limit = np.abs(image).max()
                axes.imshow(image, cmap="RdBu_r", vmin=-limit, vmax=limit)
            else:
                axes.imshow(image, cmap=grey, vmin=0, vmax=16)
    curve, scores = right.subplots(2, 1)
    curve.plot(model.history_["objective"], lw=1)
    curve.set_xlabel("iteration", fontsize=8)
    curve.set_title("Learning: expected log joint (nats a row)", fontsize=9)
    names = ["EM", "skaws", "skaws, 30% hidden"]
    for place, name in enumerate(names[::-1]):
        scores.plot(figures[name], place, "o", color="0.4" if name == "EM" else "C0")
        label = f"{name}: {figures[name]:.2f}"
        scores.annotate(label, (figures[name], place), (-8, -3), fontsize=8, ha="right",
                        textcoords="offset points")  # fmt: skip
    scores.set(xlim=(figures["EM"] - 3, figures["EM"] + 0.5), ylim=(-0.7, 2.7), yticks=[])
    scores.locator_params(axis="x", nbins=4)
    scores.set_title("Held-out log-likelihood (nats a row)", fontsize=9)
    for axes in (curve, scores):
        axes.tick_params(labelsize=8)
    return picture


if __name__ == "__main__":
    figures, picture = run()
    for name, value in figures.items():
        print(f"{name:>22}: {value:8.2f}")
    path = Path(sys.argv[0]).parent / "output" / "quickstart.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
