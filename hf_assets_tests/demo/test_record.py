"""Whether a unit of a demo's lake stands, and fingerprints of what it was made from."""

import os
from pathlib import Path

import pytest

from hf_assets.demo import fingerprints
from hf_assets.demo.record import DemoRecord, OddDays, read_demo

UNIT = "models/day=2026-11-20"


@pytest.fixture
def record() -> DemoRecord:
    return DemoRecord(begun="2026-11-20", first_day="2026-09-21", texts_from="2026-09-21")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / UNIT / "data.parquet"
    path.parent.mkdir(parents=True)
    path.write_text("rows")
    return path


def test_a_unit_stands_while_its_inputs_and_files_are_the_same(
    tmp_path: Path, record: DemoRecord, table: Path
) -> None:
    assert not record.stands(tmp_path, {UNIT: "a"})
    record.note(tmp_path, {UNIT: "a"})
    assert record.stands(tmp_path, {UNIT: "a"})
    assert not record.stands(tmp_path, {UNIT: "b"})
    assert not record.stands(tmp_path, {UNIT: "a", "models/day=2026-11-21": "a"})
    (table.parent / ".lock").touch()
    assert record.stands(tmp_path, {UNIT: "a"})


@pytest.mark.parametrize("change", ["remove", "replace", "touch", "add"])
def test_a_unit_falls_with_any_of_its_files(
    tmp_path: Path, record: DemoRecord, table: Path, change: str
) -> None:
    record.note(tmp_path, {UNIT: "a"})
    if change == "remove":
        table.unlink()
    elif change == "replace":
        table.write_text("other rows")
    elif change == "touch":
        os.utime(table, ns=(1, 1))
    else:
        (table.parent / "side").mkdir()
        (table.parent / "side" / "more.parquet").touch()
    assert not record.stands(tmp_path, {UNIT: "a"})


def test_a_day_that_no_source_has_stands_while_it_is_empty(
    tmp_path: Path, record: DemoRecord
) -> None:
    record.note(tmp_path, {UNIT: "a"})
    assert record.stands(tmp_path, {UNIT: "a"})
    (tmp_path / UNIT).mkdir(parents=True)
    (tmp_path / UNIT / "data.parquet").touch()
    assert not record.stands(tmp_path, {UNIT: "a"})


def test_a_record_is_read_as_it_was_written(
    tmp_path: Path, record: DemoRecord, table: Path
) -> None:
    assert table.exists()
    record.odd_days = OddDays(stalled=["2026-10-01"])
    record.note(tmp_path, {UNIT: "a", "models_of_another/day=1": "a"})
    record.save(tmp_path)
    assert read_demo(tmp_path) == record
    record.forget(["models"])
    assert list(record.units) == ["models_of_another/day=1"]
    assert record.contents([UNIT, "models_of_another/day=1"]) == ["", ""]


def test_a_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    file = tmp_path / "questions.json"
    file.write_text("[]")
    first = fingerprints.of_file(file)
    os.utime(file, ns=(1, 1))
    assert fingerprints.of_file(file) == first
    file.write_text("[1]")
    assert fingerprints.of_file(file) != first
    folder = fingerprints.of_file(tmp_path)
    file.rename(tmp_path / "other.json")
    assert fingerprints.of_file(tmp_path) != folder
    with pytest.raises(FileNotFoundError, match=r"questions\.json"):
        fingerprints.of_file(file)


def test_code_is_every_room_that_stores_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "PACKAGE", tmp_path)

    def code() -> str:
        fingerprints.of_code.cache_clear()
        return fingerprints.of_code()

    try:
        for room in ("hub", "apps", "demo", "cli"):
            (tmp_path / room).mkdir()
        (tmp_path / "hub" / "a.py").write_text("1")
        first = code()
        for aside in ("apps", "demo", "cli"):
            (tmp_path / aside / "a.py").write_text("1")
        (tmp_path / "hub" / "a.pyc").write_text("1")
        assert code() == first
        for path, text in (("hub/a.py", "2"), ("hub/b.toml", "1"), ("settings.py", "1")):
            (tmp_path / path).write_text(text)
            assert code() != first
            first = code()
    finally:
        fingerprints.of_code.cache_clear()


def test_the_versions_of_packages_are_part_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = dict(fingerprints._versions())
    assert {"polars", "dagster"} <= versions.keys()
    assert "no-such-package" not in versions
    first = fingerprints.of_code()
    monkeypatch.setattr(fingerprints, "_versions", lambda: iter([("polars", "0")]))
    fingerprints.of_code.cache_clear()
    try:
        assert fingerprints.of_code() != first
    finally:
        fingerprints.of_code.cache_clear()


def test_services_have_fingerprints_of_their_own() -> None:
    hub, labels = (fingerprints.of_services(room) for room in ("hub", "labels"))
    assert len({hub, labels, fingerprints.of_services("past"), fingerprints.of_code()}) == 4
