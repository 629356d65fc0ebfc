"""
ICA of photographs: filters learnt, and filters recovered
=========================================================

Small patches of photographs are mixtures of edges: independent component analysis of them
finds filters that are localised and oriented, like the receptive fields of simple cells in
visual cortex.  Two experiments, on the two photographs that scikit-learn ships:

- :class:`skaws.AmortisedICA` learns 36 filters from 16 x 16 patches, for Laplace sources.
  Answers of a filter are near zero mostly and large at an edge; their kurtosis says how
  sparse they are.
- Filters are planted and found again.  36 independent Laplace sources excite 36 filters
  (found by FastICA), every pixel is standardised, noise of standard deviation 0.1 is
  added, and the mixing is to be recovered from the noisy patches alone.  Each planted
  filter is paired with a recovered one (Hungarian assignment); a pair's score is the
  absolute cosine between them.

Pixels are standardised before the noise comes: noise of 0.1 is 1% of a pixel's variance.
So little does FastICA no harm: both recover the filters to a mean cosine of 0.9998.
``AmortisedICA`` finds the noise, too (0.1000).
"""

import sys
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import kurtosis
from sklearn.datasets import load_sample_images
from sklearn.decomposition import PCA, FastICA
from sklearn.feature_extraction.image import extract_patches_2d

from skaws import AmortisedICA

NOISE = 0.1

# %%
# Patches of photographs, and patches made of known filters
# ---------------------------------------------------------


def photographs():
    """China and a flower, in grey."""
    return [picture.mean(axis=2) / 255 for picture in load_sample_images().images]


def photograph_patches(n_rows, size, seed):
    """Rows of size x size pixels, from both photographs in equal parts, mean removed."""
    shape, half = (size, size), n_rows // 2
    patches = [
        extract_patches_2d(picture, shape, max_patches=half, random_state=seed)
        for picture in photographs()
    ]
    rows = np.concatenate(patches).reshape(-1, size**2)
    return rows - rows.mean(axis=1, keepdims=True)


def planted_filters(patches, n_filters, seed):
    """FastICA's filters as columns, scaled so that every pixel has variance one."""
    fast = FastICA(n_filters, whiten="unit-variance", random_state=seed, tol=1e-3)
    filters = fast.fit(patches).components_.T
    filters = filters / np.linalg.norm(filters, axis=0)
    return filters / np.sqrt(2 * np.sum(filters**2, axis=1, keepdims=True))


def planted_patches(filters, n_rows, seed):
    """Noisy patches: Laplace sources through the filters."""
    rng = np.random.default_rng(seed)
    n_pixels, n_filters = filters.shape
    clean = rng.laplace(size=(n_rows, n_filters)) @ filters.T
    return clean + NOISE * rng.standard_normal((n_rows, n_pixels))


# %%
# Pairs of filters
# ----------------


def paired(found, planted):
    """Found filters in the planted ones' order and sign, and absolute cosines."""
    found = found / np.linalg.norm(found, axis=0)
    cosines = (planted / np.linalg.norm(planted, axis=0)).T @ found
    which, partner = linear_sum_assignment(-np.abs(cosines))
    cosines = cosines[which, partner]
    return found[:, partner] * np.sign(cosines), np.abs(cosines)


# %%
# The experiment
# --------------


def run(n_rows=100_000, n_patches=20_000, size=16, n_filters=36, max_iter=None, seed=0):
    """Kurtosis of answers, cosines by way, estimated noise, and the picture."""
    patches = photograph_patches(n_patches, size, seed)
    settings = {"max_iter": max_iter, "random_state": seed}
    learnt = AmortisedICA(n_filters, sources="laplace", batch_size=500, **settings)
    learnt.fit(patches)
    principal = PCA(n_filters).fit(patches).components_
    sparseness = {
        way: np.median(kurtosis(patches @ filters.T, fisher=False))
        for way, filters in (("skaws", learnt.components_), ("PCA", principal))
    }
    planted = planted_filters(patches, n_filters, seed)
    X = planted_patches(planted, n_rows, seed)
    model = AmortisedICA(n_filters, **settings).fit(X)
    fast = FastICA(n_filters, whiten="unit-variance", random_state=seed).fit(X)
    found = {
        "FastICA": paired(fast.mixing_, planted),
        "skaws": paired(model.mixing_, planted),
    }
    cosines = {way: values for way, (_, values) in found.items()}
    noise = np.sqrt(model.noise_variance_)
    return sparseness, cosines, noise, draw(learnt.components_.T, planted, found)


def mosaic(filters):
    """Filters as square tiles of one picture, each at its own contrast."""
    n_pixels, n_filters = filters.shape
    size, side = round(np.sqrt(n_pixels)), int(np.ceil(np.sqrt(n_filters)))
    tiles = np.full((side**2, size + 1, size + 1), np.nan)
    tiles[:n_filters, :-1, :-1] = (filters / np.abs(filters).max(axis=0)).T.reshape(
        -1, size, size
    )
    tiles = tiles.reshape(side, side, size + 1, size + 1).swapaxes(1, 2)
    return tiles.reshape(side * (size + 1), -1)[:-1, :-1]


def draw(learnt, planted, found):
    """A photograph, filters learnt from both, planted and recovered filters, cosines."""
    picture, panels = plt.subplots(2, 3, figsize=(10.5, 7), layout="constrained")
    photograph, errors = panels[0, 0], panels[0, 2]
    photograph.imshow(photographs()[0][:, :427], cmap="gray")
    photograph.set_title("One of two photographs", fontsize=10)
    mosaics = [(panels[0, 1], "Filters learnt by skaws", learnt)]
    mosaics.append((panels[1, 0], "Planted filters", planted))
    for axes, (way, (filters, cosines)) in zip(panels[1, 1:], found.items(), strict=True):
        title = f"Recovered by {way}: mean |cosine| {cosines.mean():.4f}"
        mosaics.append((axes, title, filters))
        style = "oC0-" if way == "skaws" else "sC1--"
        errors.plot(1e4 * np.sort(1 - cosines), style, ms=3, label=way)
    for axes, title, filters in mosaics:
        axes.imshow(mosaic(filters), cmap="gray", vmin=-1, vmax=1)
        axes.set_title(title, fontsize=10)
    for axes in panels.flat:
        if axes is not errors:
            axes.set_axis_off()
    errors.set(xlabel="filters, best first", ylim=0)
    errors.set_title("1 − |cosine| of each pair, times 10 000", fontsize=10)
    errors.legend(frameon=False)
    return picture


if __name__ == "__main__":
    sparseness, cosines, noise, picture = run()
    print("median kurtosis of a filter's answers to patches of photographs (Gaussian: 3)")
    for way, value in sparseness.items():
        print(f"{way:>8}: {value:.1f}")
    print("|cosine| of planted and recovered filters")
    for way, values in cosines.items():
        print(f"{way:>8}: mean {values.mean():.4f}, worst {values.min():.4f}")
    print(f"   noise: {noise:.4f} (true {NOISE})")
    path = Path(sys.argv[0]).parent / "output" / "ica_natural_images.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
