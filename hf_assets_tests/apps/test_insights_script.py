"""Every page over lakes of all kinds, at addresses of all kinds: no error, and what is said."""

import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from hf_assets.apps.explore.address import HUB, TITLES
from hf_assets.apps.explore.selections import PLACE, selection_routes
from hf_assets.apps.pages import overview
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import KINDS
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets_tests.hub.repository_days import lake_of_days
from hf_assets_tests.support.apps.hub_lake import (
    DAYS,
    FORMULA,
    LAST,
    MARKUP,
    NAMES,
    RARE,
    STALLED,
    write_groups,
    write_hub_lake,
)
from hf_assets_tests.support.apps.scripts import Script

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Script:
    root = tmp_path_factory.mktemp("full")
    write_groups(write_hub_lake(root))
    return Script(root)


def test_every_page_has_one_heading_and_says_where_its_numbers_are_from(full: Script) -> None:
    for page in TITLES:
        full.open(page)
        assert full.html.count("<h1") == 1, page
        assert full.html.count("aria-current=page") == 1, page
        if page not in ("model", "category", "author", "compare"):  # they ask for a name first
            assert "From " in "".join(one.value for one in full.test.caption), page


def test_the_tab_names_the_page(full: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    said, configure = [""], st.set_page_config

    def noted(**how: Any) -> None:
        said.append(how.get("page_title", said[-1]))
        configure(**how)

    monkeypatch.setattr(st, "set_page_config", noted)
    for path, title in {
        "": f"The Hugging Face Hub · {LAST}",
        f"models?day={STALLED}": f"Models · {STALLED}",
        f"model?id={NAMES[0]}": f"{NAMES[0]} · model",
        "model?id=no/one": "no/one · no such model",
        "new": f"New and trending · {LAST}",
        "categories": f"Categories · {LAST}",
        "category?id=fill-mask": "fill-mask · category",
        "author?id=author0": "author0 · author",
        "spaces": f"Spaces · {LAST}",
        f"compare?item={NAMES[0]}&item={NAMES[1]}": f"{NAMES[0]} and {NAMES[1]} compared",
        "trends?series=license": "Licences · Trends",
        "data": "Data",
        "models?day=2026-01-01": "There is no day 2026-01-01",
    }.items():
        full.open(path)
        assert said[-1] == f"{title} · Hub insights"


def _one_day(root: Path) -> None:
    write_hub_lake(root, DAYS[:1], history=False)


def _models_only(root: Path) -> None:
    write_hub_lake(root, DAYS[:2], history=False)
    for folder in root.iterdir():
        if folder.name != "models":
            shutil.rmtree(folder)


def _no_metrics(root: Path) -> None:
    lake = write_hub_lake(root)
    shutil.rmtree(lake.folder("daily_metrics", LAST))


def _nothing(root: Path) -> None:
    root.mkdir(exist_ok=True)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (_one_day, "1\u00a0day stored"),
        (_models_only, "2\u00a0days stored"),
        (_no_metrics, "5\u00a0days stored"),
        (_nothing, "Run `hf-assets demo`"),
    ],
)
def test_a_lake_that_lacks_tables_has_all_pages(
    tmp_path: Path, written: Callable[[Path], None], said: str
) -> None:
    written(tmp_path / "lake")
    script = Script(tmp_path / "lake")
    for page in TITLES:
        named = "?id=author0/model-00&item=author0/model-00" if page in ("model", "compare") else ""
        script.open(page + (named or "?id=author0" * (page == "author")))
        assert said in script.said, page
        assert script.html.count("<h1") == 1, page


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("model", "The address names no model"),
        ("model?id=no/one", f"There is no such model on {LAST}"),
        ("author?id=nobody", f"There is no such author on {LAST}"),
        ("category", "The address names no category"),
        ("compare?" + "&".join(f"item=a/{n}" for n in range(6)), "the first 5 are used"),
        ("compare?item=no/one", "There is no model no/one"),
        ("compare?of=planets", "The address asks for of “planets”"),
        ("trends?series=weather", "The address asks for series “weather”"),
        ("trends?series=author&metric=turnover_7", "asks for metric “turnover_7”"),
        ("trends?range=7", "The address asks for range “7”"),
        ("data?table=secrets", "The address asks for table “secrets”"),
        ("data?as=XML", "The address asks for as “XML”"),
        ("spaces?sdk=flash", "The address asks for sdk “flash”"),
        ("models?sort=id", "The address asks for sort “id”"),
        ("models?search=" + "a" * 201, "the first 200 are used"),
        ("models?" + "&".join(f"tag={n}" for n in range(51)), "the first 50 are used"),
        ("models?likes=1..99999999999999999999", "write it as from..to"),
        ("models?likes=-5..", "write it as from..to"),
        ("models?created=1066-10-14..", "write it as from..to"),
        ("models?created=2026-02-30..", "write it as from..to"),
        ("models?created=2026-01-05..2025-01-01", "No model matches"),
        ("models?likes=9..3", "No model matches"),
        ("models?size=huge&gated=maybe", "No model matches"),
        ("models?search=" + quote("[(*\\"), "No model matches"),
        ("models?rows=many", f"{len(NAMES)} models"),
        ("models?rows=999999999", f"{len(NAMES)} models"),
        ("models?day=2026-13-45", "no models of 2026-13-45"),
        ("models?day=../../etc", "no models of ../../etc"),
        (f"?day={DAYS[0]}&day={LAST}", f"As on {LAST}"),  # the last one, as the choice has it
        ("?day=2026-11-19", "no models of 2026-11-19: the day is missing"),
        (f"?day={STALLED}", "This day is not trusted: stalled"),
        (f"author?id={'x' * 5000}", "There is no such author"),
        ("model?id=%00%F0%9F", f"There is no such model on {LAST}"),
        (f"compare?item={quote(MARKUP)}&item={quote(FORMULA)}", "compared</h1>"),
    ],
)
def test_what_an_address_asks_in_vain_is_said(full: Script, path: str, said: str) -> None:
    full.open(path)
    assert said in full.said
    assert "<img src=x" not in full.html


