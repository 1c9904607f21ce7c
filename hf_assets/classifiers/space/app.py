"""A page that gives a text its labels; it needs the files beside it."""

import html
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr

HERE = Path(__file__).resolve().parent
MOST = 10
SHORT = 90  # characters of an example's name


def model_folder() -> Path:
    """The folder `model` beside this file, else the repository that TAGGER_MODEL names."""
    beside = HERE / "model"
    if (beside / "config.json").exists():
        return beside
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(os.environ["TAGGER_MODEL"]))


MODEL = model_folder()
sys.path.insert(0, str(MODEL))
tagger: Any = importlib.import_module("tagger").Tagger.load(MODEL)
blend = tagger.config.get("blend")
if blend:
    tfidf: Any = importlib.import_module("tfidf")
    words = tfidf.TfIdf.load(MODEL / blend["file"])


def answer(title: str, text: str, with_words: bool = False) -> tuple[str, dict[str, float] | None]:
    """What is said of a text, and the scores of the labels that fit it, ten at most."""
    whole = "\n\n".join(part.strip() for part in (title or "", text or "") if part.strip())
    if not whole:
        return "Write a title or a text.", None
    scores, threshold = tagger.scores([whole])[0], tagger.threshold
    if blend and with_words:
        scores = tfidf.blended(scores, words.scores([whole])[0], blend["weight"])
        threshold = blend["threshold"]
    ranked = sorted(zip(tagger.labels, scores.tolist(), strict=True), key=lambda pair: -pair[1])
    fits = {label: score for label, score in ranked if score >= threshold}
    needed = f"a label needs {threshold:.2f}"
    if not fits:
        return f"No label fits: the best, {ranked[0][0]}, has {ranked[0][1]:.2f}; {needed}.", None
    noun = "label fits" if len(fits) == 1 else "labels fit"
    more = f" The best {MOST} are shown." if len(fits) > MOST else ""
    return f"{len(fits)} {noun}; {needed}.{more}", dict(list(fits.items())[:MOST])


def examples() -> list[dict[str, Any]]:
    """Texts to try, each with where it comes from."""
    path = HERE / "examples.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else []


def credits(shown: list[dict[str, Any]]) -> str:
    """Whom each example is by, in the examples' order, as HTML; their licences ask for it."""
    items = []
    for one in shown:
        what = " ".join((one["title"] or one["text"]).split())
        name = what if len(what) <= SHORT else what[: SHORT - 1] + "…"
        said = (
            linked(name, one["link"])
            + " by "
            + linked(one["author"] or "an author who is not named", one["author_link"])
            + ", "
            + linked(one["license"], one["license_link"])
        )
        items.append(f"<li>{said}</li>")
    return (
        "<p>The examples are texts of others, made plain: HTML, and where so set blocks of code, "
        f"were taken out. In order:</p><ol>{''.join(items)}</ol>"
    )


def linked(text: str, address: str | None) -> str:
    """The text, escaped, as a link where there is an address that a browser may follow."""
    shown = html.escape(text)
    if not (address or "").startswith(("https://", "http://")):
        return shown
    return f"<a href='{html.escape(address or '')}' rel='noopener noreferrer'>{shown}</a>"


def card() -> str:
    """The model's card without its front matter."""
    path = MODEL / "README.md"
    text = path.read_text("utf-8") if path.exists() else ""
    return text.split("\n---\n", 1)[-1]


with gr.Blocks(title="Tagger", analytics_enabled=False) as page:
    gr.Markdown(f"# Labels for a text\n{len(tagger.labels)} labels are known. One text at a time.")
    with gr.Row():
        with gr.Column():
            title = gr.Textbox(label="Title", max_lines=2)
            text = gr.Textbox(label="Text", lines=8, max_lines=16)
            with_words = gr.Checkbox(label="Let single words help (TF-IDF)", visible=bool(blend))
            button = gr.Button("Find labels", variant="primary")
        with gr.Column():
            said = gr.Textbox(label="Answer", interactive=False)
            labels = gr.Label(label="Labels that fit", num_top_classes=MOST, show_heading=False)
    given, shown = [title, text, with_words], [said, labels]
    gr.on([button.click, title.submit], answer, given, shown, api_name="tags")
    if found := examples():
        gr.Examples([[one["title"], one["text"]] for one in found], [title, text])
        gr.HTML(credits(found))
    with gr.Accordion("Model card", open=False):
        gr.Markdown(card())

if __name__ == "__main__":
    page.launch()
