"""How sphinx builds the documentation: make docs."""

import warnings

from docutils.nodes import SkipNode
from latex2mathml.converter import convert
from sphinx_gallery.sorting import ExplicitOrder

import sklearn_mine

project = "sklearn_mine"
author = "The sklearn_mine developers"
copyright = f"2026, {author}"
version = release = sklearn_mine.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/*.ipynb", "plots"]
# A reference that leads nowhere is a warning, and make docs takes no warnings.
nitpicky = True
# Words of types that numpydoc would link, and that need no page.
nitpick_ignore = [
    ("term", "numpy:array_like"),
    ("term", "python:iterable"),
]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
templates_path = ["_templates"]
# Sections of parameters tell of types, in words.
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
# Of the words of a type only these are names of somebody's.
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {
    "Axes": "matplotlib.axes.Axes",
    "DataFrame": "pandas.DataFrame",
    "RandomState": "numpy.random.RandomState",
    "int": "int",
    "float": "float",
    "str": "str",
    "dict": "dict",
    "list": "list",
    "tuple": "tuple",
    "bool": "bool",
    "ndarray": "numpy.ndarray",
    "MINE": "sklearn_mine.MINE",
    "MINEScore": "sklearn_mine.MINEScore",
    "MINESelector": "sklearn_mine.MINESelector",
    "Mixture": "sklearn_mine.datasets.Mixture",
    "Component": "sklearn_mine.datasets.Component",
    "torch.nn.Module": "torch.nn.Module",
    "tensor": "torch.Tensor",
}

plot_include_source = False
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 130)]

# Names of other projects and where they are told of, so that a build needs no
# network. A name that is missing there is added by hand.
intersphinx_mapping = {
    name: (url, f"inventories/{name}.txt")
    for name, url in {
        "joblib": "https://joblib.readthedocs.io/en/stable/",
        "matplotlib": "https://matplotlib.org/stable/",
        "numpy": "https://numpy.org/doc/stable/",
        "pandas": "https://pandas.pydata.org/docs/",
        "python": "https://docs.python.org/3/",
        "skorch": "https://skorch.readthedocs.io/en/stable/",
        "sklearn": "https://scikit-learn.org/stable/",
        "torch": "https://docs.pytorch.org/docs/stable/",
    }.items()
}

_EXAMPLES = [
    "rank_features.py",
    "select_with_p_values.py",
    "search_network_sizes.py",
    "find_an_interaction.py",
    "drop_redundant_columns.py",
    "vector_target.py",
    "compare_embeddings.py",
    "conditional_information.py",
    "lagged_information.py",
    "pointwise_information.py",
    "information_bottleneck.py",
    "information_in_torch_loop.py",
    "information_in_skorch.py",
    "gan_25_gaussians.py",
    "million_rows.py",
    "many_machines.py",
    "deep_infomax.py",
]
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"\.py$",
    # Two minutes, on data that have to be had first.
    "ignore_pattern": r"deep_infomax\.py$",
    "within_subsection_order": ExplicitOrder(_EXAMPLES),
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sklearn_mine",),
    "reference_url": {"sklearn_mine": None},
    "matplotlib_animations": False,
    "show_memory": False,
    "remove_config_comments": True,
    "abort_on_example_error": True,
}
# The picture of the ceiling asks for more than its rows can show.
warnings.filterwarnings("ignore", message="The estimate of .* Gaussian start")

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "sklearn_mine"
html_static_path = ["_static"]
html_css_files = ["small.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_align": "left",
    "show_toc_level": 2,
}


def _skip(app, what, name, member, skip, options):
    """Leave out what scikit-learn's and torch's own pages tell of."""
    member = getattr(member, "fget", member)
    module = getattr(member, "__module__", None) or ""
    return skip or (callable(member) and not module.startswith("sklearn_mine"))


def _formula(display):
    """A visitor that writes a formula as MathML, which browsers draw by themselves."""

    def visit(translator, node):
        translator.body.append(convert(node.astext(), display=display))
        raise SkipNode

    return visit, None


def setup(app):
    app.connect("autodoc-skip-member", _skip)
    app.add_html_math_renderer("mathml", _formula("inline"), _formula("block"))
