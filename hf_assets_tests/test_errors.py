"""Texts of others in our messages: short, inert, without secrets."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.errors import CleanRecords, clean

TOKEN = "hf_" + "tOkEn0" * 6


def test_a_plain_text_stays_as_it_is() -> None:
    for text in (
        "Sorry, we can't find the page you are looking for.",
        "HTTP 503: Service Unavailable (hf_raise_for_status of huggingface_hub, hf_assets.hub)",
        "Bearer token is not valid; authorization failed for https://huggingface.co/api?limit=5",
        "größer als 5 €, 模型 🤗",
    ):
        assert clean(text) == text


def test_it_is_one_short_line() -> None:
    said = clean("a\n\tb\r\n" + "x" * 5_000_000)
    assert said == "a b " + "x" * 295 + "…"
    assert len(clean("é" * 1000, 80)) == 80
    assert clean(ValueError("no\nlist")) == "no list"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;ZXZpbA==\x9cafter", "after"),
        ("\x9b2Jgone\x90dcs\x9c", "gone"),
        ("\x1b[2J\x1b[Hhome\x1bc", "home"),
        ("never ended \x1b]0;title", "never ended"),
        ("a\u202eb\u2066c\u200bd\ufeffe", "abcde"),
        ("a\x00b\x08c\ud800d", "abcd"),
        ("a\u2028b\x85c", "a b c"),
    ],
)
def test_nothing_steers_a_terminal(text: str, said: str) -> None:
    assert clean(text).strip() == said


@given(st.text(max_size=60))
def test_any_text_is_printable_and_short(text: str) -> None:
    said = clean(text, 20)
    assert said.isprintable()
    assert len(said) <= 20


@pytest.mark.parametrize(
    "text",
    [
        f"authorization: Bearer {TOKEN}",
        f"{{'authorization': 'Bearer {TOKEN}'}}",
        f"token={TOKEN}&x=1",
        f"a {TOKEN}, b",
        f"hf_\x1b[0m{TOKEN[3:]}",
        f"hf_\u200b{TOKEN[3:]}",
        f"https://someone:{TOKEN}@mirror.example/api",
        f"https://{TOKEN}@mirror.example/api",
        f"Authorization: Basic {TOKEN[3:]}=",
        f"https://bucket.example/file?X-Amz-Signature={TOKEN[3:]}&x=1",
        f"https://api.example/2.3/questions?key={TOKEN[3:]}",
        "x" * 19_990 + TOKEN,
        "\x1b[0m" * 4996 + TOKEN,
    ],
)
def test_no_token_is_told(text: str) -> None:
    said = clean(text, 100_000)
    assert TOKEN[3:13] not in said


def test_the_rest_of_an_address_stays() -> None:
    said = clean("https://me:pw@mirror.example/api?key=abc&limit=5")
    assert said == "https://***@mirror.example/api?key=***&limit=5"


def test_what_this_process_holds_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "KAGGLE_KEY", "HF_ASSETS_STACKEXCHANGE_KEY"):
        monkeypatch.setenv(name, f"odd one {name}")
        assert clean(f"it holds 'odd one {name}'") == "it holds '***'"
    assert clean("the words sesame open", secrets=["sesame open"]) == "the words ***"


def test_records_of_a_library_are_clean() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "said %s", ("\x1b[2J" + TOKEN,), None)
    assert CleanRecords().filter(record)
    assert record.getMessage() == "said ***"
