"""Today, from listing to figures: one run over the whole graph, and all that it says of itself."""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from PIL import Image

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import RAW, TABLES, World, checks, made, observatory

SIZES = {"models": 3000, "spaces": 1200}


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[World, dg.ExecuteInProcessResult]]:
    """A world of which the whole graph was made, and the run."""
    with observatory(tmp_path_factory.mktemp("today") / "lake", every_figure=True) as make:
        world = make(GeneratedHub(SIZES["models"], SIZES["spaces"], seed=1))
        yield world, world.materialize()


@pytest.fixture(scope="module")
def world(whole: tuple[World, dg.ExecuteInProcessResult]) -> World:
    return whole[0]


@pytest.fixture(scope="module")
def run(whole: tuple[World, dg.ExecuteInProcessResult]) -> dg.ExecuteInProcessResult:
    return whole[1]


def metadata(world: World, asset: str) -> dict[str, Any]:
    """Of the only materialisation of that asset."""
    (event,) = world.materialized(asset).values()
    return dict(event.metadata)


def test_everything_is_made_for_today(world: World, run: dg.ExecuteInProcessResult) -> None:
    assert run.success
    assert made(run) == {*RAW, *TABLES, "snapshot_figures"}
    for asset in made(run):
        assert list(world.materialized(asset)) == [today()]


def test_a_page_for_a_thousand_rows_and_no_request_more(world: World) -> None:
    assert Counter(page.path for page in world.pages) == {"/api/models": 3, "/api/spaces": 2}


@pytest.mark.parametrize(("asset", "kind"), [("raw_models", "models"), ("raw_spaces", "spaces")])
def test_a_capture_tells_where_it_comes_from(world: World, asset: str, kind: str) -> None:
    said = metadata(world, asset)
    facts = said["capture.json"].value
    assert said["dagster/partition_row_count"].value == SIZES[kind]
    assert said["distinct rows"].value == SIZES[kind]
    assert said["endpoint"].value == world.url
    assert said["finished"].value >= said["started"].value > 0
    assert re.fullmatch(r"[0-9a-f]{64}", said["sha256"].value)
    assert facts["complete"] is True
    assert facts["total"] == SIZES[kind]
    assert said["limited"].value is False
    assert said["rows per second"].value > 0
    assert Path(said["path"].value, "capture.json").is_file()


@pytest.mark.parametrize("asset", RAW)
def test_a_capture_reports_its_progress(world: World, asset: str) -> None:
    observed = world.instance.fetch_observations(dg.AssetKey(asset), limit=10).records
    (event,) = (record.asset_observation for record in observed)
    assert event is not None
    assert event.partition == today()
    assert event.metadata["pages"].value == metadata(world, asset)["pages"].value
    assert event.metadata["seconds left"].value == 0
    assert set(event.metadata) == {
        "pages",
        "rows",
        "rows per second",
        "requests left in the window",
        "rows expected",
        "seconds left",
    }


@pytest.mark.parametrize("asset", TABLES)
def test_a_table_says_what_it_holds(world: World, asset: str) -> None:
    said = metadata(world, asset)
    stored = world.lake.read(asset, today())
    frame = stored.frame.collect()
    assert said["dagster/partition_row_count"].value == frame.height > 0
    assert said["path"].value == str(stored.path)
    assert said["file size (bytes)"].value == stored.path.stat().st_size
    columns = said["dagster/column_schema"].value.columns
    assert [column.name for column in columns] == frame.columns
    assert all(column.description for column in columns)
    assert frame["day"].unique().to_list() == [pl.Series([today()]).str.to_date().item()]


@pytest.mark.parametrize("asset", [*TABLES, "snapshot_figures"])
def test_provenance_reaches_every_table_and_figure(world: World, asset: str) -> None:
    provenance = metadata(world, asset)["provenance"].value
    of_models = asset in ("models", "top_models", "families")
    assert set(provenance) == ({"raw_models"} if of_models else set(RAW))
    for source, facts in provenance.items():
        capture = metadata(world, source)["capture.json"].value
        for name in ("endpoint", "started", "finished", "sha256", "rows", "pages", "client"):
            assert facts[name] == capture[name]
        assert facts["limited"] is False


@pytest.mark.parametrize("asset", TABLES)
def test_the_preview_shows_a_few_rows_of_the_table(world: World, asset: str) -> None:
    preview = metadata(world, asset)["preview"]
    columns = world.lake.read(asset, today()).frame.collect_schema().names()
    assert 0 < len(preview.records) <= 8
    assert [column.name for column in preview.schema.columns] == columns
    assert all(set(record.data) == set(columns) for record in preview.records)


