# SPDX-License-Identifier: MIT
"""One site for C and Python. Built by script/docs; every warning is an error.
"""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "..", "include", "tgvoip", "version.h")) as f:
    release = re.search(r'define TGVOIP_VERSION "([^"]+)"', f.read()).group(1)

project = "tgvoip"
author = "the tgvoip authors"
version = release
extensions = ["myst_parser", "breathe", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["Doxyfile", "**/*.inc"]
html_theme = "furo"
html_title = f"tgvoip {release}"
highlight_language = "python"
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
# README files and headers that documents point at live in the repository.
# A struct and its typedef of the same name are one thing.
suppress_warnings = ["myst.xref_missing", "duplicate_declaration.c"]

breathe_projects = {"tgvoip": os.environ.get("TGVOIP_DOXYGEN_XML", "")}
breathe_default_project = "tgvoip"
breathe_domain_by_extension = {"h": "c"}
breathe_show_include = False
c_id_attributes = ["TGVOIP_API", "TGVOIP_MUST_CHECK"]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
