"""
ICA of a recording of the brain: artefacts taken out
====================================================

Sixteen seconds of an electroencephalogram, 14 electrodes.  The head moves near the end,
which three electrodes on the left (T7, P7, O1) feel, and a muscle near electrode FC6 is
tense at the start and at the end.  :class:`skaws.AmortisedICA` finds a source for each;
``remove_components`` takes their contributions out, and leaves everything else as it is.

Artefacts come and go, so their sources have heavy tails: they are those with an excess
kurtosis above five.

The recording is in the package ``spkit`` (version 0.0.9.7, MIT, 4 MB, ``pip install
--no-deps spkit`` is enough; it is part of the PhyAAt experiments of its author); without it
this script makes waves and jerks, and uses these.
"""

import pickle
import sys
from importlib.util import find_spec
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import kurtosis

from skaws import AmortisedICA

RATE = 128  # samples a second
HEAVY = 5.0  # excess kurtosis of an artefact
SPACE = 60.0  # between two electrodes in the picture, microvolt


# %%
# The recording
# -------------


def recording():
    """Names of electrodes, and a row a sample, in microvolt."""
    package = find_spec("spkit")  # looked for, not imported: only its file is used
    if package is None:
        return waves()
    folder = Path(package.submodule_search_locations[0], "data", "files")
    with open(folder / "EEG16sec_artifact.pkl", "rb") as file:
        found = pickle.load(file)  # of a package that you have chosen to install
    return found["ch_names"], found["X_fil"]


def waves(n_samples=1500, n_electrodes=5, seed=0):
    """Rhythms and two artefacts, for want of a recording."""
    rng = np.random.default_rng(seed)
    time = np.arange(n_samples)[:, None] / RATE
    rhythms = np.sin(2 * np.pi * (rng.uniform(2, 20, n_electrodes - 2) * time))
    jerk = 8 * np.exp(-((time - 9) ** 2) / 0.05)
    muscle = 3 * rng.standard_normal(time.shape) * (time < 1)
    mixing = rng.standard_normal((n_electrodes, n_electrodes))
    names = [f"electrode {number + 1}" for number in range(n_electrodes)]
    return names, 10 * np.hstack([rhythms, jerk, muscle]) @ mixing


# %%
# Artefacts found, and taken out
# ------------------------------


def run(named=None, seed=0):
    """Numbers of the artefacts, root mean squares, rows without them, and the picture.

    Root mean squares are of electrodes that an artefact moves most, where it is loud and
    where it is quiet: before, after, and of the change.
    """
    names, X = named or recording()
    ica = AmortisedICA(random_state=seed).fit(X)
    sources = ica.transform(X)
    artefacts = np.flatnonzero(kurtosis(sources) > HEAVY)
    X_left = ica.remove_components(X, artefacts)
    figures = {}
    for number in artefacts:
        source = np.abs(sources[:, number])
        loud = source > 3.0
        shares = ica.mixing_[:, number] ** 2 / X.var(axis=0)
        own = [int(np.argmax(shares))]
        for name, rows in (("loud", loud), ("quiet", ~loud)):
            before, after = X[rows][:, own], X_left[rows][:, own]
            figures[int(number), name] = (
                names[own[0]],
                *(np.sqrt(np.mean(part**2)) for part in (before, after, before - after)),
            )
    return artefacts, figures, X_left, draw(names, X, X_left, sources, artefacts)


def draw(names, X, X_left, sources, artefacts):
    """Electrodes before and after, and the sources that were taken out."""
    picture, panels = plt.subplots(1, 3, figsize=(12, 6), layout="constrained")
    time = np.arange(len(X)) / RATE
    for axes, rows, title in zip(
        panels, (X, X_left), ("Recorded", "Cleaned"), strict=False
    ):
        places = -SPACE * np.arange(len(names))
        axes.plot(time, rows + places, linewidth=0.5, color="tab:blue")
        axes.set_yticks(places, names, fontsize=8)
        axes.set_title(f"{title}, {SPACE:.0f} microvolt between lines", fontsize=9)
    places = -30.0 * np.arange(len(artefacts))
    panels[2].plot(time, sources[:, artefacts] + places, linewidth=0.5, color="tab:red")
    panels[2].set_yticks(places, [f"source {number}" for number in artefacts], fontsize=8)
    panels[2].set_title("Sources that were taken out", fontsize=9)
    for axes in panels:
        axes.set_xlabel("seconds", fontsize=8)
    return picture


if __name__ == "__main__":
    artefacts, figures, _, picture = run()
    print("root mean squares, microvolt")
    for (number, when), (name, before, after, change) in figures.items():
        what = f"recorded {before:5.1f}, cleaned {after:5.1f}, change {change:5.1f}"
        print(f"  source {number:2d} {when:>5}, electrode {name}: {what}")
    path = Path(sys.argv[0]).parent / "output" / "ica_artefacts.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
