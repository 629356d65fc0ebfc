"""Sphinx settings."""

import skaws

project = "skaws"
author = "the skaws developers"
copyright = "2026, the skaws developers"
version = release = skaws.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx-mathjax-offline",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {
    "description": "Latent-variable models by amortised maximum likelihood",
    "fixed_sidebar": True,
    "page_width": "1080px",
}
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
suppress_warnings = ["config.cache"]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "ignore_pattern": r"benchmarks",
    "download_all_examples": False,
    "remove_config_comments": True,
    "min_reported_time": 1e9,
}
