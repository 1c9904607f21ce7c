"""Two lakes are compared by their rows: neither order nor files nor times of writing count."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from hf_assets.classifiers.evaluation.results import COLUMNS
from hf_assets.demo.cluster.compare import MEASURED, Comparison, compare, content_of
from hf_assets.storage.folders import replacing_folder
from hf_assets.storage.lake import Lake
from hf_assets.storage.parquet import Column, Table
from hf_assets.storage.stored import TableWrite
from hf_assets_tests.support.hub.captures import captured, model, recorded
from hf_assets_tests.support.hub.serving import serving

DAYS = ("2026-11-01", "2026-11-02")
MODELS = Table(
    "models",
    {
        "id": Column(pl.String, "of the model"),
        "day": Column(pl.Date, "of the listing"),
        "tags": Column(pl.List(pl.String), "of the model"),
        "hours": Column(pl.Float64, "since the capture before"),
    },
)
Lakes = tuple[Lake, Lake]


@pytest.fixture
def empty(tmp_path: Path, any_lake: Lake) -> Lakes:
    """An empty lake in a folder, and another one, in a folder or on a store."""
    return Lake(tmp_path / "one"), any_lake


@pytest.fixture
def lakes(empty: Lakes) -> Lakes:
    """Both lakes, with the same days of models."""
    for lake in empty:
        for day in DAYS:
            lake.write(MODELS, day, TableWrite([models(day)]))
    return empty


def models(day: str, hours: float = 24.0, last: str = "c") -> pl.DataFrame:
    rows = {
        "id": ["a", "b", last],
        "day": [date.fromisoformat(day)] * 3,
        "tags": [["x", "y"], [], None],
        "hours": [hours, hours, None],
    }
    return pl.DataFrame(rows, schema=MODELS.schema)


def only(lakes: Lakes) -> Comparison:
    """The comparison of the only table."""
    (compared,) = compare(*lakes)
    return compared


def test_the_same_rows_are_equal_in_any_order_and_in_any_batches(lakes: Lakes) -> None:
    frame = models(DAYS[0])
    batches = [frame[2:], frame[1:2], frame[:1]]
    lakes[1].write(MODELS, DAYS[0], TableWrite(batches, notes={"written": "later"}))
    assert only(lakes) == Comparison("models", 6, 6, [])
    assert only(lakes).equal


@pytest.mark.parametrize(
    "changed",
    [
        models(DAYS[0], last="d"),
        models(DAYS[0])[:2],
        pl.concat([models(DAYS[0]), models(DAYS[0])[:1]]),
        models(DAYS[0], hours=24.5),
        models(DAYS[0]).with_columns(tags=pl.lit(["y", "x"])),
    ],
    ids=["value", "missing", "duplicate", "float", "list"],
)
def test_a_row_that_differs_names_its_day(lakes: Lakes, changed: pl.DataFrame) -> None:
    lakes[1].write(MODELS, DAYS[0], TableWrite([changed]))
    assert only(lakes).different == [DAYS[0]]
    assert not only(lakes).equal


def test_growth_up_to_the_newest_hour_does_not_count_and_a_missing_one_does(empty: Lakes) -> None:
    phases = Table(
        "model_phases",
        {
            "hub_id": Column(pl.String, "of the model"),
            "growth_7": Column(pl.Float64, "over a week"),
        },
    )
    for lake, growth in zip(empty, (0.1287, 0.1288), strict=True):
        rows = pl.DataFrame({"hub_id": ["a"], "growth_7": [growth]})
        lake.write(phases, None, TableWrite([rows]))
    assert only(empty).equal
    unknown = pl.DataFrame({"hub_id": ["a"], "growth_7": [None]}, schema=phases.schema)
    empty[1].write(phases, None, TableWrite([unknown]))
    assert not only(empty).equal


def test_hours_of_the_newest_day_alone_do_not_count(lakes: Lakes) -> None:
    lakes[1].write(MODELS, DAYS[1], TableWrite([models(DAYS[1], hours=23.0)]))
    assert only(lakes).equal
    lakes[1].write(MODELS, DAYS[1], TableWrite([models(DAYS[1], hours=23.0, last="d")]))
    assert only(lakes).different == [DAYS[1]]


def test_a_day_that_a_lake_lacks_differs(lakes: Lakes) -> None:
    lakes[1].write(MODELS, "2026-10-31", TableWrite([models("2026-10-31")]))
    assert only(lakes).different == ["2026-10-31"]
    assert (only(lakes).rows, only(lakes).other_rows) == (6, 9)


def test_a_table_that_a_lake_lacks_differs(lakes: Lakes) -> None:
    other = Table("families", MODELS.columns)
    lakes[0].write(other, None, TableWrite([models(DAYS[0])]))
    assert [each.equal for each in compare(*lakes)] == [False, True]


def test_side_tables_count(lakes: Lakes) -> None:
    for lake, name in zip(lakes, ("a", "b"), strict=True):
        aside = {"quarantine": pl.DataFrame({"id": [name]})}
        lake.write(MODELS, DAYS[0], TableWrite([models(DAYS[0])], aside=aside))
    assert only(lakes).different == [DAYS[0]]


def test_months_count_as_one_table(lakes: Lakes) -> None:
    series = Table("category_history", MODELS.columns)
    for lake in lakes:
        for month, day in (("2026-10", "2026-10-31"), ("2026-11", DAYS[0])):
            lake.write(series, month, TableWrite([models(day)]))
        lake.join_months("category_history", ["2026-10", "2026-11"], {}, 0)
    first, _models = compare(*lakes)
    assert (first.table, first.rows, first.equal) == ("category_history", 6, True)
    lakes[1].write(series, "2026-11", TableWrite([models(DAYS[0], last="d")]))
    lakes[1].join_months("category_history", ["2026-10", "2026-11"], {}, 0)
    first, _models = compare(*lakes)
    assert first.different == [""]


def _corpus(lake: Lake, label: str) -> None:
    with replacing_folder(lake.folder("corpora/questions", None)) as folder:
        pl.DataFrame({"text": ["a", "b"], "label": ["x", label]}).write_parquet(
            folder / "corpus.parquet"
        )


def _leaderboard(lake: Lake, label: str) -> None:
    # Each lake has measured its own speed.
    speed = [0.5] if lake.root.name == "one" else [0.7]
    board = {"model": [label], "micro_f1": [0.5], "ms_p50": speed}
    with replacing_folder(lake.folder("classifiers/questions/leaderboard", None)) as folder:
        pl.DataFrame(board).write_parquet(folder / "leaderboard.parquet")


@pytest.mark.parametrize(
    ("write", "name", "file"),
    [
        (_corpus, "corpora/questions", "corpus.parquet"),
        (_leaderboard, "classifiers/questions/leaderboard", "leaderboard.parquet"),
    ],
)
def test_folders_are_compared_by_their_tables(
    empty: Lakes, write: Callable[[Lake, str], None], name: str, file: str
) -> None:
    for lake in empty:
        write(lake, "y")
    assert (only(empty).table, only(empty).different) == (name, [])
    write(empty[1], "z")
    assert only(empty).different == [file]


def test_captures_are_compared_by_the_rows_of_their_pages(tmp_path: Path, empty: Lakes) -> None:
    rows = [model(number, downloads=number) for number in range(2500)]
    with serving(recorded(tmp_path / "hub", rows)) as served:
        for lake in empty:
            captured(lake, served)
    assert only(empty).equal
    assert only(empty).rows == 2500
    other = Lake(tmp_path / "three")
    with serving(recorded(tmp_path / "later", [*rows[:-1], model(2499, downloads=1)])) as served:
        day = captured(other, served).folder.name.removeprefix("day=")
    assert only((empty[0], other)).different == [day]


def test_types_and_names_of_columns_count() -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": [b"x", None]})
    same = content_of(frame)
    assert same == content_of(frame.select("b", "a").reverse())
    assert same != content_of(frame.cast({"a": pl.Int32}))
    assert same != content_of(frame.rename({"a": "c"}))
    assert content_of(frame, ["a"]) == content_of(frame.select("b"))


def test_what_is_measured_of_a_classifier_are_columns_of_the_leaderboard() -> None:
    assert COLUMNS.keys() >= MEASURED
    assert {name for name in COLUMNS if "seconds" in name or "ms_" in name} <= MEASURED
