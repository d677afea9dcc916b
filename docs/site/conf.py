"""Settings of the documentation site: Sphinx over the same Markdown files that are read in the repository.

`make site` builds it (`tools/site.py`). The root of the repository is the source folder, so that links between the
README, CONTRIBUTING and docs/ are the same on the site and in the repository.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

NAVIGATION = {
    "Labelling": ["labelling", "labels", "dictionary", "explanations", "finding", "review", "trying", "care"],
    "Start": ["installing"],
    "Data": ["importing", "exporting", "forgetting", "files"],
    "Models": ["learning", "models", "recipes", "scale"],
    "Teams": ["people", "access", "assignment", "agreement"],
    "Programs": ["service"],
    "Carrying it on": ["architecture", "data-model", "glossary", "dependencies", "performance", "threat-model"],
    "Where it stands": ["status", "seed-systems"],
}
"""Pages of docs/ by section, in reading order."""

BESIDE = {
    "Carrying it on": ["CONTRIBUTING"],
    "Where it stands": ["CHANGELOG"],
    "Programs": ["SECURITY"],
    "한국어": ["README.ko"],
}
"""Pages at the root of the repository, after those of their section."""

project = "Maeumgyeol"
project_copyright = "Maeumgyeol, Apache-2.0"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md"]

myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = "마음결 Maeumgyeol"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False


class Mermaid(SphinxDirective):
    """A diagram, drawn in the browser by the copy of Mermaid that lies in static/."""

    has_content: ClassVar[bool] = True

    def run(self) -> list[nodes.Node]:
        """Return the diagram's text as the element that Mermaid looks for."""
        text = escape("\n".join(self.content))
        return [nodes.raw("", f'<pre class="mermaid">{text}</pre>', format="html")]


def add_navigation(app: Sphinx, name: str, source: list[str]) -> None:
    """Append the table of contents to the front page: in the repository the README stays plain Markdown."""
    if name != root_doc:
        return
    for section in [*NAVIGATION, *(BESIDE.keys() - NAVIGATION.keys())]:
        pages = [f"docs/{page}" for page in NAVIGATION.get(section, [])] + BESIDE.get(section, [])
        source[0] += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {section}", "", *pages, "```", ""])


def add_mermaid(app: Sphinx, page: str, template: str, context: dict[str, str], doctree: object) -> None:
    """Load Mermaid on pages that have a diagram: it is 2.5 MB."""
    if 'class="mermaid"' in context.get("body", ""):
        app.add_js_file("mermaid.tiny.js", loading_method="defer")
        app.add_js_file("diagrams.js", loading_method="defer")


def setup(app: Sphinx) -> None:
    """Register the directive and the two hooks."""
    app.add_directive("mermaid", Mermaid)
    app.connect("source-read", add_navigation)
    app.connect("html-page-context", add_mermaid)
