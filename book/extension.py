"""What the site needs of Sphinx beyond myst-nb: notes, links to the glossary, and a lesson's buttons."""

from __future__ import annotations

import tomllib
from pathlib import Path, PurePosixPath

from docutils import nodes
from sphinx.transforms import SphinxTransform

TERMS = tomllib.loads((Path(__file__).parent / "glossary.toml").read_text(encoding="utf-8"))


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
    """Where a lesson is, for its buttons; index.md's place in the repository."""
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
    app.add_transform(Notes)
    app.add_transform(NoColabLinks)
    app.add_transform(GlossaryLinks)
    app.connect("html-page-context", add_to_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
