"""The formats of texts: which signs are markup. Light to import: the registry reads it."""

from typing import Literal, get_args

# html: what HTML's own elements are; markdown: complete tags outside of code; text: nothing.
TextFormat = Literal["html", "markdown", "text"]
FORMATS: tuple[TextFormat, ...] = get_args(TextFormat)

# Ids of the texts that Kaggle describes in Markdown; Stack Exchange serves its bodies as HTML.
_MARKDOWN_IDS = "kaggle:"
# Of the Hub's models: words of ids and tags, in which nothing is markup.
_TEXT_IDS = "hub:"


def format_of_source(row_id: str | None) -> TextFormat:
    """The format of a source asset's text, by the id that names the source."""
    if (row_id or "").startswith(_TEXT_IDS):
        return "text"
    return "markdown" if (row_id or "").startswith(_MARKDOWN_IDS) else "html"
