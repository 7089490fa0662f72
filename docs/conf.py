"""Sphinx settings of the convcore site. Nothing here uses the network, nor does the built site."""

import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import convcore

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
import languages

project = "convcore"
author = "the convcore developers"
copyright = "the convcore developers"
version = release = convcore.build_info()["version"]
language = languages.chosen()

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "gallery",
    "drawing",
    "bench_tables",
    "bridges",
    "explorer",
    "head",
    "house",
    "languages",
    "local_mathjax",
    "moving",
    "pictures",
    "proofs",
    "root_files",
    "searching",
    "walk",
]
if tags.has("spelling"):  # noqa: F821 (Sphinx defines it); needs the system's enchant
    extensions.append("sphinxcontrib.spelling")
    spelling_lang = "en_GB"
    spelling_word_list_filename = "words.txt"
    spelling_warning = True
    spelling_exclude_patterns = ["use/changelog*"]  # full of names, and of words of the past
    spelling_ignore_importable_modules = False  # what is installed must make no difference
    spelling_ignore_contributor_names = False  # they would be asked of git
exclude_patterns = ["_build", "learn/others", *languages.excluded(language)]  # others: included
nitpicky = True
# Names of other projects that docstrings mention (their inventories would have to be downloaded).
nitpick_ignore_regex = [("py:.*", r"(numpy|np|scipy|torch)(\..*)?")]

# --- the reference: every public name, from its docstring -----------------------------------
autosummary_generate = True
# Libraries that a bridge needs, and that a build of the site need not have.
autodoc_mock_imports = [name for name in ("jax", "torch") if find_spec(name) is None]
templates_path = ["_templates"]  # classes: their docstring says all, fields included
autodoc_typehints = "none"  # numpydoc's parameter lists say the types, with shapes and units
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# --- languages: the catalogues of locales/, one a page; tools/catalogues.py keeps them -----------
locale_dirs = ["locales"]
gettext_compact = False
gettext_uuid = False
if language != languages.SOURCE:
    extensions = [name for name in extensions if name not in languages.ENGLISH_EXTENSIONS]
    suppress_warnings = ["toc.excluded"]

# --- figures: scripts in figures/, run twice (light and dark) by the `drawing` directive --------
plot_formats = [("svg", 100)]
plot_html_show_formats = False
plot_html_show_source_link = False

# --- the gallery: the scripts of examples/, run when the site is built --------------------------
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": "",  # all of them are run, whatever they are called
    "within_subsection_order": "gallery.order",
    "reset_modules": ("gallery.style", "gallery.tidy"),
    "reset_modules_order": "both",
    "image_srcset": ["2x"],
    "capture_repr": (),  # what is printed is shown, nothing else
    "notebook_extensions": set(),
    "download_all_examples": False,
    "write_computation_times": False,  # its page would load scripts from elsewhere
    "min_reported_time": 3600,  # a time of the machine that built the site tells a reader nothing
    "show_signature": False,
    "remove_config_comments": True,
    "only_warn_on_example_error": False,
    "abort_on_example_error": True,
}

# --- copy buttons take what was typed, not the prompts and the answers --------------------------
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "convcore"
# no pages below them; wide tables
html_sidebars = {"explorer": [], "walk": [], "stack": [], "performance/index": []}
html_static_path = ["_static"]
html_css_files = ["convcore.css"]
html_js_files = ["printing.js", "scrolling.js", "zoom.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # fetched, which no browser allows from a file: see searching.py
html_favicon = "_static/favicon.svg"
html_additional_pages = {"404": "404.html"}
pyproject = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
github_user, github_repo = pyproject["project"]["urls"]["Source"].split("/")[-2:]
html_context = {
    "default_mode": "auto",
    "github_user": github_user,
    "github_repo": github_repo,
    "github_version": "main",
    "doc_path": "docs",
}
html_theme_options = {
    # The two defaults of this list that fetch something, the version switcher and the external
    # icon links, are left out.
    "navbar_end": ["edition-switcher", "theme-switcher"],
    "logo": {
        "text": "convcore",
        "image_light": "_static/logo-light.svg",
        "image_dark": "_static/logo-dark.svg",
    },
    "show_toc_level": 2,
    "header_links_before_dropdown": 5,  # as many as fit in one row at 1280 pixels
    "use_edit_page_button": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version", "theme-version"],
}
