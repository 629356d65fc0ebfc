"""Coherence of topics: known values, and topics that were planted."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from skaws import AmortisedNMF
from skaws.evaluation import coherence


@pytest.fixture
def documents():
    rng = np.random.default_rng(0)
    topic = rng.integers(2, size=2000)
    words = np.where(topic[:, None] == np.repeat([0, 1], 3), 0.8, 0.1)
    return (rng.random((2000, 6)) < words).astype(int)


def test_value_of_a_pair(documents):
    together = np.mean(documents[:, 0] * documents[:, 1])
    alone = documents[:, :2].mean(axis=0)
    expected = np.log(together / np.prod(alone)) / -np.log(together)
    assert coherence([["x0", "x1"]], documents) == pytest.approx(expected)


def test_order_of_topics(documents):
    rng = np.random.default_rng(1)
    chance = np.column_stack([documents, rng.random((2000, 1)) < 0.5])
    planted, mixed, unrelated = coherence([[0, 1, 2], [0, 1, 3], [0, 6]], chance)
    assert planted > 0.3 and planted > mixed + 0.2
    assert abs(unrelated) < 0.05  # chance; a standard error is about 0.015


def test_containers_agree(documents):
    names = list("abcdef")
    frame = pd.DataFrame(documents, columns=names)
    expected = coherence([[0, 1, 2]], documents)
    for X, own in ((frame, None), (csr_matrix(documents), names), (documents, names)):
        assert coherence([["a", "b", "c"]], X, own) == pytest.approx(expected)


def test_topics_of_a_fit(documents):
    model = AmortisedNMF(2, max_iter=100, random_state=0).fit(documents)
    assert np.all(coherence(model.top_features(3), documents) > 0.3)


def test_words_that_never_occur(documents):
    documents[:, 5] = 0
    assert coherence([["x0", "x5"]], documents) == [-1.0]


@pytest.mark.parametrize("topic", [["x0"], ["x0", "y"], [0, 6]])
def test_bad_topics(topic, documents):
    with pytest.raises(ValueError, match="two words|is no column"):
        coherence([topic], documents)
