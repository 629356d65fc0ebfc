"""
ICA under noise: error against noise level
==========================================

Six Laplace sources in eight mixtures, with noise of growing standard deviation.  FastICA
(and Picard, where ``python-picard`` is installed) have no noise in their model;
:class:`skaws.AmortisedICA` does, and finds both the mixing and how noisy it is.  The error
is Amari's distance of ``components_ @ A`` from a scaled permutation: 0 is perfect.

FastICA and Picard come to the same answer.  ``AmortisedICA`` errs less at every level, and
the noise it finds is the true one.
"""

import sys
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import FastICA

from skaws import AmortisedICA

try:
    from picard import picard
except ImportError:
    picard = None

# %%
# Mixtures and error
# ------------------


def mixtures(noise, seed, n_rows=5000, n_sources=6, n_features=8):
    """Rows of mixed unit-variance Laplace sources in noise, and the mixing matrix."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((n_features, n_sources))
    sources = rng.laplace(size=(n_rows, n_sources)) / np.sqrt(2)
    return sources @ mixing.T + noise * rng.standard_normal((n_rows, n_features)), mixing


def amari(unmixing, mixing):
    """Amari's error of an unmixing matrix, between 0 and 1."""
    gain = np.abs(unmixing @ mixing)
    n = len(gain)
    rows = np.sum(gain / gain.max(axis=1, keepdims=True)) - n
    columns = np.sum(gain / gain.max(axis=0, keepdims=True)) - n
    return (rows + columns) / (2 * n * (n - 1))


def unmix(X, n_sources, seed):
    """Unmixing matrix by each way that is installed, and our noise estimate."""
    model = AmortisedICA(n_sources, random_state=seed).fit(X)
    fast = FastICA(n_sources, whiten="unit-variance", random_state=seed, max_iter=1000)
    found = {"skaws": model.components_, "FastICA": fast.fit(X).components_}
    if picard is not None:
        whitening, rotation, _ = picard(X.T, n_components=n_sources, random_state=seed)
        found["Picard"] = rotation @ whitening
    return found, np.sqrt(model.noise_variance_)


# %%
# The experiment
# --------------


def run(levels=(0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0), n_seeds=5, n_rows=5000):
    """Median errors by way and noise level, estimated noise levels, and the picture."""
    errors, noises = {}, []
    for noise in levels:
        at_level, estimated = {}, []
        for seed in range(n_seeds):
            X, mixing = mixtures(noise, seed, n_rows)
            found, found_noise = unmix(X, mixing.shape[1], seed)
            estimated.append(found_noise)
            for way, unmixing in found.items():
                at_level.setdefault(way, []).append(amari(unmixing, mixing))
        noises.append(np.median(estimated))
        for way, values in at_level.items():
            errors.setdefault(way, []).append(np.median(values))
    return errors, noises, draw(levels, errors, noises)


def draw(levels, errors, noises):
    """Error, and estimated noise, against noise level."""
    picture, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    styles = {"skaws": "oC0-", "FastICA": "sC1--", "Picard": "+k:"}
    for way, values in errors.items():
        left.plot(levels, values, styles[way], ms=5, label=way)
    left.set(xlabel="standard deviation of the noise", ylabel="Amari error (median)")
    left.set(title="Error of the unmixing", ylim=0)
    left.legend(frameon=False)
    right.plot(levels, levels, color="0.7", label="truth")
    right.plot(levels, noises, "o", ms=5, label="skaws")
    right.set(xlabel="standard deviation of the noise", ylabel="estimate (median)")
    right.set_title("Noise found")
    right.legend(frameon=False)
    return picture


if __name__ == "__main__":
    errors, noises, picture = run()
    for way, values in errors.items():
        print(f"{way:>8}: " + " ".join(f"{value:.4f}" for value in values))
    print("   noise: " + " ".join(f"{noise:.3f}" for noise in noises))
    path = Path(sys.argv[0]).parent / "output" / "ica_noise.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
