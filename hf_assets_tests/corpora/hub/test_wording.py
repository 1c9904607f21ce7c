"""Texts of models: words of names, and no tag that gives the category away."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.corpora.hub.wording import CATEGORIES, DERIVED_TAGS, PREFIXES, Wording, hashes
from hf_assets.corpora.text.plain import plain
from hf_assets.hub.tables.schemas import MODELS

WORDING = Wording(["my-own-task"])


def text(**fields: Any) -> str:
    schema = {name: MODELS.schema[name] for name in ("id", "library", "tags", "base_models")}
    return WORDING.texts(pl.DataFrame([fields], schema=schema))[0]


def test_an_id_is_cut_into_words_and_again_at_capitals_and_digits() -> None:
    assert text(id="Qwen/Qwen2.5-7B_fineTuned") == ("Qwen2 5 7B fineTuned Qwen 2 5 7 B fine Tuned")
    assert text(id="gpt/plain-name") == "plain name"
    assert text(id="gpt2") == "gpt2 gpt 2"


def test_library_tags_and_base_models_follow() -> None:
    found = text(
        id="a/b",
        library="sentence-transformers",
        tags=["onnx", "dataset:org/Some-Set", "en"],
        base_models=[{"id": "google/bert", "relation": "finetune"}],
    )
    assert found == "b sentence transformers onnx dataset org Some Set en google bert"


def test_what_is_missing_is_left_out() -> None:
    assert text(id="a/b", tags=[], base_models=[]) == "b"
    assert text(id="a/b", tags=[None, "x"], base_models=[{"id": None}]) == "b x"


@pytest.mark.parametrize(
    "tag",
    [
        "text-generation", "Text Generation", "text_generation", "TEXTGENERATION",
        "task:text-generation", "pipeline_tag: text-generation", "my own task",
        *DERIVED_TAGS, *(f"{prefix}x" for prefix in PREFIXES),
    ],
)  # fmt: skip
def test_a_tag_that_tells_the_category_is_left_out(tag: str) -> None:
    assert text(id="a/b", tags=["kept", tag]) == "b kept"


def test_a_library_that_is_a_category_is_left_out() -> None:
    assert text(id="a/b", library="time-series-forecasting") == "b"


def test_other_tags_that_only_begin_like_one_stay() -> None:
    assert text(id="a/b", tags=["text-generation-webui"]) == "b text generation webui"


_disguised = st.builds(
    lambda name, sign, upper, prefix: prefix + (name.upper() if upper else name).replace("-", sign),
    st.sampled_from(CATEGORIES),
    st.sampled_from(["-", "_", " ", "", "--"]),
    st.booleans(),
    st.sampled_from(["", "task:", "a:b:"]),
)


@given(st.lists(_disguised | st.text(max_size=12), max_size=6))
def test_no_text_holds_a_category_as_a_tag(tags: list[str]) -> None:
    names = {"".join(name.lower().replace("_", "-").split("-")) for name in WORDING.categories}

    def bare(tag: str) -> str:
        last = tag.lower().split(":")[-1]
        return "".join(sign for sign in last if not sign.isspace() and sign not in "-_")

    others = [tag for tag in tags if bare(tag) not in names]
    assert text(id="a/b", tags=tags) == text(id="a/b", tags=others)


@given(st.text(), st.lists(st.text(max_size=8), max_size=4))
def test_a_text_is_as_the_corpus_stores_it(name: str, tags: list[str]) -> None:
    """The corpus squeezes texts once more: a prediction must read the same."""
    found = text(id=name, tags=tags)
    assert plain(found, "text") == found


def test_hashes_are_the_same_on_every_machine_and_differ_with_the_text() -> None:
    assert hashes(pl.Series(["a b", "a c", ""])).to_list() == [2154585299, 4151012421, 0]
