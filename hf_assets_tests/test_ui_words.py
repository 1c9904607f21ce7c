"""Labels of fields, and shares, as the UI shows them."""

import pytest

from hf_assets.ui_words import label, percent


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rows", "rows"),
        ("expected_rows", "expected rows"),
        ("fell_percent", "fell (%)"),
        ("bytes", "size (bytes)"),
        ("doubled", "duplicates"),
        ("duplicates", "duplicates"),
        ("coerced", "coerced to null"),
        ("nulled", "coerced to null"),
        ("nulled tags", "tags coerced to null"),
        ("clipped downloads", "downloads clipped to 0"),
        ("null hub_id", "null hub_id"),
        ("models for text-generation", "models for text-generation"),
    ],
)
def test_a_label_is_words_with_the_unit(name: str, words: str) -> None:
    assert label(name) == label(label(name)) == words


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (1, "100 %"), (0.5, "50 %"), (0.0156, "1.56 %"), (0.2504, "25 %")],
)
def test_a_share_has_three_digits(share: float, text: str) -> None:
    assert percent(share) == text
