"""The dimensions of families, formats, sizes and languages, against the same counted by hand."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.hub.tables import schemas
from hf_assets.hub.tables.families import RELATIONS, families
from hf_assets.trends.metrics import families as module
from hf_assets.trends.metrics.families import BAND_NAMES, FORMATS, ROOT, band
from hf_assets.trends.metrics.languages import LANGUAGES
from hf_assets.trends.metrics.licenses import STRICTNESS, license_group
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.trends.metrics import Row, near, rows_of, total

COUNTERS = ("downloads", "downloads_all_time", "likes")
NAMES = [f"u{at % 3}/m{at}" for at in range(8)]
TAGS = ["gguf", "safetensors", "onnx", "exllamav2", "en", "fr", "multilingual", "art", "en"]
a_base = st.fixed_dictionaries(
    {
        "id": st.sampled_from([*NAMES, "gone/x"]),
        "relation": st.sampled_from([*RELATIONS, None]),
    }
)
a_model = st.fixed_dictionaries(
    {
        "base_models": st.none() | st.lists(a_base, max_size=2),
        "downloads": st.none() | st.integers(0, 99),
        "downloads_all_time": st.none() | st.integers(0, 99),
        "likes": st.none() | st.integers(0, 9),
        "license": st.sampled_from([None, "mit", "gpl-3.0", "gemma"]),
        "tags": st.none() | st.lists(st.sampled_from(TAGS), max_size=5),
        "library": st.sampled_from([None, "GGUF", "transformers"]),
        "gated": st.sampled_from(["false", "manual", None]),
        "parameters": st.none() | st.sampled_from([0, 999_999_999, 10**9, 7 * 10**10, 10**12]),
    }
)


def dimensions(rows: list[Row]) -> dict[str, dict[Any, Row]]:
    """The rows of every dimension, by key."""
    models = pl.LazyFrame(rows, schema=schemas.MODELS.schema)
    counted = models.select(*COUNTERS, "trending_score").collect()
    empty = pl.DataFrame(schema=schemas.FAMILIES.schema)
    parts = [part.select(empty.columns) for part in families(models, DAY).frames]
    made = pl.concat([empty, *parts])
    frames = [*module.of_models(models), *module.of_families(made.lazy(), counted)]
    frame = pl.concat(frames, how="diagonal_relaxed").collect()
    return {name: rows_of(frame, name) for name in frame["dimension"].unique()}


def sums(groups: Iterable[tuple[Any, Row]]) -> dict[Any, dict[str, Any]]:
    """Rows and counters by key."""
    by_key: dict[Any, list[Row]] = defaultdict(list)
    for key, row in groups:
        by_key[key].append(row)
    return {
        key: {"rows": len(mine)} | {name: total([row[name] for row in mine]) for name in COUNTERS}
        for key, mine in by_key.items()
    }


def same(found: dict[Any, Row], wanted: dict[Any, dict[str, Any]]) -> None:
    assert found.keys() == wanted.keys()
    for key, row in wanted.items():
        assert {name: found[key][name] for name in row} == row, key


def first_format(row: Row) -> str | None:
    names = [*(row["tags"] or []), (row["library"] or "").lower()]
    names = ["exl2" if name == "exllamav2" else name for name in names]
    return next((name for name in FORMATS if name in names), None)


def root_of(row: Row, by_id: dict[str, Row]) -> tuple[str, str | None]:
    """The root's name by a walk, and the relation; acyclic: a base has a lower number."""
    relation = None
    for steps in range(len(by_id) + 1):
        bases = [base for base in row["base_models"] or [] if base["id"]]
        if not bases:
            return row["id"], relation
        listed = [base for base in bases if base["id"] in by_id]
        best = (listed or bases)[0]
        if steps == 0:
            relation = best["relation"] or "unknown"
        if best["id"] not in by_id:
            return best["id"], relation
        row = by_id[best["id"]]
    raise AssertionError("a cycle")


