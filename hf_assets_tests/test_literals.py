"""Values written down as text: read as what they say, or refused with the reason."""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hf_assets import literals
from hf_assets.literals import DEEPEST, InvalidLiteral, parse_literal

LONG = [f"license:{'x' * 30}-{n}" for n in range(4)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["a", null, 1.5]', ["a", None, 1.5]),
        (' {"a": NaN} ', {"a": None}),
        ("['a', \"it's\", 'a\\nb']", ["a", "it's", "a\nb"]),
        ("['a' 'b'\n 'c']", ["a", "b", "c"]),
        ("['a']", ["a"]),
        ("[]", []),
        ("[ ]", []),
        ("['a',]", ["a"]),
        ("['a, b' '' \"it's\"]", ["a, b", "", "it's"]),
        ("array(['a', 'b'], dtype=object)", ["a", "b"]),
        ("array([], shape=(0, 3), dtype='<U3')", []),
        ("[array(['a', 'b'], dtype=object)]", [["a", "b"]]),
        ("[list(['a', 'b']) array(['c'],\n      dtype='<U1')]", [["a", "b"], ["c"]]),
        ("[['a' 'b']\n ['c' 'd']]", [["a", "b"], ["c", "d"]]),
        ("[np.str_('a'), np.int64(3), np.True_]", ["a", 3, True]),
        ("[np.str_('a'), np.int64(3), np.float64(2.5)]", ["a", 3, 2.5]),
        ("[1. -2.5 nan 3e2]", [1.0, -2.5, None, 300.0]),
        ("[ True False]", [True, False]),
        ("{'total': 5, 'parameters': {'F16': 5}}", {"total": 5, "parameters": {"F16": 5}}),
        ("{}", {}),
        ("{'a', 'b'}", {"a", "b"}),
        ("frozenset({'a'})", {"a"}),
        ("set()", set()),
        ("('a', 'b')", ("a", "b")),
        ("('a',)", ("a",)),
        ("()", ()),
        ("('a')", "a"),
        ("[b'a']", [b"a"]),
        (
            "SafeTensorsInfo(parameters={'F16': 9}, total=9)",
            {"parameters": {"F16": 9}, "total": 9},
        ),
        ("[u'a', r'b\\c']", ["a", "b\\c"]),
        (str(np.array(LONG)), LONG),
        (repr(np.array(LONG, dtype=object)), LONG),
        (str(np.array([LONG, LONG])), [LONG, LONG]),
        (repr(np.array([LONG])), [LONG]),
        (str(np.array([1, 20, -3])), [1, 20, -3]),
        ("5", 5),
        ("'a'", "a"),
        ("None", None),
    ],
)
def test_a_text_is_the_value_it_says(text: str, value: Any) -> None:
    assert parse_literal(text) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("['x', ...]", r"cut short \(...\) at character 7"),
        ("['x' ... 'y']", "cut short"),
        ("[... ]", "cut short"),
        ("['x', …]", "cut short"),
        (str(np.array(["x"] * 2000)), "cut short"),
        (repr(np.array(["x"] * 2000, dtype=object)), "cut short"),
        ("['x', 'y", "is no value"),
        ("['x', ", "cut short"),
        ("['x'", "cut short"),
        ("{'a': 1", "cut short"),
        ("{'a': 1, ...}", "cut short"),
        ("['a' 'b', 'c']", "a comma, and none before"),
        ("['a', 'b' 'c']", "no ','"),
        ("['a''b']", "no ','"),
        ("('a' 'b')", "no ','"),
        ("{'a' 'b'}", "no '}'"),
        ("{'a': 'b' 'c'}", "no '}'"),
        ("{['a'], 'b'}", "plain value"),
        ("{{'a': 1}: 2}", "plain value"),
        ("[a, b]", "'a' has no quotes"),
        ("[a b]", "'a' has no quotes"),
        ("transformers", "no quotes"),
        ("['a'] x", "something follows"),
        ("open('x')", "no value that can be read"),
        ("[__import__('os')]", "no value that can be read"),
        ("array(['a'], total=5)", "no value that can be read"),
        ("[f'{1}']", "does not read"),
        ("['\\x']", "does not read"),
        ("[1, 2", "cut short"),
        ("", "cut short"),
        ("[,]", "no value"),
        ("[1,,2]", "no value"),
        ("[12abc]", "no quotes"),
        ("[" + "9" * 5000 + "]", "too long"),
        ("[" * 9999, "too deep"),
        ("f(" * 9999, "too deep"),
        ("[" * (DEEPEST + 1) + "'a'" + "]" * (DEEPEST + 1), "too deep"),
        ("{'a':" * 9999, "too deep"),
    ],
)
def test_what_cannot_be_read_for_sure_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidLiteral, match=why):
        parse_literal(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[a, 'license:mit', NULL, null]", ["a", "license:mit", None, None]),
        ("[a]", ["a"]),
        ("[text-generation, a/b_c.1]", ["text-generation", "a/b_c.1"]),
        ("{'stage': RUNNING, 'n': NULL}", {"stage": "RUNNING", "n": None}),
        ("['it\\'s', b]", ["it's", "b"]),
        ("[time series, 'license:mit']", ["time series", "license:mit"]),
        (
            "[time series, '', 'a, b', ünï, 100, true, 1.5, NULL, a-b/c+d, #x, 'it\\'s']",
            ["time series", "", "a, b", "ünï", "100", "true", "1.5", None, "a-b/c+d", "#x", "it's"],
        ),
        ("[en, 100]", ["en", "100"]),
    ],
)
def test_words_without_quotes_are_texts_only_where_told(text: str, value: Any) -> None:
    assert parse_literal(text, bare_words=True) == value
    with pytest.raises(InvalidLiteral, match=r"no quotes|a comma, and none before"):
        parse_literal(text)


