"""Badges: legible, inert, small, the same bytes each time, and of public models alone."""

import datetime as dt
import itertools
import json
from pathlib import PurePosixPath
from xml.etree import ElementTree

import polars as pl
import pytest
from playwright.sync_api import Browser

from hf_assets.trends.figures.history.history import History
from hf_assets.trends.report import badges as module
from hf_assets.trends.report.badges import badges
from hf_assets.trends.series.schemas import MODEL_HISTORY
from hf_assets_tests.support.trends.series import LAST, past

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def history() -> History:
    return past(30, models=1_020)


@pytest.fixture(scope="module")
def files(history: History) -> dict[str, bytes]:
    return badges(history)


def with_ids(*ids: str, models: int = 12) -> History:
    """A history whose first models have those ids."""
    history = past(12, models=models)
    frame = history.frames[MODEL_HISTORY.name].collect()
    ranked = frame.filter(pl.col("day") == LAST).sort("rank")["hub_id"]
    names = dict(zip(ranked, ids, strict=False))
    id = pl.col("hub_id").replace_strict(names, default=None, return_dtype=pl.String)
    return of_models(history, frame.with_columns(id=id.fill_null(pl.col("id"))))


def of_models(history: History, models: pl.DataFrame) -> History:
    return History.of(dict(history.frames) | {MODEL_HISTORY.name: models})


def test_the_first_thousand_have_a_badge_and_a_json(
    history: History, files: dict[str, bytes]
) -> None:
    assert len(files) == 2_000
    assert files == badges(history), "the same series, the same bytes"
    today = history.rows(MODEL_HISTORY, pl.col("day") == LAST, pl.col("rank") <= 1000)
    for row in today.to_dicts():
        about = json.loads(files[f"badge/{row['id']}.json"])
        assert about["downloads"] == round(row["downloads"])
        assert (about["rank"], about["day"]) == (row["rank"], "2026-11-25")
        assert set(about) == {
            *("id", "day", "rank", "downloads", "downloads_all_time", "likes"),
            *("growth_7", "growth_28", "phase", "category"),
        }
    assert max(len(content) for content in files.values()) < 3_000


def test_a_badge_is_one_inert_picture(files: dict[str, bytes]) -> None:
    content = files[next(name for name in files if name.endswith(".svg"))]
    root = ElementTree.fromstring(content)
    tags = {one.tag.removeprefix(SVG) for one in root.iter()}
    assert tags == {"svg", "title", "rect", "path", "g", "text", "polyline"}
    assert b"href" not in content
    assert b"url(" not in content
    said = root.findtext(f"{SVG}title")
    assert root.get("aria-label") == said
    assert said is not None
    assert "rank 1 of all models, on 2026-11-25" in said


@pytest.mark.parametrize("ground", [module._GROUND, module._VALUE])
def test_its_words_stand_out(ground: str) -> None:
    parts = [int(ground[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    light = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    luminance = sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), light, strict=True))
    assert 1.05 / (luminance + 0.05) > 4.5, "WCAG AA"


def test_a_path_stays_in_the_folder() -> None:
    bad = (
        "../../up",
        "a/../b",
        "/root",
        ".git/x",
        "a/.b",
        'a/b"><script>',
        "a/folder",
        "a/b/c",
        "",
    )
    made = badges(with_ids(*bad, "good/one", "bare"))
    assert {"badge/good/one.svg", "badge/bare.svg"} <= set(made)
    assert len(made) == 2 * (12 - len(bad))
    for name in made:
        path = PurePosixPath(name)
        assert path.parts[0] == "badge"
        assert not any(part.startswith(".") for part in path.parts)
        assert b"script" not in made[name]


def test_paths_that_a_file_system_takes_for_one_are_written_once() -> None:
    made = badges(with_ids("Acme/One", "acme/one", "x.svg/y", "x", models=6))
    assert "badge/Acme/One.svg" in made
    assert "badge/acme/one.svg" not in made
    assert "badge/x.svg/y.svg" in made
    assert "badge/x.svg" not in made


def test_withheld_models_have_none(history: History, files: dict[str, bytes]) -> None:
    first, second = (f"badge/{history_id}" for history_id in ids_of(history)[:2])
    today = history.rows(MODEL_HISTORY, pl.col("day") == LAST).sort("rank")
    made = badges(history, {today["id"][0], today["hub_id"][1], "other/model"})
    assert f"{first}.svg" in files
    assert not {f"{one}.{kind}" for one in (first, second) for kind in ("svg", "json")} & set(made)
    assert len(made) == 2_000 - 4
    assert not any(today["id"][0].encode() in content for content in made.values())


def ids_of(history: History) -> list[str]:
    return history.rows(MODEL_HISTORY, pl.col("day") == LAST).sort("rank")["id"].to_list()


def test_it_is_of_the_newest_trusted_day() -> None:
    history = past(12, models=6)
    frame = history.frames[MODEL_HISTORY.name].collect()
    stalled = frame.with_columns(trusted=pl.col("trusted") & (pl.col("day") < LAST))
    made = badges(of_models(history, stalled))
    days = {json.loads(made[name])["day"] for name in made if name.endswith(".json")}
    assert days == {str(LAST - dt.timedelta(1))}


def test_without_a_day_there_is_none() -> None:
    assert badges(History.of({})) == {}


@pytest.mark.browser
def test_chromium_shows_it_on_light_and_dark_pages(
    browser: Browser, files: dict[str, bytes]
) -> None:
    names = [name for name in files if name.endswith(".svg")]
    page = browser.new_page()
    for name in (names[0], names[-1]):
        page.set_content(files[name].decode())
        inside = page.evaluate(
            """() => {
                const svg = document.querySelector('svg').getBoundingClientRect();
                return [...document.querySelectorAll('text, polyline')].every(one => {
                    const box = one.getBoundingClientRect();
                    return box.left >= svg.left && box.right <= svg.right
                        && box.top >= svg.top - 1 && box.bottom <= svg.bottom + 1;
                });
            }"""
        )
        assert inside
        texts = page.evaluate(
            "() => [...document.querySelectorAll('text')]"
            ".map(one => { const b = one.getBoundingClientRect(); return [b.left, b.right] })"
        )
        assert all(a[1] < b[0] for a, b in itertools.pairwise(texts))
    page.close()
