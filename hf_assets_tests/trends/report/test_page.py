import base64
import datetime as dt
import hashlib
import re
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from matplotlib.figure import Figure
from playwright.sync_api import Browser

from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.trends.figures.day.snapshot import Snapshot
from hf_assets.trends.figures.history.history import History
from hf_assets.trends.figures.history.movers import weekly_movers
from hf_assets.trends.figures.registry import DAY_FIGURES, HISTORY_FIGURES, drawings
from hf_assets.trends.report import figures as report_figures
from hf_assets.trends.report.numbers import flagged_days, newest_trusted, numbers
from hf_assets.trends.report.page import write_report
from hf_assets_tests.support.trends.histories import hostile, remade
from hf_assets_tests.support.trends.series import LAST, past
from hf_assets_tests.support.trends.snapshots import HOSTILE, chosen, normal, snapshot

LIMIT = 5_000_000  # bytes of the page: what can be mailed


class Page(HTMLParser):
    """Tags, what they refer to, and the text of a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


# Drawing a figure for two pages takes half a second: these are of every kind.
FEW_OF_HISTORY = ("category_shares", "top_ranks", "risers", "fallers", "day_quality")
FEW_OF_DAY = ("downloads_by_category", "library_share")


def few(data: Snapshot | History) -> dict[str, Callable[[], Figure]]:
    return only(*(FEW_OF_DAY if isinstance(data, Snapshot) else FEW_OF_HISTORY))(data)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """The files of a report of few figures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_figures, "drawings", few)
        return write_report(past(60), snapshot(normal(), chosen()), processes=1)


@pytest.fixture(scope="module")
def all_files() -> dict[str, bytes]:
    """The files of a report of every figure."""
    return write_report(past(60), snapshot(normal(), chosen()), processes=1)


def test_the_page_asks_for_nothing_and_runs_nothing(files: dict[str, bytes]) -> None:
    check_page(files["index.html"])


def check_page(content: bytes) -> None:
    page, text = Page(content), content.decode()
    assert len(content) < LIMIT
    assert not {name for name, _ in page.tags} & {"script", "link", "iframe", "object", "form"}
    for _, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on")]
        assert "style" not in attrs
        for name in ("src", "srcset"):
            assert (attrs.get(name) or "data:image/webp;base64,").startswith(
                "data:image/webp;base64,"
            )
    # A link asks for nothing until somebody follows it.
    assert {name for name, attrs in page.tags if "href" in attrs} == {"a"}
    for attrs in page.of("a"):
        assert (attrs["href"] or "").startswith(("#", "https://huggingface.co/"))
    assert "url(" not in text
    assert "@import" not in text
    policy = page.of("meta")[1]["content"] or ""
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_every_figure_has_an_anchor_words_and_two_drawings(files: dict[str, bytes]) -> None:
    check_figures(files["index.html"], 5 + 2)


@pytest.mark.release
@pytest.mark.heavy
def test_a_page_of_every_figure(all_files: dict[str, bytes]) -> None:
    check_page(all_files["index.html"])
    # Without growth of all models, there is no table of their risers.
    check_figures(all_files["index.html"], len(HISTORY_FIGURES) + len(DAY_FIGURES))
    check_order(all_files["index.html"], DAY_FIGURES, HISTORY_FIGURES)


def check_figures(content: bytes, count: int) -> None:
    page = Page(content)
    figures, images, narrow = page.of("figure"), page.of("img"), page.of("source")
    assert len(figures) == count
    assert len(images) == len(narrow) == len(figures) - 2, "risers and fallers are tables"
    ids = [attrs["id"] for attrs in figures]
    assert len(set(ids)) == len(ids)
    linked = {attrs["href"] for attrs in page.of("a")}
    assert {f"#{one}" for one in ids} <= linked
    assert all((attrs["alt"] or "").strip() for attrs in images)
    assert {attrs["width"] for attrs in images} == {"1000"}
    assert {attrs["width"] for attrs in narrow} == {"480"}
    said = " ".join(page.said)
    for words in ("25 Nov 2026", "58 days", "hub-stats", "captured from huggingface.co",
                  "model_history, 2026-11-25"):  # fmt: skip
        assert words in said.replace("\u00a0", " ")


