"""The figures of many days and the report, as the graph makes them from a lake."""

import json
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.trends.figures import insights_report, trend_figures
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.trends.figures import render
from hf_assets.trends.figures.history.history import TABLES
from hf_assets.trends.figures.registry import HISTORY_FIGURES, drawings
from hf_assets.trends.report import page
from hf_assets.trends.series.schemas import MODEL_HISTORY
from hf_assets_tests.support.trends.series import past

EVERY = {figure.name for figure in HISTORY_FIGURES}


def filled(root: Path, days: int) -> Lake:
    lake = Lake(root)
    for name, frame in past(days, models=12).frames.items():
        lake.write(TABLES[name], None, TableWrite([frame.collect()]))
    return lake


@pytest.mark.heavy
@pytest.mark.parametrize(
    "names", [{"top_ranks", "risers"}, pytest.param(EVERY, marks=pytest.mark.heavy)]
)
def test_figures_lie_in_a_folder_and_in_the_gallery(
    names: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        render,
        "drawings",
        lambda data: {name: make for name, make in drawings(data).items() if name in names},
    )
    lake = filled(tmp_path / "lake", 12)
    resources = {"lake": LakeResource(root=str(lake.root))}
    made = dg.materialize([trend_figures], resources=resources)
    folder = lake.artefact("trend_figures")
    told = made.asset_materializations_for_node("trend_figures")[0].metadata
    assert json.loads((folder / "figures.json").read_text())["figures"] == [
        figure.name for figure in HISTORY_FIGURES if figure.name in names
    ]
    assert {path.suffix for path in folder.iterdir()} == {".png", ".svg", ".json"}
    assert str(told["gallery"].value).count("data:image/png;base64,") == len(names)
    assert told["last day"].value == "2026-11-25"
    assert told["days"].value == 11


@pytest.mark.heavy
def test_an_empty_lake_gives_a_report_that_says_so(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    resources = {"lake": LakeResource(root=str(lake.root))}
    made = dg.materialize([insights_report], resources=resources)
    shown = (lake.artefact("insights_report") / "index.html").read_text("utf-8")
    assert "no day yet" in shown
    told = made.asset_materializations_for_node("insights_report")[0].metadata
    assert told["figures of"].value == "no day"
    assert int(str(told["size (bytes)"].value)) > len(shown) / 2


def test_a_report_has_badges_of_models_that_were_never_private(
    any_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "pictures", lambda *_: {})
    history = past(12, models=6)
    for name, frame in history.frames.items():
        any_lake.write(TABLES[name], None, TableWrite([frame.collect()]))
    ids = history.frames[MODEL_HISTORY.name].select(pl.col("id").unique()).collect()["id"].sort()
    resources = {"lake": LakeResource(root=str(any_lake.root))}

    def badges() -> set[str]:
        made = dg.materialize([insights_report], resources=resources)
        told = made.asset_materializations_for_node("insights_report")[0].metadata
        folder = any_lake.artefact("insights_report")
        found = {str(path.relative_to(folder)) for path in folder.rglob("*.svg")}
        assert told["badges"].value == len(found)
        shown = any_lake.folder("insights_report", None)
        assert all((shown / name).read_bytes() for name in found)
        assert {*found} == {name for name in every if (shown / name).exists()}
        return found

    every = {f"badge/{id}.svg" for id in ids}
    assert badges() == every
    row = dict.fromkeys(MODELS.schema) | {"id": ids[2], "private": True}
    for_one_day = pl.DataFrame([row], schema=MODELS.schema)
    any_lake.write(MODELS, "2026-11-20", TableWrite([for_one_day]))
    assert badges() == every - {f"badge/{ids[2]}.svg"}
