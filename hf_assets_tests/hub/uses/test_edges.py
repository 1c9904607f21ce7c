"""What uses what: each edge once, and everything that is no edge of its own counted."""

from collections import Counter
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.hub.tables.schemas import ENRICHED_SPACES, HUB_DATASETS, MODELS
from hf_assets.hub.uses import edges
from hf_assets.hub.uses.records import UsesCounts
from hf_assets.hub.uses.schemas import KINDS, USES
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.hub.uses import Row, naive_edges

NAMES = st.sampled_from(["", "a/x", "A/x", "b/y", "c/é", "dataset:", "n\x00", "a" * 300])
TAGS = st.one_of(
    st.none(),
    NAMES.map("dataset:{}".format),
    st.sampled_from(["arxiv:", "arxiv:2305.18290", "arxiv:2305.18290v2", "arxiv:cs/0701001v1",
                     "arxiv:math.GT/0309136", "arxiv:math/0309136", "arxiv:1234",
                     "arxiv:2313.00001", "arXiv:2305.18290", "license:mit", "dataset", ""]),
)  # fmt: skip
BASES = st.fixed_dictionaries(
    {"id": st.none() | NAMES, "relation": st.sampled_from([None, "finetune", "merge", "distilled"])}
)
A_MODEL = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a/x", "b/y", "d/z"]),
        "tags": st.none() | st.lists(TAGS, max_size=6),
        "base_models": st.none() | st.lists(BASES, max_size=3),
    }
)
LISTS = st.none() | st.lists(st.none() | NAMES, max_size=4)
A_SPACE = st.fixed_dictionaries({"models": LISTS, "datasets": LISTS})


def frame(table: Any, rows: list[Row]) -> pl.LazyFrame:
    defaults = [{"hub_id": f"{at:024x}", "id": f"u/{at}"} for at in range(len(rows))]
    full = [a | b for a, b in zip(defaults, rows, strict=True)]
    return pl.DataFrame(full, schema=table.schema, orient="row").lazy()


def written(spaces: list[Row], models: list[Row], datasets: list[Row] | None) -> TableWrite:
    listed = None if datasets is None else frame(HUB_DATASETS, datasets)
    return edges.uses(frame(ENRICHED_SPACES, spaces), frame(MODELS, models), listed, DAY)


def made(lake: Lake, *given: Any) -> StoredTable:
    return lake.write(USES, DAY, written(*given))


@settings(max_examples=60)
@given(
    spaces=st.lists(A_SPACE, max_size=5),
    models=st.lists(A_MODEL, max_size=6),
    datasets=st.none() | st.lists(st.fixed_dictionaries({"id": NAMES}), max_size=3),
)
def test_any_lists_give_each_edge_once(
    spaces: list[Row], models: list[Row], datasets: list[Row] | None
) -> None:
    write = written(spaces, models, datasets)
    shape = pl.DataFrame(schema=USES.schema)
    found = pl.concat([shape, *(part.select(shape.columns) for part in write.frames)])
    assert set(found["day"]) <= {iso(DAY)}
    wanted, counts = naive_edges(
        frame(ENRICHED_SPACES, spaces).collect().to_dicts(),
        frame(MODELS, models).collect().to_dicts(),
        None if datasets is None else {row["id"] for row in datasets},
    )
    assert Counter(found.drop("day").iter_rows()) == Counter(wanted)
    kinds = UsesCounts.read(write.all_notes()).kinds
    for kind in KINDS:
        counted = kinds[kind]
        assert counted.edges == found.filter(kind=kind).height
        assert counted.naming == found.filter(kind=kind)["source_id"].n_unique()
        for name, count in counts[kind].items():
            assert getattr(counted, name) == count, (kind, name)


def papers(*names: str) -> list[str]:
    return pl.select(edges.arxiv_id(pl.lit(pl.Series(names)))).to_series().to_list()


def test_arxiv_ids_lose_version_and_subject_class() -> None:
    given = ("2305.18290", "1910.01108v2", "0704.0001v12", "cs/0701001", "math.GT/0309136v1",
             "hep-th/9901001v3", "cond-mat.str-el/0309136")  # fmt: skip
    assert papers(*given[:6]) == [
        *("2305.18290", "1910.01108", "0704.0001", "cs/0701001", "math/0309136", "hep-th/9901001"),
    ]
    # Lower case is no subject class of an arXiv id: kept as given, and counted.
    assert papers(given[6]) == [given[6]]


@pytest.mark.parametrize(
    "name",
    ["2313.00001", "1234", "2305.182901", "2305.1829v", "2305.18290 ", "cs/0713001", "abs/v1", "é"],
)
def test_an_id_of_another_form_stays_as_given_and_is_counted(lake: Lake, name: str) -> None:
    stored = made(lake, [], [{"tags": [f"arxiv:{name}", "arxiv:2305.18290v1"]}], None)
    assert sorted(stored.frame.collect()["target"]) == sorted([name, "2305.18290"])
    assert UsesCounts.read(stored.notes).kinds["model-paper"].malformed == 1


def test_a_day_without_datasets_does_not_know_which_are_listed(lake: Lake) -> None:
    models = [{"id": "a/x", "tags": ["dataset:a/d", "arxiv:2305.18290"],
               "base_models": [{"id": "a/x", "relation": None}]}]  # fmt: skip
    spaces = [{"models": ["a/x", "A/X", "gone/z"], "datasets": ["a/d"]}]
    stored = made(lake, spaces, models, None)
    known = {(kind, target): one for kind, target, one in
             stored.frame.select("kind", "target", "known").collect().iter_rows()}  # fmt: skip
    assert known == {
        ("space-model", "a/x"): True, ("space-model", "A/X"): False,
        ("space-model", "gone/z"): False, ("space-dataset", "a/d"): None,
        ("model-dataset", "a/d"): None, ("model-paper", "2305.18290"): None,
        ("model-model", "a/x"): True,
    }  # fmt: skip
    kinds = UsesCounts.read(stored.notes).kinds
    assert (kinds["space-model"].unknown, kinds["space-model"].other_case) == (2, 1)
    assert kinds["model-dataset"].unknown is None
    assert kinds["model-model"].to_itself == 1
    assert stored.notes["model-model: to itself"] == 1
    listed = made(lake, spaces, models, [{"id": "a/d"}]).frame.filter(pl.col("known").is_null())
    assert set(listed.collect()["kind"]) == {"model-paper"}


def test_a_reader_of_a_kind_skips_the_row_groups_of_the_others(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "ROW_GROUP", 50)
    tags = [f"dataset:a/{at}" for at in range(3)] + ["arxiv:2305.18290"]
    stored = made(lake, [{"models": ["a/x"]}] * 120, [{"tags": tags}] * 90, None)
    metadata = pq.ParquetFile(stored.path).metadata
    kind = USES.schema.names().index("kind")
    groups = [metadata.row_group(at).column(kind).statistics
              for at in range(metadata.num_row_groups)]  # fmt: skip
    assert all(one.min == one.max for one in groups)
    assert Counter(one.min for one in groups)["model-dataset"] > 1
    assert stored.frame.filter(kind="model-dataset").collect().height == 270
    assert stored.rows == 120 + 270 + 90


def test_nothing_is_an_empty_table_that_states_nothing(lake: Lake) -> None:
    stored = made(lake, [], [{"tags": None, "base_models": None}], None)
    assert stored.rows == 0
    assert stored.frame.collect().schema == USES.schema
    kinds = UsesCounts.read(stored.notes).kinds
    assert not any(kinds[kind].stated for kind in KINDS)
    assert UsesCounts.read({}).edges == 0
