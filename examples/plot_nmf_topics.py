"""
Topics of news stories from sparse counts
=========================================

395 stories of Reuters' and the counts of their 4258 words, as the package ``lda`` ships
them: a sparse table, fitted as it is.  Small shapes of the latents say that a story is
about few topics; ``perplexity`` is per word, and each topic is shown by its words.

The fit is cut short, which its warnings say: so few stories for so many words are soon
overfitted, and longer fits predict others worse.
"""

import sys
from os.path import relpath
from pathlib import Path
from textwrap import shorten

import matplotlib.pyplot as plt
import numpy as np
from lda.datasets import load_reuters, load_reuters_titles, load_reuters_vocab
from scipy.sparse import csr_matrix

from skaws import AmortisedNMF

# %%
# Words that tell a topic
# -----------------------
#
# Common words are in every topic; those that are far more likely in one than on average
# say what it is about.


def telling_words(components, words, n_words=8):
    """Words of each topic, by rate times log ratio to the mean topic's."""
    shares = components / components.sum(axis=1, keepdims=True)
    telling = shares * np.log(shares / shares.mean(axis=0))
    return [[words[j] for j in np.argsort(-row)[:n_words]] for row in telling]


def run(n_components=10, n_words=None, **options):
    """Fitted model, perplexities, words of each topic, and the picture."""
    X = load_reuters().astype(float)
    words = np.array(load_reuters_vocab())
    if n_words is not None:
        common = np.sort(np.argsort(-X.sum(axis=0))[:n_words])
        X, words = X[:, common], words[common]
    train, test = csr_matrix(X[:300]), csr_matrix(X[300:])
    model = AmortisedNMF(n_components, random_state=0, **options).fit(train)
    one = AmortisedNMF(1, random_state=0, **options).fit(train)
    perplexities = {"one topic": one.perplexity(test), "topics": model.perplexity(test)}
    topics = telling_words(model.components_, words)
    picture = draw(model, topics, test, load_reuters_titles()[300:])
    return model, perplexities, topics, picture


def draw(model, topics, X, titles, n_stories=12):
    """Shares of the topics in the words of some stories."""
    latents = model.transform(X[:n_stories])
    words = latents * model.components_.sum(axis=1)
    shares = words / words.sum(axis=1, keepdims=True)
    labels = [", ".join(topic[:3]) for topic in topics]
    picture, axis = plt.subplots(figsize=(9.5, 4.8), layout="constrained")
    image = axis.imshow(shares, cmap="Blues", aspect="auto", vmin=0)
    axis.set_xticks(range(len(labels)), labels, rotation=35, ha="right", fontsize=8)
    short = [
        shorten(title.split(maxsplit=1)[1].lower(), 48, placeholder=" …")
        for title in titles[:n_stories]
    ]
    axis.set_yticks(range(len(short)), short, fontsize=8)
    picture.colorbar(image, label="share of the story's words")
    axis.set_title("Topics (three telling words each) of stories not fitted", fontsize=10)
    return picture


if __name__ == "__main__":
    model, perplexities, topics, picture = run(
        n_simulations=150, batch_size=150, max_iter=80
    )
    for name, value in perplexities.items():
        print(f"perplexity of 95 other stories, {name}: {value:.0f}")
    for shape, topic in zip(model.shape_, topics, strict=True):
        print(f"shape {shape:.2f}: " + " ".join(topic))
    path = Path(sys.argv[0]).parent / "output" / "nmf_topics.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