@settings(max_examples=40)
@given(drawn=st.lists(a_model, min_size=1, max_size=8))
def test_dimensions_are_those_counted_by_hand(drawn: list[Row]) -> None:
    rows: list[Row] = [
        {"hub_id": f"{at}", "id": name, "author": name.split("/")[0], **row}
        for at, (name, row) in enumerate(zip(NAMES, drawn, strict=False))
    ]
    for at, row in enumerate(rows):
        older = {*NAMES[:at], "gone/x"}
        row["base_models"] = [one for one in row["base_models"] or [] if one["id"] in older]
    found = dimensions(rows)
    same(found["gated"], sums((row["gated"], row) for row in rows))
    same(found["format"], sums((first_format(row), row) for row in rows))
    same(
        found["language"],
        sums(
            (language, row)
            for row in rows
            for language in {*(row["tags"] or [])} & {*LANGUAGES} or {None}
        ),
    )
    for row in found["language"].values():
        # Of all models, not of (model, language) pairs.
        assert row["share_rows"] == pytest.approx(row["rows"] / len(rows))
        if downloads := total([one["downloads"] for one in rows]):
            assert row["share_downloads"] == (
                None if row["downloads"] is None
                else pytest.approx(row["downloads"] / downloads)
            )  # fmt: skip
    by_id = {row["id"]: row for row in rows}
    placed = [(row, *root_of(row, by_id)) for row in rows]
    named = {one["id"] for row in rows for one in row["base_models"]}
    relation = {
        row["id"]: given or (ROOT if row["id"] in named else None) for row, _, given in placed
    }
    same(found["relation"], sums((relation[row["id"]], row) for row in rows))
    members = [(row, root) for row, root, _ in placed if relation[row["id"]]]
    same(found.get("family", {}), sums((root, row) for row, root in members))
    same(
        found.get("family_relation", {}),
        sums((f"{relation[row['id']]}/{root}", row) for row, root in members),
    )
    same(
        found.get("quantiser", {}),
        sums((row["author"], row) for row in rows if relation[row["id"]] == "quantized"),
    )
    strict = dict(zip(STRICTNESS, range(4), strict=True))

    def step(row: Row, root: Row) -> str:
        names = pl.DataFrame({"license": [row["license"], root["license"]]},
                             schema={"license": pl.String})  # fmt: skip
        ours, theirs = (strict.get(one) for one in names.select(license_group(pl.col("license")))
                        .to_series())  # fmt: skip
        if ours is None or theirs is None:
            return "unknown"
        return "looser" if ours < theirs else "stricter" if ours > theirs else "same"

    derived = [(row, by_id[root]) for row, root in members if root in by_id and root != row["id"]]
    same(found.get("license_root", {}), sums((step(row, root), row) for row, root in derived))
    for name in ("relation", "gated", "format", "parameters"):
        assert sum(row["rows"] for row in found[name].values()) == len(rows)
        assert near(sum(row["share_rows"] for row in found[name].values()), 1)


def test_bands() -> None:
    given = [None, 0, 999_999_999, 10**9, 10**10 - 1, 10**10, 35 * 10**9, 10**11, 4 * 10**12]
    frame = pl.DataFrame({"p": given}, schema={"p": pl.Int64}).select(band(pl.col("p")))
    assert frame.to_series().to_list() == [
        None, "<1B", "<1B", "1-10B", "1-10B", "10-35B", "35-100B", "100B+", "100B+",
    ]  # fmt: skip
    assert BAND_NAMES == ("<1B", "1-10B", "10-35B", "35-100B", "100B+")


@pytest.mark.parametrize(
    ("tags", "library", "kind"),
    [
        (["safetensors", "gguf", "onnx"], None, "gguf"),
        # A conversion beside general weights is not what the model is.
        (["onnx", "openvino", "pytorch", "safetensors"], "transformers", "safetensors"),
        (["onnx", "transformers.js"], "transformers.js", "onnx"),
        (["safetensors", "4-bit", "awq"], None, "awq"),
        (["safetensors"], "mlx", "mlx"),
        (["exllamav2", "safetensors"], None, "exl2"),
        ([], "timm", None),
        (None, None, None),
    ],
)
def test_first_format(tags: list[str] | None, library: str | None, kind: str | None) -> None:
    rows: list[Row] = [{"id": "a/b", "hub_id": "1", "tags": tags, "library": library,
                        "base_models": []}]  # fmt: skip
    assert list(dimensions(rows)["format"]) == [kind]


def test_nested_families_count_once() -> None:
    """A chain of four is a single family of four: not one of four, one of three and one of two."""
    rows: list[Row] = [
        {"id": f"a/{at}", "hub_id": f"{at}", "downloads": 10,
         "base_models": [{"id": f"a/{at - 1}", "relation": "finetune"}] if at else []}
        for at in range(4)
    ]  # fmt: skip
    found = dimensions(rows)
    assert {key: row["downloads"] for key, row in found["family"].items()} == {"a/0": 40}
    assert {key: row["rows"] for key, row in found["relation"].items()} == {ROOT: 1, "finetune": 3}


def test_long_rankings_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOP_FAMILIES", 3)
    monkeypatch.setattr(module, "SPLIT_FAMILIES", 2)
    monkeypatch.setattr(module, "TOP_QUANTISERS", 1)
    rows: list[Row] = []
    for at in range(5):
        rows.append({"id": f"r/{at}", "hub_id": f"r{at}", "downloads": 100 - at})
        base = [{"id": f"r/{at}", "relation": "quantized"}]
        rows.append({"id": f"q{at}/m", "author": f"q{at}", "hub_id": f"q{at}", "downloads": at,
                     "base_models": base})  # fmt: skip
    rows = [{"base_models": None, **row} for row in rows]
    found = dimensions(rows)
    assert list(found["family"]) == ["r/0", "r/1", "r/2", "(other)"]
    assert found["family"]["(other)"]["downloads"] == 200
    assert set(found["family_relation"]) == {
        f"{part}/r/{at}" for part in (ROOT, "quantized") for at in (0, 1)
    }
    assert list(found["quantiser"]) == ["q4", "(other)"]
