"""Text from outside inside Markdown."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from hf_assets.markdown import inert, table


@given(st.text(max_size=400))
@example("\ud800")
@example("www.evil.example http://evil.example a@b.example :bomb:")
@example("1. list")
def test_inert_text_is_one_line_without_markup(text: str) -> None:
    made = inert(text)
    assert made.strip()
    assert not re.search(r"[\\`*_{}\[\]<>|~$:@\x00-\x1f\u2028\u202e]", made)
    assert not re.match(r"[-+#]|[0-9]+\.", made)
    assert "www." not in made.lower()
    assert not re.search(r"&(?!#[0-9]+;)", made)
    assert len(re.sub(r"&#[0-9]+;", "x", made)) <= 90
    made.encode()


def test_inert_text_can_be_read() -> None:
    assert inert("machine-learning, 2.0 (c++)") == "machine-learning, 2.0 (c++)"
    assert inert("a|b") == "a&#124;b"
    assert inert("") == "(blank)"


def test_a_table_is_a_table() -> None:
    made = table(["A", "B"], [["x", "1"]])
    assert made.splitlines() == ["| A | B |", "| --- | ---: |", "| x | 1 |"]
