"""One day → its aggregates, against the same figures counted by hand."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.client import listing
from hf_assets.hub.tables import schemas, usage
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets.trends.metrics import daily_metrics as metrics
from hf_assets.trends.metrics import licenses
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS, daily_metrics
from hf_assets_tests.conftest import DAY, ServeHub
from hf_assets_tests.support.hub.captures import made_models, made_spaces

Row = dict[str, Any]
SUMS = ("downloads", "downloads_all_time", "likes", "trending_score")


def frame_of(
    models: list[Row], spaces: list[Row] | None = None, used: list[Row] | None = None
) -> pl.DataFrame:
    """daily_metrics of these rows; columns left out are null."""
    made = daily_metrics(
        pl.LazyFrame(models, schema=schemas.MODELS.schema),
        pl.LazyFrame(spaces or [], schema=schemas.ENRICHED_SPACES.schema),
        pl.LazyFrame(used or [], schema=schemas.MODEL_USAGE.schema),
        [],
        DAY,
    )
    shaped = [
        one.select(DAILY_METRICS.schema.names()).cast(dict(DAILY_METRICS.schema))
        for one in made.frames
    ]
    return pl.concat(shaped)


def rows_of(frame: pl.DataFrame, dimension: str) -> dict[Any, Row]:
    found = frame.filter(pl.col("dimension") == dimension)
    return {row["key"]: row for row in found.iter_rows(named=True)}


def values_of(frame: pl.DataFrame, dimension: str) -> dict[str, float | None]:
    return {key: row["value"] for key, row in rows_of(frame, dimension).items()}


def total(values: list[Any]) -> Any:
    """A sum, None where there is nothing to sum."""
    said = [value for value in values if value is not None]
    return sum(said) if said else None


def near(found: float | None, wanted: float | None, digits: float = 1e-9) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return math.isclose(found, wanted, rel_tol=digits, abs_tol=digits)


# By hand


def naive_groups(rows: list[Row], column: str, sums: tuple[str, ...] = SUMS) -> dict[Any, Row]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    found = {
        key: {"rows": len(group), **{name: total([row[name] for row in group]) for name in sums}}
        for key, group in groups.items()
    }
    whole = {name: total([row[name] for row in rows]) for name in ("downloads", "likes")
             if name in sums}  # fmt: skip
    for group in found.values():
        group["share_rows"] = group["rows"] / len(rows)
        for name, of_all in whole.items():
            part = group[name]
            group[f"share_{name}"] = part / of_all if of_all and part is not None else None
    return found


def assert_groups(found: dict[Any, Row], wanted: dict[Any, Row]) -> None:
    assert found.keys() == wanted.keys()
    for key, group in wanted.items():
        for name, value in group.items():
            digits = 1e-6 if name.startswith("share") else 1e-9
            assert near(found[key][name], value, digits), (key, name, found[key][name], value)


def naive_gini(values: list[int]) -> float:
    pairs = sum(abs(one - other) for one in values for other in values)
    return pairs / (2 * len(values) ** 2 * statistics.fmean(values))


def naive_ranks(values: list[float]) -> list[float]:
    return [
        1 + sum(other < one for other in values) + (sum(other == one for other in values) - 1) / 2
        for one in values
    ]


def naive_correlation(pairs: list[tuple[float, float]]) -> float | None:
    if len(pairs) < 2:
        return None
    one, other = np.array(pairs, dtype=float).T
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def naive_concentration(of: str, held: list[int]) -> dict[str, float]:
    if not sum(held):
        return {}
    highest = sorted(held, reverse=True)
    hhi = sum((100 * one / sum(held)) ** 2 for one in held)
    tops = {f"top_{count}": count for count in (1, 10, 100, 1000)}
    tops["top_1_percent"] = -(-len(held) // 100)
    return {
        f"{of}/gini": naive_gini(held),
        f"{of}/hhi": hhi,
        f"{of}/effective_number": 10_000 / hhi,
        **{f"{of}/{name}": sum(highest[:count]) / sum(held) for name, count in tops.items()},
    }


a_model = st.fixed_dictionaries(
    {
        "downloads": st.none() | st.integers(0, 50) | st.integers(0, 10**12),
        "downloads_all_time": st.none() | st.integers(0, 9),
        "likes": st.none() | st.integers(0, 5),
        "trending_score": st.none() | st.sampled_from([0.0, 0.5, 2.75]),
        "category": st.none() | st.sampled_from(["gen", "mask", ""]),
        "library": st.none() | st.sampled_from(["a", "b"]),
        "license": st.none() | st.just("mit"),
        "author": st.none() | st.sampled_from(["u", "v", "w"]),
        "year": st.none() | st.integers(2022, 2026),
        "floor_dated": st.none() | st.booleans(),
    }
)


@settings(max_examples=50)
@given(drawn=st.lists(a_model, min_size=1, max_size=20))
def test_the_aggregates_are_those_counted_by_hand(drawn: list[Row]) -> None:
    rows: list[Row] = [
        {"id": f"m/{at:02d}", "hub_id": f"{at}", **row} for at, row in enumerate(drawn)
    ]
    frame = frame_of(rows)
    assert frame.schema == DAILY_METRICS.schema
    assert frame["day"].unique().to_list() == [date(2026, 11, 20)]
    for column in ("category", "library", "license"):
        assert_groups(rows_of(frame, column), naive_groups(rows, column))
    for row in rows:
        said = None if row["year"] is None else str(row["year"])
        row["shown_year"] = metrics.FLOOR_KEY if row["floor_dated"] else said
    assert_groups(rows_of(frame, "year"), naive_groups(rows, "shown_year"))

    downloads = [row["downloads"] for row in rows if row["downloads"] is not None]
    by_author = naive_groups([row for row in rows if row["author"] is not None], "author")
    held = [row["downloads"] for row in by_author.values() if row["downloads"] is not None]
    found = values_of(frame, "concentration")
    wanted = naive_concentration("downloads", downloads) | naive_concentration("authors", held)
    assert found.keys() == wanted.keys()
    assert all(near(found[key], wanted[key], 1e-7) for key in wanted), (found, wanted)

    correlations = values_of(frame, "correlation")
    for one, other in (("likes", "trending_score"), ("likes", "downloads"),
                       ("trending_score", "downloads")):  # fmt: skip
        pairs = [
            (row[one], row[other])
            for row in rows
            if row[one] is not None and row[other] is not None
        ]
        ranked = list(
            zip(naive_ranks([a for a, _ in pairs]), naive_ranks([b for _, b in pairs]), strict=True)
        )
        assert near(correlations[f"pearson/{one}/{other}"], naive_correlation(pairs), 1e-6)
        assert near(correlations[f"spearman/{one}/{other}"], naive_correlation(ranked), 1e-6)

    described = values_of(frame, "describe")
    for name in metrics.POPULARITY:
        said = [row[name] for row in rows if row[name] is not None]
        assert described[f"{name}/count"] == len(said)
        if said:
            quartiles = np.quantile(said, [0.25, 0.5, 0.75])
            wanted = {
                "mean": statistics.fmean(said),
                "std": statistics.stdev(said) if len(said) > 1 else None,
                "min": min(said),
                "25%": quartiles[0],
                "50%": quartiles[1],
                "75%": quartiles[2],
                "max": max(said),
            }
            assert all(near(described[f"{name}/{key}"], wanted[key], 1e-7) for key in wanted)
        else:
            assert {described[f"{name}/{key}"] for key in ("mean", "std", "min", "max")} == {None}


def test_keys_are_ranked_by_downloads_then_rows_then_name() -> None:
    said = [("b", 5), ("a", 5), ("c", 9), ("b", 0), (None, None), ("d", None)]
    rows = [
        {"id": f"m/{at}", "category": category, "downloads": downloads}
        for at, (category, downloads) in enumerate(said)
    ]
    found = frame_of(rows).filter(pl.col("dimension") == "category").sort("rank")
    assert found["rank"].to_list() == [1, 2, 3, 4, 5]
    assert found["key"].to_list()[:3] == ["c", "b", "a"]
    assert set(found["key"].to_list()[3:]) == {None, "d"}
    assert found["downloads"].to_list() == [9, 5, 5, None, None]


def test_keys_past_the_most_are_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"id": f"m/{at}", "library": f"lib-{at:04d}", "downloads": 1000 - at, "likes": None}
        for at in range(metrics.MOST_KEYS + 50)
    ]
    found = rows_of(frame_of(rows), "library")
    assert len(found) == metrics.MOST_KEYS + 1
    other = found[metrics.OTHER]
    assert (other["rows"], other["rank"], other["likes"]) == (50, None, None)
    assert other["downloads"] == sum(1000 - at for at in range(metrics.MOST_KEYS, len(rows)))
    assert sum(row["rows"] for row in found.values()) == len(rows)
    assert near(sum(row["share_downloads"] for row in found.values()), 1.0, 1e-5)


# Rankings


def test_the_top_models_of_a_day() -> None:
    rows: list[Row] = [
        {
            "id": f"m/{at:05d}",
            "hub_id": f"h{at}",
            "downloads": at % 700,
            "likes": at,
            "category": "gen" if at % 2 else None,
            "author": f"u{at % 1200}",
            "created_at": datetime(2026, 1, 1 + at % 28, 23, 59, tzinfo=UTC),
        }
        for at in range(3000)
    ]
    frame = frame_of(rows)
    found = frame.filter(pl.col("dimension") == "model")
    wanted = sorted(rows, key=lambda row: (-row["downloads"], row["id"]))[:1000]
    columns = ["key", "hub_id", "downloads", "likes", "category", "created"]
    assert found.select(columns).rows() == [
        (
            *(row[name] for name in ("id", "hub_id", "downloads", "likes", "category")),
            row["created_at"].date(),
        )
        for row in wanted
    ]
    assert found["rank"].to_list() == list(range(1, 1001))
    assert set(found["rows"]) == {1}
    of_all = sum(row["downloads"] for row in rows)
    assert near(found["share_downloads"][0], wanted[0]["downloads"] / of_all, 1e-6)
    authors = rows_of(frame, "author")
    assert len(authors) == 1001
    assert authors[metrics.OTHER]["rows"] == 3000 - sum(
        row["rows"] for key, row in authors.items() if key != metrics.OTHER
    )


def test_models_of_which_the_hub_does_not_say_come_last() -> None:
    rows = [
        {"id": f"m/{at:02d}", "downloads": None if at % 2 else at, "hub_id": f"{at}"}
        for at in range(8)
    ]
    found = frame_of(rows).filter(pl.col("dimension") == "model")
    assert found["key"].to_list() == [f"m/{at:02d}" for at in (6, 4, 2, 0, 1, 3, 5, 7)]


def test_without_any_downloads_models_are_ranked_by_name() -> None:
    rows = [{"id": f"m/{at:05d}", "hub_id": f"{at}"} for at in reversed(range(1500))]
    found = frame_of(rows).filter(pl.col("dimension") == "model")
    assert found["key"].to_list() == [f"m/{at:05d}" for at in range(1000)]


# Spaces


def test_spaces_by_sdk_and_by_number_of_models() -> None:
    spaces = [
        {"id": "a/1", "sdk": "gradio", "likes": 3, "trending_score": 0.5, "n_models": 2},
        {"id": "a/2", "sdk": "gradio", "likes": None, "trending_score": None, "n_models": 0},
        {"id": "a/3", "sdk": "static", "likes": 1, "trending_score": 1.5, "n_models": 0},
        {"id": "a/4", "sdk": None, "likes": None, "trending_score": None, "n_models": 11},
    ]
    frame = frame_of([], spaces)
    assert_groups(rows_of(frame, "sdk"), naive_groups(spaces, "sdk", ("likes", "trending_score")))
    found = rows_of(frame, "models_per_space")
    assert {key: row["rows"] for key, row in found.items()} == {"0": 2, "2": 1, "11": 1}
    assert {key: row["share_rows"] for key, row in found.items()} == {
        "0": 0.5,
        "2": 0.25,
        "11": 0.25,
    }


def test_a_source_without_spaces_says_nothing_of_them(lake: Lake) -> None:
    models = pl.LazyFrame([{"id": "a/b", "hub_id": "1"}], schema=schemas.MODELS.schema)
    none = pl.LazyFrame(schema=schemas.MODEL_USAGE.schema)
    stored = lake.write(DAILY_METRICS, DAY, daily_metrics(models, None, none, [], DAY))
    assert (stored.notes["models"], stored.notes["Spaces"]) == (1, None)
    dimensions = set(stored.frame.collect()["dimension"])
    assert not dimensions & {"sdk", "models_per_space"}
    assert not [name for name in dimensions if name.startswith("usage")]


def test_spaces_whose_models_the_hub_refused_to_tell_are_no_zero() -> None:
    frame = frame_of([], [{"id": "a/1", "sdk": "gradio", "n_models": None}])
    totals = {key: row["rows"] for key, row in rows_of(frame, "usage_total").items()}
    assert totals == {"Spaces": 1, "Spaces with models": None, "models used": None, "pairs": None}


# Licences


def test_licences_are_summed_by_group_before_rare_ones_are_folded() -> None:
    said: list[str | None] = ["mit", "Apache-2.0", "gpl-3.0", "openrail++", "unknown", None]
    said += ["gemma", "cc-by-nc-4.0", "other", "my-own"]
    said += [f"rare-{at}" for at in range(400)]
    rows = [{"id": f"m/{at}", "license": one, "downloads": at} for at, one in enumerate(said)]
    frame = frame_of(rows)
    found = {key: row["rows"] for key, row in rows_of(frame, "license_group").items()}
    assert found == {"permissive": 2, "copyleft": 1, "openrail": 1, "restricted": 404, "none": 2}
    shares = rows_of(frame, "license_group").values()
    assert near(sum(row["share_rows"] for row in shares), 1.0, 1e-5)
    assert near(sum(row["share_downloads"] for row in shares), 1.0, 1e-5)
    assert rows_of(frame, "license_group")["none"]["downloads"] == 4 + 5


def test_every_licence_has_a_group_of_its_own_and_the_strict_are_stricter() -> None:
    said = pl.DataFrame({"license": ["mit", "lgpl-3.0", "openrail", "llama3.1", "unknown", None]})
    groups = said.select(licenses.license_group(pl.col("license"))).to_series().to_list()
    assert groups == ["permissive", "copyleft", "openrail", "restricted", "none", "none"]
    strict = said.select(licenses.strictness(pl.col("license"))).to_series().to_list()
    assert strict == [0, 1, 2, 3, None, None]


A_LICENSE = st.none() | st.sampled_from(["mit", "gpl-3.0", "openrail", "gemma", "unknown", "odd"])


@settings(max_examples=50)
@given(
    drawn=st.lists(
        st.tuples(A_LICENSE, st.lists(st.integers(0, 14), max_size=3), st.integers(0, 9)),
        min_size=1,
        max_size=12,
    )
)
def test_a_derivative_is_put_beside_its_first_listed_base(
    drawn: list[tuple[str | None, list[int], int]],
) -> None:
    rows = [
        {
            "id": f"m/{at}",
            "license": license,
            "downloads": downloads,
            "base_models": [{"id": f"m/{base}", "relation": None} for base in bases],
        }
        for at, (license, bases, downloads) in enumerate(drawn)
    ]
    place = {"mit": 0, "gpl-3.0": 1, "openrail": 2, "gemma": 3, "odd": 3}
    wanted: dict[str, tuple[int, int]] = {}
    for license, bases, downloads in drawn:
        listed = [base for base in bases if base < len(drawn)]
        if not listed:
            continue
        mine, other = place.get(license or ""), place.get(drawn[listed[0]][0] or "")
        if mine is None or other is None:
            key = "unknown"
        else:
            key = "same" if mine == other else "looser" if mine < other else "stricter"
        count, total_downloads = wanted.get(key, (0, 0))
        wanted[key] = (count + 1, total_downloads + downloads)
    found = rows_of(frame_of(rows), "against_base")
    assert {key: (row["rows"], row["downloads"]) for key, row in found.items()} == wanted


# Edges


def test_an_empty_day_has_metrics(lake: Lake) -> None:
    frame = frame_of([])
    assert frame.schema == DAILY_METRICS.schema
    assert set(frame["dimension"]) <= {"describe", "correlation", "usage_total"}
    assert frame["value"].drop_nulls().to_list() == [0.0, 0.0, 0.0]  # the counts


def test_a_day_of_nulls_has_metrics() -> None:
    frame = frame_of([{"id": None}] * 3, [{"id": None}] * 2)
    assert rows_of(frame, "category")[None]["rows"] == 3
    for name in (*SUMS, "share_downloads", "share_likes"):
        assert rows_of(frame, "category")[None][name] is None
    assert set(values_of(frame, "correlation").values()) == {None}
    assert values_of(frame, "concentration") == {}


def test_a_day_without_downloads_has_no_concentration() -> None:
    frame = frame_of([{"id": "a", "downloads": 0}, {"id": "b", "downloads": 0}])
    assert values_of(frame, "concentration") == {}
    assert rows_of(frame, "category")[None]["share_downloads"] is None


@pytest.mark.parametrize(
    ("downloads", "gini", "hhi"),
    [([5], 0.0, 10_000.0), ([5, 5, 5, 5], 0.0, 2_500.0), ([0, 0, 0, 8], 0.75, 10_000.0)],
)
def test_concentration_at_its_ends(downloads: list[int], gini: float, hhi: float) -> None:
    found = values_of(frame_of([{"id": str(one), "downloads": one} for one in downloads]),
                      "concentration")  # fmt: skip
    assert all(key.startswith("downloads/") for key in found)  # nobody's: no authors
    assert near(found["downloads/gini"], gini)
    assert near(found["downloads/hhi"], hhi)
    assert near(found["downloads/effective_number"], 10_000 / hhi)


def test_correlations_at_their_ends() -> None:
    rows = [
        {"id": str(at), "likes": at, "downloads": at**3, "trending_score": -float(at)}
        for at in range(10)
    ]
    found = values_of(frame_of(rows), "correlation")
    assert near(found["spearman/likes/downloads"], 1.0)
    assert near(found["pearson/likes/trending_score"], -1.0)
    assert 0.8 < (found["pearson/likes/downloads"] or 0) < 0.99


# A generated day


class Day(NamedTuple):
    models: StoredTable
    spaces: StoredTable
    usage: pl.LazyFrame
    chosen: list[Row]

    @property
    def made(self) -> TableWrite:
        return daily_metrics(self.models.frame, self.spaces.frame, self.usage, self.chosen, DAY)


@pytest.fixture
def day(hub: ServeHub, lake: Lake) -> Callable[[int, int], Day]:
    def day(models: int, spaces: int) -> Day:
        served = hub(GeneratedHub(models, spaces, seed=12, day=iso(DAY)))
        stored = made_models(lake, served)
        enriched = made_spaces(lake, served, stored)
        tags = ("text-classification", "text-generation")
        top = usage.top_models(stored.frame, DAY, tags=tags, count=20, sort="likes")
        top_frame = pl.concat(top.frames).lazy()
        made = usage.model_usage(enriched.frame, stored.frame, top_frame, DAY)
        used = pl.concat(made.frames).lazy()
        return Day(stored, enriched, used, made.all_notes()["chosen_usage"])

    return day


def test_a_generated_day(lake: Lake, day: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 500)
    one: Day = day(3000, 800)
    stored = lake.write(DAILY_METRICS, DAY, one.made)
    frame = stored.frame.collect()
    rows = one.models.frame.collect().to_dicts()
    assert_groups(rows_of(frame, "category"), naive_groups(rows, "category"))
    assert sum(row["rows"] for row in rows_of(frame, "library").values()) == 3000
    assert sum(row["rows"] for row in rows_of(frame, "year").values()) == 3000
    assert sum(row["rows"] for row in rows_of(frame, "sdk").values()) == 800
    assert sum(row["rows"] for row in rows_of(frame, "models_per_space").values()) == 800
    assert frame.filter(pl.col("dimension") == "model").height == 1000
    used = frame.filter(pl.col("dimension").is_in(["usage_tag", "usage_category"]))
    assert used.select("dimension", "key", "rows", "value").to_dicts() == one.chosen
    most = one.usage.sort("spaces", "id", descending=[True, False]).head(300).collect()
    found = frame.filter(dimension="usage_model").sort("rank")
    wanted = most.select("id", "spaces", pl.col("authors") * 1.0, "likes", "category")
    assert found.select("key", "rows", "value", "likes", "category").rows() == wanted.rows()
    totals = {key: row["rows"] for key, row in rows_of(frame, "usage_total").items()}
    assert totals == {
        "Spaces": 800,
        "Spaces with models": one.spaces.frame.filter(pl.col("n_models") > 0).collect().height,
        "models used": one.usage.collect().height,
        "pairs": one.usage.collect()["spaces"].sum(),
    }
    downloads = sorted(row["downloads"] or 0 for row in rows)
    found = values_of(frame, "concentration")
    assert near(found["downloads/top_10"], sum(downloads[-10:]) / sum(downloads))
    assert 0.5 < (found["downloads/gini"] or 0) < 1
    assert {"rows": frame.height, "models": 3000}.items() <= stored.notes.items()
    assert frame["dimension"].null_count() == 0
    groups = pq.read_metadata(stored.path)
    sizes = [groups.row_group(at).num_rows for at in range(groups.num_row_groups)]
    assert sizes[1] == 1000  # a reader of the rest skips the rankings


def test_metrics_are_made_of_lists_of_any_order(day: Any) -> None:
    found: Day = day(400, 100)
    one = found.made
    shuffled = found.models.frame.collect().sample(fraction=1.0, shuffle=True, seed=1).lazy()
    reversed_spaces, reversed_usage = found.spaces.frame.reverse(), found.usage.reverse()
    other = daily_metrics(shuffled, reversed_spaces, reversed_usage, found.chosen, DAY)
    for mine, yours in zip(one.frames, other.frames, strict=True):
        assert mine.drop("value", "trending_score").equals(yours.drop("value", "trending_score"))
        assert mine["value"].to_numpy() == pytest.approx(yours["value"].to_numpy(), nan_ok=True)


def size_of_a_day(lake: Lake, day: Any, models: int, spaces: int) -> int:
    return lake.write(DAILY_METRICS, DAY, day(models, spaces).made).path.stat().st_size


def test_a_hundred_thousand_models_are_at_most_100_kilobytes(lake: Lake, day: Any) -> None:
    assert size_of_a_day(lake, day, 100_000, 20_000) <= 100_000


def test_long_names_are_kept(lake: Lake) -> None:
    rows = [{"id": f"a/{at}" + "x" * 10_000, "hub_id": f"{at}", "downloads": at} for at in range(5)]
    frame = frame_of(rows)
    stored = lake.write(DAILY_METRICS, DAY, TableWrite([frame]))
    assert stored.frame.filter(dimension="model").collect()["key"].str.len_chars().max() == 10_003


def test_a_day_s_figures_do_not_depend_on_how_many_threads_read_it() -> None:
    draw = np.random.default_rng(3)
    held = {name: np.floor(draw.lognormal(1, 3, 4000)) for name in metrics.POPULARITY}
    whole = pl.DataFrame(held | {"trending_score": held["trending_score"] / 7})
    pieces = pl.concat([whole[:17], whole[17:900], whole[900:]], rechunk=False)
    assert pieces.n_chunks() == 3
    found = [metrics._values(one, {"likes": one["likes"]}) for one in (whole, pieces)]
    assert_frame_equal(*found, check_exact=True)
