"""A page to try the trained taggers: paste a text, see which labels fit. Also answers over HTTP.

`trained.py` finds and loads the models, `classifiers/tagger.py` answers. The page asks no other
machine.

    python -m hf_assets.apps.tagger --data data/demo
"""

import argparse
import html
import os
import sys
from pathlib import Path
from typing import Any

# Before gradio is imported, which reads it once.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hf_assets.apps import tagger_html
from hf_assets.apps.tagger_service import Refused, TaggerService, on_slider
from hf_assets.apps.tagger_several import several
from hf_assets.apps.trained import Trained, find
from hf_assets.classifiers.guard import MOST_BYTES, Guard
from hf_assets.errors import InputError
from hf_assets.object_store.path import location
from hf_assets.settings import settings

PROG = "python -m hf_assets.apps.tagger"
DEMO = Path("data/demo")
# Gradio's own file of the weight between, 600, holds hardly a letter.
FONTS = (gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif")
HEAD = """<h1>Which labels fit?</h1>
<p>Paste a title, a text or both. The page asks no other machine.</p>"""
FOOT = """<p>The same over HTTP: <code>POST /gradio_api/call/v2/tag</code> with
<code>{"corpus": …, "title": …, "text": …, "threshold": …}</code>, or <code>…/tag_texts</code> with
<code>{"corpus": …, "texts": […], "threshold": …}</code>, returns an <code>event_id</code>;
<code>GET /gradio_api/call/tag/EVENT_ID</code> returns the labels with their scores.
A threshold may be left out.</p>"""


class OnlyHere:
    """Middleware: the browser asks no other machine, whatever a card or a label contains."""

    POLICY = (
        b"default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
        b"style-src 'self' 'unsafe-inline'"
    )

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the policy to every answer."""

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (b"content-security-policy", self.POLICY)]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, with_policy)


def build(models: dict[str, Trained]) -> gr.Blocks:
    """The page over one or more models, by corpus."""
    service, first = TaggerService(models), next(iter(models))

    def tuned(model: Trained) -> float:
        return on_slider(float(model.config.get("threshold", 0.5)))

    def chosen(corpus: str) -> tuple[Any, ...]:
        # Read again at each choice: the corpus may have been trained again.
        model = models[corpus]
        examples = model.examples()
        credits = tagger_html.credit(examples)
        return (
            tagger_html.about(model),
            gr.Dataset(
                samples=[[one.title, one.text] for one in examples],
                sample_labels=[tagger_html.short(one.title or one.text) for one in examples],
                visible=bool(examples),
            ),
            gr.HTML(credits, visible=bool(credits)),
            tuned(model),
            model.card or "This model has no card.",
        )

    def tag(
        corpus: str, title: str, text: str, threshold: float | None = None
    ) -> list[dict[str, Any]]:
        """Labels that fit a text, best first, each with its score; an empty list if none does.

        Without a threshold (0 to 1), the one that was tuned for the model.
        """
        try:
            return [one._asdict() for one in service.answer(corpus, title, text, threshold).fit]
        except Refused as refused:
            raise gr.Error(str(refused), print_exception=False) from refused

    def tag_texts(
        corpus: str, texts: list[str], threshold: float | None = None
    ) -> list[list[dict[str, Any]]]:
        """Labels that fit each text, in order, as of `tag`: 50 a text, and 5,000 texts at most."""
        try:
            answers = service.each(corpus, texts, threshold)
            return [[tag._asdict() for tag in one.fit] if one else [] for one in answers]
        except Refused as refused:
            raise gr.Error(str(refused), print_exception=False) from refused

    def show(corpus: str, title: str | None, text: str | None, threshold: float) -> tuple[str, str]:
        try:
            answer = service.answer(corpus, title or "", text or "", threshold)
        except Refused as refused:
            return f"<p role='status'>{html.escape(str(refused))}.</p>", ""
        return tagger_html.shown(answer), "\n".join(tag.label for tag in answer.fit)

    with gr.Blocks(title="Which labels fit?", analytics_enabled=False) as page:
        gr.HTML(HEAD, elem_id="head")
        with gr.Row(elem_id="model"):
            with gr.Column(min_width=320, visible=len(models) > 1):
                corpus = gr.Dropdown(list(models), value=first, label="Corpus", filterable=False)
            with gr.Column(min_width=320):
                about = gr.HTML(elem_id="about")
        with gr.Tab("One text"):
            with gr.Row():
                with gr.Column(min_width=320):
                    title = gr.Textbox(label="Title", max_lines=1, elem_id="title")
                    text = gr.Textbox(label="Text", lines=6, max_lines=14, elem_id="text")
                    submit = gr.Button("Find labels", variant="primary", elem_id="submit")
                with gr.Column(min_width=320):
                    result = gr.HTML(elem_id="result")
                    copied = gr.Textbox(
                        label="Labels that fit", lines=1, max_lines=4, interactive=False,
                        buttons=["copy"], elem_id="labels",
                    )  # fmt: skip
            examples = gr.Dataset(
                components=[title, text], samples=[], label="Examples", elem_id="examples"
            )
            credit = gr.HTML(elem_id="credit", visible=False)
        # The first corpus's own from the start: who asks before the page has loaded the rest would
        # get an answer at another threshold than the slider shows then.
        threshold = gr.Slider(
            0, 1, tuned(models[first]), step=0.001, label="Threshold", buttons=[],
            elem_id="threshold", render=False,
        )  # fmt: skip
        with gr.Tab("Several texts"):
            several(service, corpus, threshold)
        threshold.render()
        with gr.Accordion("The model's card", open=False):
            card = gr.Markdown(elem_id="card", latex_delimiters=[])
        gr.HTML(FOOT, elem_id="foot")

        shown, asked = [about, examples, credit, threshold, card], [corpus, title, text, threshold]
        # A second event waits for the first; by default Gradio drops it.
        kept: dict[str, Any] = {"api_visibility": "private", "trigger_mode": "always_last"}
        now = gr.on([page.load, corpus.change], chosen, corpus, shown, **kept)
        filled = [result, copied]
        now.then(show, asked, filled, **kept)
        again = [submit.click, title.submit, text.submit, threshold.release]
        gr.on(again, show, asked, filled, **kept)
        examples.click(list, examples, [title, text], **kept).then(show, asked, filled, **kept)
        gr.api(tag, api_name="tag")
        gr.api(tag_texts, api_name="tag_texts")
    return page.queue(default_concurrency_limit=4)


def _arguments(argv: list[str] | None, prog: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description="A page to try what was trained.")
    parser.add_argument("--data", help="the lake; by default yours, else the demo's")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, help="by default the first free one from 7860")
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        help="a host name that the page is reached by, where it is neither localhost nor an "
        "address; may be given again",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None, prog: str = PROG) -> int:
    """Serve the page until it is interrupted. Returns 2 where it cannot be served."""
    arguments = _arguments(argv, prog)
    try:
        places: list[Any] = [settings().data, DEMO]
        if arguments.data:
            places = [location(arguments.data)]
        models = next(filter(None, map(find, places)), {})
    except InputError as error:  # the address, or what the store answers
        print(error, file=sys.stderr)
        return 2
    if not models:
        where = " nor ".join(str(place / "classifiers") for place in places)
        print(
            f"No trained model in {where}. Train one first: hf-assets demo, or make demo",
            file=sys.stderr,
        )
        return 2
    page = build(models)
    try:
        _, url, _ = page.launch(
            server_name=arguments.host,
            server_port=arguments.port,
            theme=gr.themes.Default(primary_hue="blue", neutral_hue="slate", font=FONTS),
            css_paths=Path(__file__).with_suffix(".css"),
            footer_links=[],
            run_history=False,
            share=False,
            ssr_mode=False,
            quiet=True,
            show_error=True,
            prevent_thread_lock=True,
            # No part of the page takes a file.
            max_file_size=MOST_BYTES,
            enable_monitoring=False,
            app_kwargs={
                # The page's own host, too: Gradio asks there whether it has begun.
                "middleware": [
                    Middleware(OnlyHere),
                    Middleware(Guard, names=[arguments.host, *arguments.name]),
                ]
            },
        )
    except OSError as error:  # the port is taken, or the address is not this machine's
        print(error, file=sys.stderr)
        return 2
    print(f"The tagger is at {url} with {', '.join(models)}; Ctrl-C ends it", flush=True)
    page.block_thread()
    return 0


if __name__ == "__main__":
    sys.exit(main())
