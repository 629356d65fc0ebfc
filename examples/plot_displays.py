"""
Pictures of a fit
=================

Six displays of one fit, in scikit-learn's manner: ``from_estimator``, then look.
Measurements of 178 wines, a tenth of which were lost.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

from skaws import AmortisedFactorAnalysis
from skaws.displays import (
    ComponentsDisplay,
    HistoryDisplay,
    LoadingsDisplay,
    PosteriorDisplay,
    PredictiveCheckDisplay,
    ScreeDisplay,
)

rng = np.random.default_rng(0)
X = load_wine(as_frame=True).data.rename(columns=lambda name: name.replace("_", " "))
X = StandardScaler().set_output(transform="pandas").fit_transform(X)
X = X.mask(rng.random(X.shape) < 0.1)

# %%
# How many factors? By the likelihood of rows that were left out, with standard errors of
# the differences from the best.  Independent columns (0) are the baseline.
estimator = AmortisedFactorAnalysis(rotation="promax", random_state=0)
folds = KFold(5, shuffle=True, random_state=0)  # wines come in order of their kind
scree = ScreeDisplay.from_estimator(estimator, X, n_components=range(6), cv=folds)
n_components = scree.simplest_
plt.show()

# %%
# What each factor is.
model = estimator.set_params(n_components=n_components).fit(X)
print(model.summary())
LoadingsDisplay.from_estimator(model)
plt.show()

# %%
ComponentsDisplay.from_estimator(model, n_largest=6)
plt.show()

# %%
# How the fit went.
HistoryDisplay.from_estimator(model)
plt.show()

# %%
# What one wine says of its factors.
PosteriorDisplay.from_estimator(model, X.iloc[[0]])
plt.show()

# %%
# Whether wines that the model makes up look like real ones.  Malic acid is
# skewed, and flavanoids have two humps: three kinds of wine are no Gaussian.
PredictiveCheckDisplay.from_estimator(model, X, random_state=0)
plt.show()