def test_names_lead_to_their_page_and_to_the_hub(full: Script) -> None:
    for path, name, kind in [
        ("models", NAMES[0], ""),
        ("authors", "author0", ""),
        ("spaces", "maker0/space-00", "spaces/"),
        ("author?id=maker", "maker/data-0", "datasets/"),
        (f"model?id={NAMES[0]}", NAMES[0], ""),
    ]:
        html = full.open(path).html
        there = f'href="{HUB}/{kind}{name}" target="_blank" rel="noopener noreferrer"'
        assert there in html, path
        assert f'aria-label="{name} on the Hub"' in html, path
    # No image and no script of the Hub.
    assert html.count("https://") == html.count(f'"{HUB}/')
    assert 'href="author?id=author0"' in html


def test_the_day_of_the_address_is_in_every_link(full: Script) -> None:
    html = full.open(f"model?id={NAMES[0]}&day={STALLED}").html
    for page in ("models", "trends", "compare", "author", "category"):
        assert f'href="{page}?day={STALLED}' in html, page
    # Without one it is the newest, tomorrow too.
    assert "day=" not in full.open(f"model?id={NAMES[0]}").html


def test_lists_are_ordered_by_their_headings_and_go_on(full: Script) -> None:
    html = full.open("models?rows=5&search=model").html
    assert html.count("<th scope=row") == 5
    assert 'href="?search=model&amp;sort=trending_score">Trending score</a>' in html
    assert 'href="?rows=105&amp;search=model">Show more rows</a>' in html
    html = full.open("models?sort=trending_score").html
    assert html.count("aria-sort") == 1
    assert re.search(r'aria-sort="descending">Trending score', html)
    assert html.index(RARE) < html.index(f">{NAMES[0]}<")


def test_a_link_removes_a_filter_and_leaves_the_others(full: Script) -> None:
    two = "category=text-to-image&category=fill-mask"
    html = full.open(f"models?{two}&tag=x&created=..2024-01-01&rows=9").html
    escaped = f"?{two}".replace("&", "&amp;")
    assert f'href="{escaped}&amp;created=..2024-01-01">Tag: x' in html
    assert f'href="{escaped}&amp;tag=x">Created any to 2024-01-01' in html
    assert 'href="?category=fill-mask&amp;tag=x&amp;created=..2024-01-01">Category: text-to' in html
    assert 'href="?">Remove all filters' in html


def test_a_model_outside_the_series_is_looked_up_on_every_day(full: Script) -> None:
    full.open(f"model?id={RARE}")
    assert "Created on an unknown day" in full.said
    assert "From models · all days" in full.said
    assert "from 37\u00a0037 to 41\u00a0037" in full.charts[0].alt


def test_the_filters_offer_what_the_day_has(tmp_path: Path) -> None:
    lake = write_hub_lake(tmp_path, DAYS[:1], history=False)
    stored = lake.read("models", DAYS[0])
    tagged = stored.frame.collect().with_columns(tags=["gguf", "fr"])
    lake.write(MODELS, DAYS[0], TableWrite([tagged.cast(MODELS.schema)], stored.notes))
    boxes = {box.label: box.options for box in Script(tmp_path).open("models").test.multiselect}
    assert set(boxes["Tag"]) == {"gguf", "fr"}
    assert boxes["Language"] == ["fr"]
    assert boxes["Relation to its base"] == ["finetune"]
    assert boxes["Gated"] == ["false"]


def test_a_page_that_fails_is_seen_here(full: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `Script.open` raises is what the tests above rely on."""
    monkeypatch.setattr(overview, "_totals", lambda *_: 1 / 0)
    with pytest.raises(AssertionError, match="division by zero"):
        full.open("overview")


def test_an_old_day_is_shown_as_its_series_give_it_back(tmp_path: Path) -> None:
    lake, day = Lake(tmp_path / "lake"), lake_of_days.DAYS[0]
    for each in lake_of_days.DAYS[:3]:
        for kind in KINDS.values():
            rows = lake_of_days.rows_of(each)
            known = kind.source.columns
            lake_of_days.write_day(
                lake, each, [{k: v for k, v in row.items() if k in known} for row in rows], kind
            )
    lake_of_days.judge(lake, lake_of_days.DAYS[:3])
    for kind in KINDS.values():
        refresh(lake, kind)
    script, path = Script(tmp_path / "lake"), f"models?day={day}&sort=likes"
    before = script.open(path).html
    for kind in KINDS.values():
        lake_of_days.empty(lake, day, kind)
    named = [re.findall(r"<th scope=row[^>]*><a [^>]*>([^<]*)", one)
             for one in (before, script.open(path).html)]  # fmt: skip
    assert named[0] == named[1]
    assert len(named[0]) == 50
    assert "This day was thinned on 2026-09-01" in script.said
    for page in TITLES:
        script.open(f"{page}?day={day}&id={named[0][0]}&item={named[0][0]}")
    client = TestClient(Starlette(routes=selection_routes(lake.root, ["testserver"])))
    answer = client.get(f"{PLACE}.parquet?day={day}&search={named[0][0]}")
    assert named[0][0] in pl.read_parquet(io.BytesIO(answer.content))["id"]
