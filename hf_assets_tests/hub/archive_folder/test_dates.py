"""Days in the names of recorded files."""

from pathlib import PurePath

import pytest

from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.archive_folder.dates import DateColumn, NamedDays


def days(*names: str) -> list[str | None]:
    paths = [PurePath(name) for name in names]
    known = NamedDays(paths)
    return [known.of(path) for path in paths]


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2025-05-22.json", "2025-05-22"),
        ("models_2025_05_22.csv", "2025-05-22"),
        ("models.2025.05.22.csv", "2025-05-22"),
        ("20250522.json", "2025-05-22"),
        ("models20250522.csv", "2025-05-22"),
        ("models_20250522_v2.csv.gz", "2025-05-22"),
        ("models-20250522T031500Z.json", "2025-05-22"),
        ("models_20250522031500.json", "2025-05-22"),
        ("13-01-2025.json", "2025-01-13"),
        ("01-13-2025.json", "2025-01-13"),
        ("models_v2_22.05.2025.csv", "2025-05-22"),
        ("05-05-2025.csv", "2025-05-05"),
        ("day=20250522/models.json", "2025-05-22"),
        ("2025-05-22/part-0001.csv", "2025-05-22"),
        ("2025-05-22/20250523.csv", "2025-05-23"),
        ("2025-05-22 03:15.json", "2025-05-22"),
    ],
)
def test_the_day_of_a_name(name: str, day: str) -> None:
    assert days(name) == [day]


@pytest.mark.parametrize(
    "name",
    [
        "models.csv",
        "deadbeef20250522.json",
        "20250522abc.json",
        "3f20250522.json",
        "120250522.json",
        "202505221.json",
        "20251322.json",
        "2025-13-22.json",
        "19991231.json",
        "models-7B-10000000.csv",
        "1747872000.json",
        "2025-05.json",
        "05-22.json",
        "32-13-2025.json",
        "a1b20250522c3.csv",
    ],
)
def test_other_digits_are_no_day(name: str) -> None:
    assert days(name) == [None]


def test_names_beside_it_tell_which_is_the_month() -> None:
    assert days("01-02-2025.csv", "02-02-2025.csv", "13-02-2025.csv") == [
        "2025-02-01",
        "2025-02-02",
        "2025-02-13",
    ]
    assert days(
        "us/01-02-2025.csv", "us/01-13-2025.csv", "eu/01-02-2025.csv", "eu/14.02.2025.csv"
    ) == [
        "2025-01-02",
        "2025-01-13",
        "2025-02-01",
        "2025-02-14",
    ]
    assert days("01-02-2025/a.csv", "13-02-2025/a.csv")[0] == "2025-02-01"


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["01-02-2025.csv"], "which of 01 and 02 is the month is not clear"),
        (["01-02-2025.csv", "x/13-02-2025.csv"], "is not clear"),
        (
            ["01-02-2025.csv", "13-02-2025.csv", "02-13-2025.csv"],
            r"13-02-2025.csv and 02-13-2025.csv disagree\. Rename it to YYYY-MM-DD",
        ),
        (["2025-01-01 to 2025-01-02.csv"], "names more than one day"),
        (["20250101_20250102.csv"], "names more than one day"),
    ],
)
def test_a_name_of_two_readings_is_refused(names: list[str], why: str) -> None:
    with pytest.raises(ArchiveError, match=why):
        days(*names)


def test_few_ids_are_remembered_of_a_long_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_assets.hub.archive_folder.dates._REMEMBERED", 50)
    for shift, taken in ((1, True), (500, False)):
        column = DateColumn("date")
        for day in range(5):
            for n in range(200):
                column.add(f"2025-01-0{day + 1}", f"a/{n + day * shift}", {})
        assert column._remembered <= 50
        assert (column.refusal() is None) is taken
