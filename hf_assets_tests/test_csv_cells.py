"""Cells that a spreadsheet would run are text in our CSV files; all others are as they were."""

import csv
import io

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.apps.explore.files import as_file
from hf_assets.csv_cells import inert_cells

RUN = "=1+1"
BEFORE = (
    *("", " ", "\t", "\r", "\n", "\r\n", "\v", "\f", "\x00", "\x1f", "\x85", "\xa0", "\xad"),
    *("\u1680", "\u2003", "\u2028", "\u3000", "\u200b", "\u200e", "\u2060", "\ufeff", "\u3164"),
    *("\u2800", "\u034f", "\ufe0f", " \u200b\n "),
)


def cells(texts: list[str | None]) -> list[str | None]:
    return inert_cells(pl.LazyFrame({"text": texts})).collect()["text"].to_list()


@pytest.mark.parametrize("sign", [*"=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"])
def test_what_begins_like_a_formula_is_text(sign: str) -> None:
    risky = [f"{before}{sign}HYPERLINK(1)" for before in BEFORE]
    assert cells([*risky]) == [f"'{one}" for one in risky]


def test_a_line_end_or_a_tab_in_front_is_enough() -> None:
    assert cells(["\tx", "\rx", "\nx"]) == ["'\tx", "'\rx", "'\nx"]


def test_all_else_stays_as_it_is() -> None:
    plain = ["-1.5", "+3", "-.5e-7", "2.", "bert-base", "a=b", " x", "'=1", "模型", "", None]
    assert cells([*plain]) == plain
    assert cells(["-1.5\n", "+49 30", "--1", "-1=1"]) == ["'-1.5\n", "'+49 30", "'--1", "'-1=1"]


def test_every_kind_of_column_is_looked_at_in_a_download() -> None:
    frame = pl.LazyFrame(
        {
            "text": [" =1"],
            "category": pl.Series(["=2"], dtype=pl.Categorical),
            "enum": pl.Series(["@3"], dtype=pl.Enum(["@3"])),
            "list": [["=4"]],
            "number": [-5.5],
            "whole": [-6],
        }
    )
    (row,) = csv.DictReader(io.StringIO(as_file(frame, "csv").decode()))
    assert row == {
        "text": "' =1", "category": "'=2", "enum": "'@3", "list": '["=4"]', "number": "-5.5",
        "whole": "-6",
    }  # fmt: skip


SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"


@given(st.text(st.sampled_from([*SIGNS, *"".join(BEFORE), *"a1.'\""]), max_size=8))
def test_no_cell_begins_with_a_sign(text: str) -> None:
    (cell,) = cells([text])
    assert cell in (text, f"'{text}")
    stripped = str(cell).lstrip("".join(BEFORE))
    if stripped[:1] in tuple(SIGNS):
        float(stripped)
