"""What the tagger page shows, as HTML: texts, labels and names are escaped."""

import base64
import html
from collections.abc import Sequence

from hf_assets.apps.tagger_service import Answer
from hf_assets.apps.trained import Example, Trained
from hf_assets.classifiers.tagger import Tag

# Bars of a page.
MOST_FIT, MOST_BELOW = 20, 3
# Rows of a table of several texts.
MOST_ROWS = 100
GENERATED = """<p class="generated">This corpus consists of generated texts: its scores say nothing
about real texts.</p>"""


def shown(answer: Answer) -> str:
    """What an answer says: a bar for each label, with the threshold across it."""
    count, threshold = len(answer.fit), answer.threshold
    said = f"{count} labels fit" if count > 1 else f"{'One' if count else 'No'} label fits"
    own = f"; the model's own threshold is {answer.tuned:.3f}"
    return (
        f"<h2 role='status'>{said}</h2>"
        + (f"<p class='meaning'>{html.escape(answer.meaning)}</p>" if answer.meaning else "")
        + _bars(answer.fit[:MOST_FIT], threshold, "fits")
        + (f"<p class='more'>and {count - MOST_FIT} more</p>" if count > MOST_FIT else "")
        + _bars(answer.ranked[count:][:MOST_BELOW], threshold, "below")
        + f"<p>A label fits from {threshold:.3f} on, where the line is"
        + f"{own if threshold != answer.tuned else ''}.</p>"
    )


def _bars(tags: list[Tag], threshold: float, kind: str) -> str:
    items = (
        f"<li><bdi class='label'>{html.escape(tag.label)}</bdi>"
        f"<span class='score'>{tag.score:.3f}</span>"
        f"<span class='bar' aria-hidden='true'><i style='width:{tag.score:.2%}'></i>"
        f"<b style='left:{threshold:.2%}'></b></span></li>"
        for tag in tags
    )
    return f"<ol class='{kind}'>{''.join(items)}</ol>" if tags else ""


def about(model: Trained) -> str:
    """The model's size and scores."""
    labels = len(model.config.get("id2label", ()))
    facts = {"Base model": model.base_model, "Labels": labels} | model.measured
    items = (
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd></div>"
        for name, value in facts.items()
        if value
    )
    return f"<dl>{''.join(items)}</dl>{GENERATED if model.generated else ''}"


def credit(examples: list[Example]) -> str:
    """The authors of the examples, as their licence requires; empty without any."""
    names = []
    for one in (one for one in examples if one.author or one.link):
        name = html.escape(one.author or "the author")
        if one.link and one.link.startswith(("https://", "http://")):
            link = html.escape(one.link)
            name = f"<a href='{link}' target='_blank' rel='noopener noreferrer'>{name}</a>"
        names.append(name + (f" ({html.escape(one.license)})" if one.license else ""))
    return f"The examples are test rows, by {', '.join(names)}." if names else ""


def progress(done: int, count: int) -> str:
    """How many texts are answered."""
    return (
        f"<p role='status'>{done:,} of {count:,} texts</p>"
        f"<progress value='{done}' max='{count}' aria-label='Texts answered'></progress>"
    )


def several(texts: Sequence[str], answers: Sequence[Answer | None], csv: bytes) -> str:
    """A row for each text, and all of them as a file.

    Args:
        texts: as they were given.
        answers: of each; None where it is empty.
        csv: the file.
    """
    fit = sum(bool(one and one.fit) for one in answers)
    empty = answers.count(None)
    parts = [f"{fit:,} of {len(texts):,} texts have a label that fits"]
    parts += [f"{empty:,} are empty"] * bool(empty)
    link = base64.b64encode(csv).decode()
    more = f"<p>The first {MOST_ROWS} are shown; the file has all.</p>"
    rows = "".join(map(_row, texts[:MOST_ROWS], answers))
    return (
        f"<h2 role='status'>{'; '.join(parts)}</h2>"
        f"<p><a class='download' download='labels.csv' href='data:text/csv;base64,{link}'>"
        f"Download CSV</a></p>{more if len(texts) > MOST_ROWS else ''}"
        "<table><thead><tr><th scope='col'>Text</th><th scope='col'>Labels</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _row(text: str, answer: Answer | None) -> str:
    if answer is None:
        found = "<span class='none'>empty</span>"
    else:
        found = (
            ", ".join(
                f"<bdi>{html.escape(tag.label)}</bdi> {tag.score:.3f}"
                for tag in answer.fit[:MOST_FIT]
            )
            or "<span class='none'>none</span>"
        )
        if answer.meaning:
            found += f"<span class='meaning'>{html.escape(answer.meaning)}</span>"
    return f"<tr><td>{html.escape(short(text, 160))}</td><td>{found}</td></tr>"


def short(text: str, most: int = 90) -> str:
    """A text in one line, cut where it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
