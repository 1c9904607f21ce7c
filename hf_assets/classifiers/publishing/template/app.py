"""A page that gives a text its labels; it needs the files beside it."""

import html
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from starlette.middleware import Middleware

HERE = Path(__file__).resolve().parent
MOST = 10
SHORT = 90  # characters of an example's name


def fetched(repository: str, *, code: bool) -> Path:
    """That repository's files, its program only where it is wanted."""
    from huggingface_hub import snapshot_download

    revision = os.environ.get("TAGGER_REVISION")
    return Path(
        snapshot_download(
            repository, revision=revision, ignore_patterns=None if code else ["*.py", "*.so"]
        )
    )


def folders() -> tuple[Path, Path, str]:
    """Where the model lies, where the program that reads it lies, and what to say of that.

    The model is the folder `model` beside this file, else the repository that TAGGER_MODEL names.
    A program out of a repository runs with all that this page may do: only one that lies here is
    run, unless TAGGER_TRUST_REMOTE_CODE says otherwise.
    """
    beside = HERE / "model"
    if (beside / "config.json").exists():
        return beside, beside, ""
    repository = os.environ.get("TAGGER_MODEL")
    if not repository:
        sys.exit(f"There is no model in {beside}: put one there, or set TAGGER_MODEL.")
    for code in (HERE, beside):
        if (code / "tagger.py").exists():
            return fetched(repository, code=False), code, ""
    if os.environ.get("TAGGER_TRUST_REMOTE_CODE") != "1":
        sys.exit(
            f"There is no tagger.py beside this file, and that of {repository} (TAGGER_MODEL) is "
            "not run unread: read it and put it here, with its tfidf.py if it has one, or set "
            "TAGGER_TRUST_REMOTE_CODE=1 (and TAGGER_REVISION to the commit that you read)."
        )
    model = fetched(repository, code=True)
    said = f"This page runs the program that {repository} holds (TAGGER_TRUST_REMOTE_CODE=1)."
    print(said, file=sys.stderr, flush=True)
    return model, model, said


def program(name: str, folder: Path) -> Any:
    """A module by its file: no other of that folder takes a package's place."""
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


guard, words = program("guard", HERE), program("meaning", HERE)
MODEL, CODE, REMARK = folders()
tagging: Any = program("tagger", CODE)
tagger: Any = tagging.Tagger.load(MODEL)


def answer(title: str, text: str) -> tuple[str, dict[str, float] | None]:
    """What is said of a text, and the scores of the labels that fit it, ten at most."""
    whole = "\n\n".join(part.strip() for part in (title or "", text or "") if part.strip())
    if not whole:
        return "Write a title or a text.", None
    if why := guard.too_long(whole):
        return f"{why}.", None
    scores, threshold = tagger.scores([whole])[0], tagger.threshold
    ranked = sorted(zip(tagger.labels, scores.tolist(), strict=True), key=lambda pair: -pair[1])
    fits = {label: score for label, score in ranked if score >= threshold}
    needed = f"a label needs {threshold:.2f}"
    best = tagging.Tag(*ranked[0])
    meant = words.meaning(best, threshold, is_read=tagger.reads(whole))
    if not fits:
        return f"No label fits. {meant}", None
    noun = "label fits" if len(fits) == 1 else "labels fit"
    more = f" The best {MOST} are shown." if len(fits) > MOST else ""
    summary = f"{len(fits)} {noun}; {needed}.{more} {meant}"
    return summary.strip(), dict(list(fits.items())[:MOST])


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


def origin() -> str:
    """Of which commit of which repository the model is a copy, as Markdown; empty where unknown."""
    path = HERE / "hf_assets.json"
    if MODEL.parent != HERE or not path.exists():
        return ""
    named = json.loads(path.read_text("utf-8")).get("model")
    if not named:
        return ""
    repository, commit = named["repository"], named["commit"]
    address = f"https://huggingface.co/{repository}/tree/{commit}"
    return f"The model is [{repository}]({address}) at {commit[:8]}."


def card() -> str:
    """The model's card without its front matter."""
    path = MODEL / "README.md"
    text = path.read_text("utf-8") if path.exists() else ""
    return text.split("\n---\n", 1)[-1]


with gr.Blocks(title="Tagger", analytics_enabled=False) as page:
    known = f"{len(tagger.labels)} labels are known. One text at a time. {origin()}"
    gr.Markdown(f"# Labels for a text\n{known}")
    if REMARK:
        gr.HTML(f"<p>{html.escape(REMARK)}</p>")
    with gr.Row():
        with gr.Column():
            title = gr.Textbox(label="Title", max_lines=2)
            text = gr.Textbox(label="Text", lines=8, max_lines=16)
            button = gr.Button("Find labels", variant="primary")
        with gr.Column():
            said = gr.Textbox(label="Answer", interactive=False)
            labels = gr.Label(label="Labels that fit", num_top_classes=MOST, show_heading=False)
    given, shown = [title, text], [said, labels]
    gr.on([button.click, title.submit], answer, given, shown, api_name="tags")
    if found := examples():
        gr.Examples([[one["title"], one["text"]] for one in found], [title, text])
        gr.HTML(credits(found))
    with gr.Accordion("Model card", open=False):
        gr.Markdown(card())

if __name__ == "__main__":
    # As a Space the page is public: who may reach it is the Hub's to say.
    hosts = (os.environ.get(name, "") for name in ("TAGGER_HOSTS", "GRADIO_SERVER_NAME"))
    names = None if os.environ.get("SPACE_ID") else " ".join(hosts).split()
    page.launch(
        max_file_size=guard.MOST_BYTES,
        enable_monitoring=False,
        app_kwargs={"middleware": [Middleware(guard.Guard, names=names)]},
    )
