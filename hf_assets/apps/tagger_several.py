"""The part of the tagger page for several texts: lines or a CSV file in, a table and a file out."""

import base64
import binascii
import html
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from hf_assets.apps import tagger_html
from hf_assets.apps.tagger_batch import MOST_CSV, Texts, from_csv, from_lines
from hf_assets.apps.tagger_service import MOST_TEXTS, Refused, TaggerService

# Seconds between two looks at how far it is.
LOOK = 0.3
# Characters that are shown to be copied; the file has more.
MOST_COPIED = 100_000
# The browser reads the file, and sends it as text: the page takes no upload, and stores none.
CHOOSE = """<label for="csv-file">CSV file with a column <code>text</code> and, if there is one,
<code>title</code></label><input id="csv-file" type="file" accept=".csv,.tsv,.txt,text/csv">
<button type="button" class="without">Without a file</button>"""
READ = """
const send = (value) => { props.value = value; };
element.addEventListener('change', (event) => {
  const file = event.target.files && event.target.files[0];
  if (!file) { send(null); return; }
  if (file.size > MOST) { send({size: file.size}); return; }
  const reader = new FileReader();
  reader.onload = () => send({content: String(reader.result).split(',')[1] || ''});
  reader.onerror = () => send({});
  reader.readAsDataURL(file);
});
element.addEventListener('click', (event) => {
  if (!event.target.classList.contains('without')) return;
  element.querySelector('input').value = '';
  send(null);
});
""".replace("MOST", str(MOST_CSV))


def several(service: TaggerService, corpus: gr.Dropdown, threshold: gr.Slider) -> None:
    """The components and what they do; within the page that is being built.

    Args:
        service: answers.
        corpus, threshold: the page's own.
    """

    def answered(
        corpus: str, lines: str | None, file: Any, threshold: float
    ) -> Iterator[tuple[str, str]]:
        """How far it is, and at last the table; what can be copied."""
        try:
            texts = _given(lines or "", file)
            answers, looked = [], 0.0
            for answer in service.each(corpus, texts.texts, threshold):
                answers.append(answer)
                if (now := time.monotonic()) - looked > LOOK:
                    looked = now
                    yield tagger_html.progress(len(answers), len(texts.texts)), ""
        except Refused as refused:
            yield f"<p role='status'>{html.escape(str(refused))}.</p>", ""
            return
        csv = texts.labelled(answers)
        copied = csv.decode("utf-8-sig")
        if len(copied) > MOST_COPIED:
            copied = "Too long to be copied from here: download the file"
        yield tagger_html.several(texts.texts, answers, csv), copied

    with gr.Row():
        with gr.Column(min_width=320):
            lines = gr.Textbox(label="Texts, one a line", lines=8, max_lines=14, elem_id="lines")
            file = gr.HTML(None, html_template=CHOOSE, js_on_load=READ, elem_id="csv", padding=True)
            gr.HTML(f"<p>At most {MOST_TEXTS:,} texts. A file comes first.</p>", elem_id="limits")
            submit = gr.Button("Find labels of all", variant="primary", elem_id="submit-all")
            stop = gr.Button("Stop", elem_id="stop")
        with gr.Column(min_width=320):
            table = gr.HTML(elem_id="several")
            copied = gr.Textbox(
                label="As CSV", lines=4, max_lines=8, buttons=["copy"], interactive=False,
                elem_id="as-csv",
            )  # fmt: skip
    running = submit.click(
        answered, [corpus, lines, file, threshold], [table, copied], api_visibility="private",
        trigger_mode="once", show_progress="hidden",
    )  # fmt: skip
    # Afterwards: what was on its way from the one that is ended would be shown over it.
    stop.click(None, cancels=[running], api_visibility="private").then(
        lambda: "<p role='status'>Stopped.</p>", None, table, api_visibility="private",
        show_progress="hidden",
    )  # fmt: skip


def _given(lines: str, file: Any) -> Texts:
    """The texts of the file, else the lines. Refused."""
    if not isinstance(file, dict):
        return from_lines(lines)
    if isinstance(size := file.get("size"), int | float):
        raise Refused(f"The file has {size:,.0f} bytes: the limit is {MOST_CSV:,}, split the file")
    try:
        return from_csv(base64.b64decode(file["content"], validate=True))
    except (KeyError, TypeError, binascii.Error):
        raise Refused("The browser could not read the file: choose it again") from None
