"""What the site needs of Sphinx beyond myst-nb: diagrams, notes, and a lesson's buttons."""

from __future__ import annotations

import html
import re
import tomllib
from pathlib import Path, PurePosixPath

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

TERMS = tomllib.loads((Path(__file__).parent / "glossary.toml").read_text(encoding="utf-8"))


class mermaid(nodes.General, nodes.Element):
    """A diagram, drawn by mermaid.js in the reader's browser."""


class Mermaid(SphinxDirective):
    """A fence of the language mermaid, as JupyterLab and GitHub draw it too."""

    has_content = True

    def run(self):
        node = mermaid(code="\n".join(self.content))
        self.set_source_info(node)
        return [node]


def visit_mermaid(self, node):
    # The name of a diagram is its accTitle, which JupyterLab reads as well.
    title = re.search(r"^\s*accTitle\s*:\s*(.+)$", node["code"], re.MULTILINE)
    label = html.escape(title[1].strip() if title else "Diagram")
    self.body.append(f'<pre class="mermaid" role="img" aria-label="{label}">{html.escape(node["code"])}</pre>\n')
    raise nodes.SkipNode


class Notes(SphinxTransform):
    """A quotation that begins with **Note** is how lessons write a note, which JupyterLab shows as well."""

    default_priority = 400

    def apply(self):
        for quote in list(self.document.findall(nodes.block_quote)):
            first = quote.children[0] if quote.children else None
            parts = [part for part in first.children if part.astext()] if isinstance(first, nodes.paragraph) else []
            if parts and isinstance(parts[0], nodes.strong) and parts[0].astext() == "Note":
                if len(parts) > 1 and isinstance(parts[1], nodes.Text):
                    parts[1] = nodes.Text(parts[1].astext().lstrip())
                first.children = []
                first += parts[1:]
                quote.replace_self(nodes.note("", *quote.children))


class NoColabLinks(SphinxTransform):
    """A lesson's own line "Open in Colab" is for JupyterLab and GitHub; here the page has a button."""

    default_priority = 400

    def apply(self):
        for paragraph in list(self.document.findall(nodes.paragraph)):
            link = paragraph.children[0] if len(paragraph.children) == 1 else None
            if isinstance(link, nodes.reference) and "://colab.research.google.com/" in link.get("refuri", ""):
                paragraph.parent.remove(paragraph)


class GlossaryLinks(SphinxTransform):
    """Where a lesson explains a term of the glossary, **term** at its first use, the term leads there."""

    default_priority = 400

    def apply(self):
        page = PurePosixPath(self.env.docname)
        number, waiting = page.name.partition("_")[0], dict(TERMS)
        if page.parent.name != "notebooks":
            return
        for strong in list(self.document.findall(nodes.strong)):
            term = strong.astext()
            if waiting.get(term, {}).get("lesson") == number:
                del waiting[term]
                link = nodes.reference(refuri=f"../book/glossary.html#{nodes.make_id(term)}", internal=True)
                strong.replace_self(link)
                link += strong


def add_to_page(app, pagename, templatename, context, doctree):
    """Scripts for pages that have diagrams; where a lesson is, for its buttons; index.md's place in the repository."""
    if doctree is not None and any(doctree.findall(mermaid)):
        app.add_js_file("mermaid.min.js")
        app.add_js_file("diagrams.js", loading_method="defer")
    repository, lesson = app.config.html_theme_options.get("source_repository", ""), PurePosixPath(pagename)
    if lesson.parts[0] == "notebooks":
        context["notebook"] = f"{lesson.name}.ipynb"
        if repository.startswith("https://github.com/"):
            place = repository.removeprefix("https://github.com/").strip("/")
            context["colab"] = f"https://colab.research.google.com/github/{place}/blob/main/{lesson}.ipynb"
    if repository and pagename == "index":
        context["theme_source_edit_link"] = f"{repository}/edit/main/book/{{filename}}"
    if lesson.parts[0] == "api" or pagename == "book/glossary":
        context["page_source_suffix"] = None  # made by the build: there is nothing to edit, and no source worth a look


def setup(app):
    app.add_node(mermaid, html=(visit_mermaid, None))
    app.add_directive("mermaid", Mermaid)
    app.add_transform(Notes)
    app.add_transform(NoColabLinks)
    app.add_transform(GlossaryLinks)
    app.connect("html-page-context", add_to_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