def test_figures_are_shown_from_the_whole_to_the_single(files: dict[str, bytes]) -> None:
    assert len(DAY_FIGURES) == 20
    assert len(HISTORY_FIGURES) == 24
    names = [figure.name for figure in HISTORY_FIGURES]
    assert names[0] == "category_shares"
    assert names[-1] == "day_quality"
    check_order(
        files["index.html"],
        [figure for figure in DAY_FIGURES if figure.name in FEW_OF_DAY],
        [figure for figure in HISTORY_FIGURES if figure.name in FEW_OF_HISTORY],
    )


def check_order(content: bytes, of_day: Sequence[Any], of_history: Sequence[Any]) -> None:
    """Figures of many days come before those of a day, each in the order of the registry."""
    anchors = [str(attrs["id"]) for attrs in Page(content).of("figure")]
    assert anchors == [
        f"{prefix}-{figure.name.replace('_', '-')}"
        for prefix, figures in (("trend", of_history), ("day", of_day))
        for figure in figures
    ]


def test_risers_and_fallers_are_tables_of_whole_names_linked_to_the_hub(
    files: dict[str, bytes],
) -> None:
    text, page = files["index.html"].decode(), Page(files["index.html"])
    assert {attrs.get("class") for attrs in page.of("table")} >= {"movers up", "movers down"}
    for name, rising in (("risers", True), ("fallers", False)):
        figure = text[text.index(f'<figure id="trend-{name}">') :].partition("</figure>")[0]
        found = weekly_movers(past(60), rising=rising)
        assert len(found.rows) == 17
        for row in found.rows:
            assert (
                f'<a href="https://huggingface.co/{row.id}" rel="noopener noreferrer">{row.id}</a>'
                in figure
            )
        assert figure.count("<polyline") >= 17
        assert found.finding(str) in figure.replace("&#39;", "'")


def mover_page(name: str, origin: str = "https://huggingface.co") -> str:
    """The page of a history in which that model rose most, with no figure but the movers."""
    history = past(20)
    frames = {key: frame.collect() for key, frame in history.frames.items()}
    models = frames["model_history"]
    first = weekly_movers(history, rising=True).rows[0].id
    frames["model_history"] = models.with_columns(pl.col("id").replace(first, name))
    frames["day_quality"] = frames["day_quality"].with_columns(origin=pl.lit(origin))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_figures, "drawings", only("risers", "fallers"))
        return write_report(History.of(frames), None, processes=1)["index.html"].decode()


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("gpt2", "https://huggingface.co/gpt2"),
        ("a_b/C-1.5_x", "https://huggingface.co/a_b/C-1.5_x"),
        ("../../etc/passwd", ""), ("/evil.example/x", ""), ('"><b>x', ""), ("a/b/c", ""),
        ("javascript:alert(1)", ""), ("a/b?x=1#y", ""), ("a/b\n", ""),
    ],
)  # fmt: skip
def test_only_the_name_of_a_repository_is_a_link(name: str, link: str) -> None:
    links = [attrs["href"] or "" for attrs in Page(mover_page(name).encode()).of("a")]
    outside = [one for one in links if not one.startswith("#")]
    assert len([one for one in outside if "organisation-" not in one]) == bool(link)
    assert (link in outside) == bool(link)


