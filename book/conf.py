"""Sphinx's settings for the site. `book/build.py` puts the pages together and calls Sphinx."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).parent))  # extension.py

project = "BERT, from the mathematics to the news desk"
language = "en"
root_doc = "index"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx.ext.mathjax",
    "extension",
]

# Lessons: as they are committed, never run here.
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {}
suppress_warnings = ["mystnb.unknown_mime_type"]  # a figure() has a form for the course, and text, which is shown
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
mathjax_path = "tex-svg-full.js"  # MathJax 3: one file, glyphs included
mathjax3_config = {"options": {"enableMenu": False}}

# The library: what its docstrings say. A single backtick is code, and a link where there is such a name.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# A method that is a built-in by origin would have the index of sources name a page of built-ins; there is none.
viewcode_follow_imported_members = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # attributes as a list
default_role = "py:obj"
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "BERT course"
html_static_path = ["static", str(ROOT / "build" / "book" / "libraries")]
html_css_files = ["site.css"]
html_favicon = "static/favicon.svg"
pygments_dark_style = "github-dark"
templates_path = ["templates"]
html_domain_indices = False  # the library has its own page of modules
html_show_sphinx = False
html_show_copyright = False
html_sourcelink_suffix = ""  # the copied sources are what the download buttons give
# build.py adds the repository's address, from which the buttons are made.
html_theme_options = {"top_of_page_buttons": ["edit"], "source_branch": "main", "source_directory": ""}
