import msgspec
import polars as pl
import pytest

from hf_assets.hub.space_code.records import CodeCounts
from hf_assets.hub.space_code.rules import code_adds_up, reasons_known, spaces_answered
from hf_assets.hub.space_code.schemas import SPACE_CODE
from hf_assets.hub.space_code.table import count_files
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.hub.captures import Row, hub_id

pytestmark = pytest.mark.usefixtures("unsynced")


def known(number: int, **fields: object) -> Row:
    files = [("app.py", 90), ("web/a.js", 9), ("w.bin", 5000), ("README.md", 20)]
    row = {"hub_id": hub_id(number), "id": f"a/{number}", "packages": 3, **count_files(files)}
    return row | fields


def unknown(number: int, **fields: object) -> Row:
    reasons = {"reason": "gone", "packages_reason": "files unknown"}
    return {"hub_id": hub_id(number), "id": f"a/{number}", **reasons, **fields}


def stored(lake: Lake, *rows: Row) -> StoredTable:
    frame = pl.DataFrame(
        [{name: row.get(name) for name in SPACE_CODE.columns} for row in rows],
        schema=SPACE_CODE.schema,
    ).with_columns(day=pl.lit(DAY).str.to_date())
    reasons = frame["reason"].drop_nulls().value_counts().rows()
    counts = CodeCounts(rows=len(rows), known=frame["reason"].null_count(), reasons=dict(reasons))
    return lake.write(SPACE_CODE, DAY, TableWrite([frame], record=counts))


def test_good_rows_pass(lake: Lake) -> None:
    day = stored(lake, *map(known, range(10)), unknown(10))
    assert code_adds_up(day).passed
    assert code_adds_up(day).metadata == {"Spaces": 11, "with languages": 10}
    assert reasons_known(day).passed
    answered = spaces_answered(day)
    assert answered.passed
    assert "1 of 11 Spaces are unknown (9.09 %): 1 gone" in answered.description
    assert msgspec.to_builtins(CodeCounts.read(day.notes))["known"] == 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"bytes_code": 98},
        {"n_files_code": 3},
        {"bytes": 1},
        {"n_files": 3},
        {"languages": [{"kind": "Python", "files": 1, "bytes": 99}]},
        {"others": []},
        {"packages": -1},
    ],
)
def test_parts_that_do_not_add_up_fail(lake: Lake, wrong: Row) -> None:
    result = code_adds_up(stored(lake, known(1), known(2, **wrong)))
    assert not result.passed
    assert "the parts of 1 Spaces do not add up" in result.description


def test_a_repeated_space_fails(lake: Lake) -> None:
    result = code_adds_up(stored(lake, known(1), known(1)))
    assert result.description == "1 rows repeat a Space."
    assert not result.passed


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (unknown(1, reason=None), "without files or bytes have no reason"),
        (unknown(1, packages_reason=None), "without packages have no reason"),
        (unknown(1, reason="because"), "have another reason"),
        (known(1, packages=None, packages_reason="because"), "have another reason"),
        (known(1, reason="gone"), "with files and bytes have a reason"),
        (known(1, bytes=None), "without files or bytes have no reason"),
    ],
)
def test_a_null_without_a_documented_reason_fails(lake: Lake, row: Row, fault: str) -> None:
    result = reasons_known(stored(lake, row, known(2)))
    assert not result.passed
    assert f"1 Spaces {fault}" in result.description


def test_many_unknown_spaces_warn_and_none_at_all_do_not(lake: Lake) -> None:
    many = spaces_answered(stored(lake, *map(known, range(8)), unknown(8), unknown(9)))
    assert not many.passed
    assert many.severity == "WARN"
    assert spaces_answered(stored(lake)).passed
    assert code_adds_up(stored(lake)).passed
    assert reasons_known(stored(lake)).passed