def test_models_of_an_embedded_hub_have_no_page_to_link() -> None:
    text = mover_page("a/b", "http://127.0.0.1:4321")
    assert "captured from an embedded Hub" in text
    assert 'href="http' not in text
    assert ">a/b<" in text


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only three figures: drawing all takes seconds, and other tests look at each."""
    monkeypatch.setattr(report_figures, "drawings", only("top_ranks", "risers", "day_quality"))


def only(*names: str) -> Callable[[Snapshot | History], dict[str, Callable[[], Figure]]]:
    return lambda data: {name: make for name, make in drawings(data).items() if name in names}


@pytest.mark.usefixtures("three")
def test_what_the_hub_serves_is_text_and_nothing_else() -> None:
    history = remade(past(20), hostile)
    content = write_report(history, None, processes=1)["index.html"]
    page = Page(content)
    assert not {name for name, _ in page.tags} & {"script", "b", "iframe"}
    text = content.decode()
    assert "\u202e" not in text
    assert "\x00" not in text
    assert "{{" not in text.replace("{{x}}", "")
    one = next(n for n in numbers(history) if n.trace.startswith("model_history"))
    assert one.note in HOSTILE


def test_the_card_is_a_static_space(files: dict[str, bytes]) -> None:
    head = files["README.md"].decode().split("---")[1]
    assert "\nsdk: static\n" in head
    assert "\napp_file: index.html\n" in head


@pytest.mark.heavy
@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("history", [History.of({}), past(1)], ids=["nothing", "one day"])
def test_little_is_a_page_too(history: History) -> None:
    files = write_report(history, None, processes=1)
    page = Page(files["index.html"])
    assert len(page.of("figure")) == 3
    assert not page.of("table")


def test_numbers_are_of_the_newest_trusted_day() -> None:
    history = past(60)
    assert newest_trusted(history) == LAST
    found = {one.label: one for one in numbers(history)}
    days = history.days.filter(pl.col("day") == LAST)
    assert days["models"][0] == 1.9e6 + 2100 * 60
    assert found["models listed"].value == "2.03M"
    assert found["models listed"].note == "+0.7% in 7\u00a0days"
    assert found["days that can be trusted"].value == "56"
    named = found["of the models name their training data"]
    assert (named.value, named.trace) == ("12%", f"used_by_history, {LAST}")
    assert named.note.endswith("% of the downloads")
    rows, more = flagged_days(history)
    assert more == 0
    assert [row.what for row in rows].count("missing") == 2
    assert [row.day for row in rows] == sorted((row.day for row in rows), reverse=True)


def test_numbers_that_are_not_there_are_left_out() -> None:
    days = pl.DataFrame({"day": [LAST], "trusted": [True]})
    found = numbers(History.of({DAY_QUALITY.name: days}))
    assert [one.label for one in found] == ["days that can be trusted"]


def test_a_list_and_the_whole_hub_are_not_compared() -> None:
    history = past(60)
    before = history.days.with_columns(coverage=pl.lit("the whole Hub"))
    lists = pl.col("day") < LAST - dt.timedelta(3)
    after = before.with_columns(
        coverage=pl.when(lists).then(pl.lit("the lists of a folder")).otherwise("coverage"),
        models=pl.when(lists).then(500).otherwise("models"),
    )
    notes = []
    for days in (before, after):
        made = History.of({**history.frames, DAY_QUALITY.name: days})
        notes.append({one.label: one.note for one in numbers(made)})
    listed, held = "models listed", "of the downloads go to the first ten models"
    assert notes[0][listed] == "+0.7% in 7\u00a0days"
    assert notes[1][listed] == ""
    assert notes[0][held].split(" since ")[1] != notes[1][held].split(" since ")[1]


@pytest.fixture(scope="module")
def opened(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / "index.html"


@pytest.mark.heavy
@pytest.mark.browser
def test_it_is_read_on_a_phone_and_a_desk_in_light_and_dark(opened: Path, browser: Browser) -> None:
    for scheme, width, drawn in (("light", 360, 864), ("dark", 1200, 1800)):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page, told, asked = context.new_page(), [], []
        page.on("console", lambda message, told=told: told.append(message.text))
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(opened.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
        sizes = page.evaluate(
            "Promise.all([...document.images].map(i => i.decode().then(() => "
            "[i.currentSrc.slice(0, 16), i.getBoundingClientRect().width])))"
        )
        assert {kind for kind, _ in sizes} == {"data:image/webp;"}
        assert max(wide for _, wide in sizes) <= width
        natural = page.evaluate(
            "Promise.all([...document.images].map(async i => (await createImageBitmap(i)).width))"
        )
        assert max(natural) <= drawn
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(16, 21, 29)") == (scheme == "dark")
        assert not told
        assert not [url for url in asked if not url.startswith(("file:", "data:"))]
        context.close()
