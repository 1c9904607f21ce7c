"""Datasets in a folder of scrapes: which files hold them, and days that have them alone."""

import json
from pathlib import Path

import pytest

from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.archive_folder.files import RecordedFile, open_recorded
from hf_assets.hub.archive_folder.folder import RecordedDays, kind_in
from hf_assets.hub.capture.from_archive import find_day
from hf_assets_tests.support.hub.datasets import RECORDED
from hf_assets_tests.support.hub.recorded_folder import DAY, EXPECTED, NEXT, ROWS, put, rows, table

DATASET = {"_id": "7", "id": "a/d", "downloads": 3, "tags": ["task_categories:t"], "mainSize": 5}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("datasets-2026-08-07.json", "datasets"),
        ("2026-08-07/datasets.parquet", "datasets"),
        ("hf_datasets/2026-08-07.csv", "datasets"),
        ("Datasets/2026/2026-08-07.csv", "datasets"),
        # The nearest name that says a kind.
        ("datasets/models-2026-08-07.csv", "models"),
        ("models/datasets-2026-08-07.csv", "datasets"),
        ("models_and_datasets_2026-08-07.json", "models"),
        # Spaces name datasets, and have been read by this word anywhere since the first version.
        ("datasets/spaces-2026-08-07.csv", "spaces"),
        ("spaces/2026-08-07/datasets.csv", "spaces"),
        ("spaces/models-2026-08-07.csv", "spaces"),
        ("2026-08-07.json", "models"),
        ("dataset-2026-08-07.json", "models"),
    ],
)
def test_a_path_says_which_kind_a_file_holds(path: str, kind: str) -> None:
    assert kind_in(path) == kind


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (f"datasets-{DAY}.json", [DATASET]),
        (f"{DAY}/datasets.json", {"datasets": [DATASET], "count": 1}),
        (f"datasets/{DAY}.jsonl", json.dumps(DATASET) + "\n"),
        (f"datasets/{DAY}.csv", "id,_id,downloads,tags,mainSize\na/d,7,3,['task_categories:t'],5"),
        (f"datasets_{DAY}.parquet", table([DATASET])),
        ("datasets.csv", f"day,dataset_id,_id,downloads,tags,main_size\n{DAY},a/d,7,3,"
                         "['task_categories:t'],5"),
        ("datasets.jsonl", json.dumps({"day": DAY, **DATASET})),
    ],
)  # fmt: skip
def test_every_format_says_the_same(tmp_path: Path, name: str, content: object) -> None:
    put(tmp_path, name, content)
    archive = RecordedDays(tmp_path)
    assert rows(archive, kind="datasets") == [DATASET]
    assert archive.find("models", DAY) is None
    for kind, words in (("models", "models"), ("spaces", "Spaces")):
        absent = find_day(archive, kind, DAY)
        assert absent is not None
        assert f"has the datasets of {DAY} and no {words}." in absent.facts["absent_kind"]


def test_an_object_may_hold_several_kinds_whatever_its_name(tmp_path: Path) -> None:
    space = {"_id": "8", "id": "a/s", "models": ["x/y"]}
    put(tmp_path, f"{DAY}.json", {"models": ROWS, "spaces": [space], "datasets": [DATASET]})
    put(tmp_path, f"spaces-{NEXT}.json", {"spaces": [space], "datasets": [DATASET]})
    archive = RecordedDays(tmp_path)
    assert rows(archive) == EXPECTED
    for day in (DAY, NEXT):
        assert rows(archive, day, "spaces") == [space]
        assert rows(archive, day, "datasets") == [DATASET]
    put(tmp_path / "other", f"datasets-{DAY}.json", {"models": ROWS, "datasets": [DATASET]})
    assert rows(RecordedDays(tmp_path / "other")) == EXPECTED
    absent = find_day(archive, "models", NEXT)
    assert absent is not None
    assert "has the Spaces of 2026-08-08 and no models" in absent.facts["absent_kind"]


def test_models_without_datasets_are_a_day_without_datasets(tmp_path: Path) -> None:
    put(tmp_path, f"{DAY}.json", {"models": ROWS})
    archive = RecordedDays(tmp_path)
    assert archive.find("datasets", DAY) is None
    absent = find_day(archive, "datasets", DAY)
    assert absent is not None
    assert f"has the models of {DAY} and no datasets." in absent.facts["absent_kind"]
    assert find_day(archive, "datasets", NEXT) is None


def test_a_file_is_looked_into_once_however_often_its_datasets_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, f"{DAY}.json", {"models": ROWS})
    opened: list[Path] = []

    def counting(path: Path, *more: str | None) -> RecordedFile:
        opened.append(path)
        return open_recorded(path, *more)  # ty: ignore[invalid-argument-type]

    monkeypatch.setattr("hf_assets.hub.archive_folder.folder.open_recorded", counting)
    for _ in range(3):  # as a schedule does every night
        assert RecordedDays(tmp_path).find("datasets", DAY) is None
    assert len(opened) == 1
    put(tmp_path, f"{DAY}.json", {"models": ROWS, "datasets": [DATASET]})
    assert RecordedDays(tmp_path).find("datasets", DAY)


def test_two_files_of_a_day_are_refused_for_their_kind_alone(tmp_path: Path) -> None:
    put(tmp_path, f"datasets-{DAY}.json", [DATASET])
    put(tmp_path, f"datasets/{DAY}.csv", "id\na/d\n")
    put(tmp_path, f"{DAY}.json", ROWS)
    archive = RecordedDays(tmp_path)
    with pytest.raises(ArchiveError, match=f"both hold the datasets of {DAY}: remove one"):
        archive.find("datasets", DAY)
    assert rows(archive) == EXPECTED


def test_a_recorded_listing_is_read_as_it_was_served(tmp_path: Path) -> None:
    put(tmp_path, f"datasets-{DAY}.json", RECORDED)
    found = rows(RecordedDays(tmp_path), kind="datasets")
    flat = [row | {"gated": str(row["gated"]).lower()} if "gated" in row else row
            for row in RECORDED]  # fmt: skip
    assert found == flat
