"""Sphinx settings."""

import skaws

project = "skaws"
author = "the skaws developers"
copyright = "2026, the skaws developers"
version = release = skaws.__version__

autodoc_typehints = "none"  # shapes and ranges are in the docstrings
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx-mathjax-offline",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
# Tables of measurements are included in another page.
exclude_patterns = ["_build", "measured*.rst"]
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_title = "skaws"
html_static_path = ["_static"]
html_css_files = ["skaws.css"]
# Pages without others below them have no use for the left bar.
ALONE = "getting_started", "user_guide", "add_a_part", "checked", "measurements", "changes"
html_sidebars = {page: [] for page in ALONE}
html_theme_options = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}
html_show_sourcelink = False
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
suppress_warnings = ["config.cache"]

# As they are best read: tables, sources, parts, models of one's own.
GALLERY = [
    "plot_quickstart.py",
    "plot_missing_values.py",
    "plot_displays.py",
    "plot_ica_noise.py",
    "plot_ica_voices.py",
    "plot_ica_artefacts.py",
    "plot_ica_natural_images.py",
    "plot_nmf_digits.py",
    "plot_nmf_topics.py",
    "plot_guessing.py",
    "plot_robust_factors.py",
    "plot_seasons.py",
    "plot_blowflies.py",
    "plot_predators.py",
    "plot_population.py",
    "plot_stiff.py",
    "plot_hodgkin_huxley.py",
    "plot_oscillation.py",
    "plot_pinwheel.py",
    "plot_images.py",
    "plot_functions.py",
    "plot_circle.py",
    "plot_gradient.py",
]


def place(file_name):
    """Where an example stands in the gallery; last if it is not listed."""
    return GALLERY.index(file_name) if file_name in GALLERY else len(GALLERY)


sphinx_gallery_conf = {
    "within_subsection_order": place,
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "ignore_pattern": r"benchmarks",
    "download_all_examples": False,
    "remove_config_comments": True,
    "min_reported_time": 1e9,
}