def test_the_preview_of_models_shows_the_most_downloaded(world: World) -> None:
    shown = [r.data["downloads"] for r in metadata(world, "models")["preview"].records]
    frame = world.lake.read("models", today()).frame
    best = frame.select(pl.col("downloads").top_k(8)).collect()["downloads"]
    assert shown == best.sort(descending=True).to_list()


def test_rows_agree_with_the_hub(world: World) -> None:
    assert world.figures("models", "dagster/partition_row_count") == {today(): SIZES["models"]}
    assert world.figures("enriched_spaces", "dagster/partition_row_count") == {
        today(): SIZES["spaces"]
    }
    assert world.figures("top_models", "dagster/partition_row_count") == {today(): 40}


def test_usage_is_counted_beside_the_table(world: World) -> None:
    said = metadata(world, "model_usage")
    spaces = world.lake.read("enriched_spaces", today()).frame.collect()
    assert said["count: Spaces"].value == spaces.height
    assert said["count: Spaces naming a model"].value == (spaces["n_models"] > 0).sum()
    assert said["count: (Space, model) pairs"].value == spaces["n_models"].sum()
    usage = world.lake.read("model_usage", today()).frame.collect()
    assert said["count: models named"].value == usage.height
    assert usage["spaces"].sum() == spaces["n_models"].sum()


def test_the_gallery_is_small_pictures_in_markdown(world: World) -> None:
    said = metadata(world, "snapshot_figures")
    assert isinstance(said["gallery"], dg.MarkdownMetadataValue)
    blocks = str(said["gallery"].value).split("\n\n")
    assert len(blocks) == said["figures"].value >= 8
    for block in blocks:
        picture = re.fullmatch(r"!\[[a-z ]+\]\(data:image/png;base64,([A-Za-z0-9+/=]+)\)", block)
        assert picture
        content = base64.b64decode(picture[1], validate=True)
        assert len(content) <= 50_000
        assert len(picture[1]) <= 50 * 1024 * 4 / 3
        with Image.open(BytesIO(content)) as image:
            assert image.format == "PNG"
            assert image.width > 300


def test_the_pictures_of_the_gallery_lie_in_the_lake(world: World) -> None:
    said = metadata(world, "snapshot_figures")
    folder = Path(said["path"].value)
    names = {
        name.replace(" ", "_") for name in re.findall(r"!\[([a-z ]+)\]", said["gallery"].value)
    }
    assert folder == world.root / "snapshot_figures" / f"day={today()}"
    for suffix, start in (("png", b"\x89PNG"), ("svg", b"<?xml")):
        found = {path.stem: path for path in folder.glob(f"*.{suffix}")}
        assert set(found) == names
        assert all(path.read_bytes().startswith(start) for path in found.values())
    drawn = [path for path in folder.iterdir() if path.suffix in {".png", ".svg"}]
    assert said["size (bytes)"].value == sum(path.stat().st_size for path in drawn)
    assert set(json.loads((folder / "figures.json").read_bytes())["figures"]) == names


def test_every_check_passes_on_its_asset_and_day(
    world: World, run: dg.ExecuteInProcessResult
) -> None:
    evaluations = checks(run)
    assert set(evaluations) == world.declared
    for one in evaluations.values():
        assert one.passed, one
        assert one.partition == today()
        assert one.description


def test_what_the_checks_counted(run: dg.ExecuteInProcessResult) -> None:
    found = checks(run)
    complete = found["raw_models", "capture_complete"].metadata
    names = ("rows", "distinct rows", "rows that the Hub counts", "pages")
    assert [complete[name].value for name in names] == [*[SIZES["models"]] * 3, 3]
    assert found["models", "quarantine"].metadata["served"].value == SIZES["models"]
    assert found["raw_models", "doubled_rows"].metadata["duplicates"].value == 0
    pairs = found["enriched_spaces", "dangling_models"].metadata
    assert 0 < pairs["dangling pairs"].value < pairs["pairs"].value / 4


def test_nothing_is_left_half_written(world: World) -> None:
    assert not [path for path in world.files if path.suffix == ".tmp"]
    assert {path.relative_to(world.root).parts[0] for path in world.files} == {
        *RAW,
        *TABLES,
        "snapshot_figures",
    }
    assert [path.name for path in world.root.parent.iterdir()] == ["lake"]
