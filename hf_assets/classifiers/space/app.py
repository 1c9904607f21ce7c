"""A page that gives a text its labels; it needs the files beside it."""

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


def examples() -> list[list[str]]:
    """Titles and texts to try."""
    path = HERE / "examples.json"
    found = json.loads(path.read_text("utf-8")) if path.exists() else []
    return [[one["title"], one["text"]] for one in found]


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
    if examples():
        gr.Examples(examples(), [title, text])
    with gr.Accordion("Model card", open=False):
        gr.Markdown(card())

if __name__ == "__main__":
    page.launch()
