"""What the Hub serves is anyone's text: it names no file, makes no markup and floods no page."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import dagster as dg
import pytest
from huggingface_hub import constants

from hf_assets.defs.common.metadata import shown
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.switches import At
from hf_assets.demo.world.recorded import RecordedHub
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import RAW, TABLES, Make, World, failures

LONG = "x" * 10_000
TEXTS = (
    "<script>alert(1)</script>",
    "a|b",
    "]()",
    "![x](javascript:alert(1))",
    "../../etc/passwd",
    "/etc/passwd",
    "day=2024-01-01/data.parquet",
    "{{ 7 * 7 }}",
    "line\nbreak\r\x00\x1b[31m",
    "‮kcab",
    LONG,
)
# More than this no value of the event log needs, the gallery apart.
LONGEST = 2000


def rows(tmp_path: Path) -> RecordedHub:
    """A Hub where each text is an id, author, tag, category, library, sdk and a model in use."""
    models: list[dict[str, Any]] = []
    spaces: list[dict[str, Any]] = []
    for at, text in enumerate(TEXTS):
        common = {
            "id": f"{text}/{text}" if at % 2 else text,
            "author": text,
            "createdAt": f"2025-01-{at + 1:02d}T00:00:00.000Z",
            "lastModified": f"2025-02-{at + 1:02d}T00:00:00.000Z",
            "likes": 1000 - at,
            "trendingScore": at / 2,
            "private": False,
        }
        models.append(
            common
            | {
                "_id": f"65{at:022x}",
                "downloads": 10_000 * (at + 1),
                "downloadsAllTime": 20_000 * (at + 1),
                "pipeline_tag": text,
                "library_name": text,
                "tags": ["text-generation", text, f"license:{text}", f"base_model:finetune:{text}"],
                "gated": text,
            }
        )
        spaces.append(
            common
            | {
                "_id": f"66{at:022x}",
                "sdk": text,
                "runtime": {"stage": text, "hardware": {"current": text}},
                "tags": [text, f"license:{text}"],
                "models": [model["id"] for model in models],
                "datasets": [text],
            }
        )
    for name, content in (("models", models), ("spaces", spaces)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return RecordedHub(tmp_path / "models.json", tmp_path / "spaces.json")


@pytest.fixture
def served(tmp_path: Path, world: Make) -> tuple[World, dg.ExecuteInProcessResult]:
    """A world of such rows of which the whole graph was made, and the run."""
    made_of = world(rows(tmp_path))
    return made_of, made_of.materialize()


def texts(value: Any) -> list[str]:
    """Every text in a JSON value, names of keys included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in texts(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in texts(part)]
    return []


def test_hostile_rows(served: tuple[World, dg.ExecuteInProcessResult], tmp_path: Path) -> None:
    world, run = served
    assert run.success
    _are_all_in_the_tables(world)
    _name_no_file(world, tmp_path)
    _are_no_markup_and_no_flood_in_the_event_log(world, run)
    _are_no_markup_in_figures(world)


def _are_all_in_the_tables(world: World) -> None:
    models = world.lake.read("models", today()).frame.collect()
    assert set(models["category"]) == set(TEXTS)
    assert models["gated"].null_count() == models.height
    assert world.lake.read("models", today()).notes["nulled gated"] == models.height
    used = world.lake.read("model_usage", today()).frame.collect()
    assert set(used["id"]) == set(models["id"])
    assert used["spaces"].max() == len(TEXTS)


def _name_no_file(world: World, tmp_path: Path) -> None:
    assert {path.name for path in tmp_path.iterdir()} == {"lake", "models.json", "spaces.json"}
    for path in world.files:
        asset, day, *rest = path.relative_to(world.root).parts
        assert asset in {*RAW, *TABLES, "snapshot_figures"}
        assert day == f"day={today()}"
        assert len(rest) == (2 if asset in RAW and path.suffix in (".zst", ".jsonl") else 1)


def _are_no_markup_and_no_flood_in_the_event_log(
    world: World, run: dg.ExecuteInProcessResult
) -> None:
    for asset in (*RAW, *TABLES, "snapshot_figures"):
        (event,) = world.materialized(asset).values()
        for name, value in event.metadata.items():
            _inert(name, value)
    for one in run.get_asset_check_evaluations():
        assert len(one.description or "") <= LONGEST
        for name, value in one.metadata.items():
            _inert(name, value)
    for record in world.instance.all_logs(run.run_id):
        assert LONG not in record.user_message


def _inert(name: str, value: dg.MetadataValue) -> None:
    """Only the gallery is markup; the rest is short, shown as text, without control characters."""
    assert len(name) <= 100
    assert name.isprintable()
    if isinstance(value, dg.MarkdownMetadataValue):
        assert name == "gallery"
        assert not [text for text in TEXTS if text in str(value.md_str)]
        return
    assert not isinstance(value, dg.UrlMetadataValue | dg.NotebookMetadataValue)
    if isinstance(value, dg.TableSchemaMetadataValue):
        return  # the columns are the project's own words
    if isinstance(value, dg.TableMetadataValue):
        content: Any = [record.data for record in value.records]
    else:
        content = value.value
    for text in texts(content):
        assert len(text) <= LONGEST
        assert text.isprintable()


def _are_no_markup_in_figures(world: World) -> None:
    for path in world.files:
        if path.suffix == ".svg":
            assert LONG not in path.read_text()
            for element in ElementTree.parse(path).iter():
                assert element.tag.split("}")[-1] not in ("script", "a", "foreignObject")
                for name, value in element.attrib.items():
                    assert not name.startswith("on")
                    assert not name.endswith("href") or value.startswith(("#", "data:image/png"))


@pytest.mark.parametrize("text", TEXTS)
def test_shown_is_short_and_printable(text: str) -> None:
    for value in (shown(text), shown([text, text])):
        assert isinstance(value, str)
        assert len(value) <= 80
        assert value.isprintable()


def test_shown_keeps_numbers_and_shortens_the_rest() -> None:
    assert [shown(value) for value in (None, 0, 1.5, True, "a", ["a", "b"])] == [
        "",
        0,
        1.5,
        True,
        "a",
        "a, b",
    ]


def test_what_a_server_says_is_in_no_event_whole_nor_with_the_token(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "hf_" + "s3cr3tT0k3n" * 3
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    monkeypatch.setenv("HF_TOKEN", token)
    hub = world(None, Faults(echo=[At(value=1000, kind="models")]))
    failed = hub.materialize("raw_models")
    assert "HTTP 403" in str(failures(failed))
    assert "authorization" in str(failures(failed))
    for record in hub.instance.all_logs(failed.run_id):
        said = dg.serialize_value(record)
        assert token[:12] not in said
        assert "u001b" not in said
        assert len(said) < 100_000