@pytest.mark.parametrize(
    "text", ["[a b]", "a", "(a, b)", "[license:mit]", "[a, b c, ...]", "[a, ...]"]
)
def test_words_that_could_be_anything_are_no_texts(text: str) -> None:
    with pytest.raises(InvalidLiteral):
        parse_literal(text, bare_words=True)


@pytest.mark.parametrize("text", ["['x', 5]", "[1, 2.5]", "[5, True]"])
def test_a_list_that_duckdb_does_not_print_keeps_its_numbers(text: str) -> None:
    assert parse_literal(text, bare_words=True) == parse_literal(text)


@pytest.mark.parametrize("text", ["['license:mit', 100]", "['license:mit', true]"])
def test_what_duckdb_quotes_only_where_it_must_are_texts(text: str) -> None:
    """It quotes what has a colon, and leaves numbers as they are."""
    assert parse_literal(text, bare_words=True) == ["license:mit", text[16:-1]]


@pytest.mark.parametrize("end", ["", "x", ".", ".5x", "e5x"])
def test_a_number_of_any_length_is_refused(end: str) -> None:
    with pytest.raises(InvalidLiteral):
        parse_literal("9" * 20_000 + end, bare_words=True)


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
values = st.recursive(
    plain, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one)
)


@settings(max_examples=30)
@given(values)
def test_what_python_and_json_print_is_read_back(value: Any) -> None:
    assert parse_literal(repr(value)) == value
    assert parse_literal(json.dumps(value)) == value


@settings(max_examples=30)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
@example(["it's", 'a"b', "x\ny", "\\", "..."])
def test_what_numpy_prints_of_texts_is_read_back(texts: list[str]) -> None:
    """By value for arrays of objects: those of fixed width drop zero characters at the end."""
    array = np.array(texts, dtype=object)
    assert parse_literal(str(array)) == texts
    assert parse_literal(repr(array)) == texts
    assert parse_literal(str([array])) == [texts]


@settings(max_examples=30)
@given(st.text("[](){}'\"\\,.: =ab1N\n", max_size=12))
def test_any_text_is_a_value_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidLiteral):
        parse_literal(text, bare_words=True)


def test_the_package_has_one_parser_of_literals() -> None:
    package = Path(literals.__file__).parent
    users = [path for path in package.rglob("*.py") if "literal_eval" in path.read_text()]
    assert users == [Path(literals.__file__)]
