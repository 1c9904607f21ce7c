"""Rows of days, one repository, growth; and the same by readers that know nothing of us."""

import datetime
import itertools
import random
from dataclasses import replace

import polars as pl
import pyarrow.parquet as pq
import pytest

from hf_assets.hub.repository_days import building, groups
from hf_assets.hub.repository_days.growth import growth
from hf_assets.hub.repository_days.reading import day_of, days_in, expand, history_of
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import EARLIER_TRAITS, OF_MODELS, ROW_GROUP
from hf_assets.storage.lake import Lake, MissingDay, TableWrite, iso
from hf_assets_tests.docs.documents import asked, page
from hf_assets_tests.hub.repository_days.lake_of_days import (
    DAYS,
    UNTRUSTED,
    judge,
    rows_of,
    write_day,
)

COLUMNS = ("hub_id", "id", "day", "trusted", "downloads", "downloads_all_time", "likes",
           "trending_score")  # fmt: skip


def _expected() -> pl.DataFrame:
    rows = [
        {**row, "day": iso(day), "trusted": day not in UNTRUSTED}
        for day in DAYS
        for row in rows_of(day)
    ]
    return pl.DataFrame(rows).select(COLUMNS).sort("hub_id", "day")


def test_expand_gives_every_row_of_every_day(filled: Lake) -> None:
    found = expand(filled.read("model_days", None).frame).collect()
    assert found.columns == list(COLUMNS)
    assert found.sort("hub_id", "day").equals(_expected())


def test_expand_of_other_rows_is_refused(filled: Lake) -> None:
    with pytest.raises(ValueError, match="no rows of model_days"):
        expand(filled.read("models", DAYS[0]).frame)


def test_expand_of_no_rows(filled: Lake) -> None:
    assert expand(filled.read("model_days", None).frame.head(0)).collect().columns == list(COLUMNS)


def test_history_of_one_model(filled: Lake) -> None:
    expected = _expected()
    for hub_id in expected["hub_id"].unique().head(9):
        found = history_of(filled, "model_days", hub_id)
        assert found.equals(expected.filter(pl.col("hub_id") == hub_id))
    assert history_of(filled, "model_days", "none").is_empty()
    with pytest.raises(MissingDay):
        history_of(filled, "dataset_days", "none")


def test_history_where_months_lack_traits(filled: Lake) -> None:
    """Those of an earlier version: null there, and in the months after them as they are."""
    expected = pl.DataFrame(
        [
            {"hub_id": row["hub_id"], "day": iso(day), "category": row["category"]}
            for day in DAYS
            for row in rows_of(day)
        ]
    ).sort("hub_id", "day")
    assert expected["category"].null_count() < expected.height
    lacks = {*OF_MODELS.traits_stored, EARLIER_TRAITS}
    columns = {n: one for n, one in OF_MODELS.table.columns.items() if n not in lacks}
    every = filled.months("model_days")
    for months in (every[:1], every):
        for month in months:
            stored = filled.read("model_days", month)
            rows = stored.frame.drop(lacks, strict=False).collect()
            earlier = replace(OF_MODELS.table, columns=columns)
            filled.write(earlier, month, TableWrite([rows], notes=stored.notes))
        filled.join_months("model_days", every, {}, 0)
        has = ~pl.col("day").dt.strftime("%Y-%m").is_in(months)
        wanted = expected.with_columns(pl.when(has).then("category"))
        for hub_id in wanted["hub_id"].unique().head(9):
            found = history_of(filled, "model_days", hub_id, ["category"])
            rows = wanted.filter(pl.col("hub_id") == hub_id)
            assert found.select(rows.columns).equals(rows)


def test_the_groups_of_a_few_months_are_remembered(
    filled: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those asked for last; a month that is written anew is another."""
    monkeypatch.setattr(groups, "_REMEMBERED", 2)
    expected = _expected()
    hub_id = expected["hub_id"][0]
    for _ in range(3):
        found = history_of(filled, "model_days", hub_id)
        assert found.equals(expected.filter(pl.col("hub_id") == hub_id))
        assert [path.name[:7] for path, _ in groups._remembered] == ["2026-01", "2026-02"]
        before = [*groups._remembered]
        refresh(filled, OF_MODELS, full_refresh=True)
        history_of(filled, "model_days", hub_id)
        assert not {*before} & groups._remembered.keys()


def test_a_day_that_is_not_there(filled: Lake, lake: Lake) -> None:
    for day in ("2026-01-29", "2026-01-01", "2026-05-01"):
        assert day_of(filled, "model_days", day) is None
    assert day_of(lake, "space_days", DAYS[0]) is None
    assert days_in(lake, "space_days") == {}


def test_a_model_keeps_its_past_under_one_identity_when_renamed(lake: Lake) -> None:
    days = [f"2026-03-0{day}" for day in range(1, 7)]
    for day, name in zip(days, "aabcca", strict=True):
        write_day(lake, day, [{"hub_id": "1", "id": name}, {"hub_id": None, "id": "old"}])
    judge(lake, days)
    refresh(lake, OF_MODELS)
    assert history_of(lake, "model_days", "1")["id"].to_list() == list("aabcca")
    assert history_of(lake, "model_days", "name:old")["id"].to_list() == ["old"] * 6
    row = lake.read("model_days", None).frame.filter(pl.col("hub_id") == "1").collect()
    assert row["earlier_ids"].to_list() == [
        [{"until": 3, "id": "a"}, {"until": 4, "id": "b"}, {"until": 6, "id": "c"}]
    ]
    at = day_of(lake, "model_days", days[3], ["id"])
    assert at is not None
    assert at.rows() == [("1", "c"), ("name:old", "old")]


def test_growth_of_all_on_both_days(filled: Lake) -> None:
    found = growth(filled, "model_days", "2026-02-03", over=7, floor=5).sort("hub_id")
    now, then = ({row["hub_id"]: row for row in rows_of(day)} for day in ("2026-02-03", DAYS[0]))
    expected = {
        hub_id: (row["downloads"], before)
        for hub_id, row in now.items()
        if row["downloads"] is not None
        and (before := then.get(hub_id, {}).get("downloads") or 0) >= 5
    }
    assert {row[0]: row[2:4] for row in found.iter_rows()} == expected
    assert found["growth"].to_list() == [
        n / b - 1 for n, b in (expected[h] for h in sorted(expected))
    ]
    with pytest.raises(MissingDay, match="model_days has no 2026-01-29"):
        growth(filled, "model_days", "2026-02-05", over=7)


def test_growth_where_many_come_and_go(lake: Lake) -> None:
    days, choice = ("2026-01-20", "2026-02-17"), random.Random(5)
    kept = [[n for n in range(4000) if choice.random() < 0.8] for _ in days]
    listed = [{n: choice.randrange(900) for n in of_day} for of_day in kept]
    for day, downloads in zip(days, listed, strict=True):
        rows = [
            {"hub_id": f"{n:024x}", "id": f"a/{n}", "downloads": count}
            for n, count in downloads.items()
        ]
        write_day(lake, day, rows)
    judge(lake, days)
    refresh(lake, OF_MODELS)
    then, now = listed
    found = growth(lake, "model_days", days[1], over=28)
    assert sorted(found.select("hub_id", "id", "downloads", "before").iter_rows()) == [
        (f"{n:024x}", f"a/{n}", now[n], then[n]) for n in sorted(now) if n in then
    ]


def test_plain_readers_see_the_same(filled: Lake) -> None:
    """DuckDB by the SQL of the docs; polars and pyarrow without us."""
    expected = _expected().filter(pl.col("downloads").is_not_null())
    sql = next(block for block in page("docs/queries.md").blocks("sql") if "model_days" in block)
    one, every = sql.replace("data/demo", str(filled.root)).split(";")[:2]
    found = asked(every)
    sums = expected.group_by("day").agg(pl.len(), pl.col("downloads").sum()).sort("day")
    assert found == sums.rows()
    name = expected.filter(~pl.col("id").str.ends_with("-new"))["id"][0]
    hub_id = expected.filter(pl.col("id") == name)["hub_id"][0]
    # The name of a month is its last.
    by_id = one.replace("id = 'author1/model-01'", f"hub_id = '{hub_id}'")
    days = expected.filter(pl.col("hub_id") == hub_id).select("day", "trusted", "downloads")
    assert [(row[0], *row[2:]) for row in asked(by_id)] == days.rows()
    paths = sorted(filled.root.glob("model_days/month=*/data.parquet"))
    assert len(paths) == 2
    for path in paths:
        rows = pl.read_parquet(path)
        assert rows["first_day"].unique().to_list() == [
            datetime.date.fromisoformat(f"{path.parent.name.removeprefix('month=')}-01")
        ]
        assert pq.ParquetFile(path).read().num_rows == rows.height


def test_one_model_is_read_by_statistics(lake: Lake) -> None:
    """Groups are small, in the order of identities, and say what they hold."""
    size = ROW_GROUP * 9 + 5
    write_day(lake, DAYS[0], [{"hub_id": f"{n:06}", "id": f"m{n}", "downloads": n}
                              for n in reversed(range(size))])  # fmt: skip
    write_day(lake, DAYS[1], [{"hub_id": f"{n:06}", "id": f"m{n}", "downloads": n * 2}
                              for n in range(3, size + 9)])  # fmt: skip
    judge(lake, DAYS[:2])
    refresh(lake, OF_MODELS)
    (file,) = lake.read("model_days", None).month_files
    with file.arrow() as opened:
        metadata = opened.metadata
        every = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
        names = opened.schema_arrow.names
    assert [one.num_rows for one in every] == [ROW_GROUP] * 9 + [14]
    bounds = [one.column(names.index("hub_id")).statistics for one in every]
    assert all(one.max < other.min for one, other in itertools.pairwise(bounds))
    found = history_of(lake, "model_days", f"{ROW_GROUP * 8:06}")
    assert found["downloads"].to_list() == [ROW_GROUP * 8, ROW_GROUP * 16]
    rows = day_of(lake, "model_days", DAYS[1])
    assert rows is not None
    assert rows.height == size + 6


@pytest.mark.parametrize(("large", "number"), [(10**9, 3), (3 * ROW_GROUP, 2)])
def test_large_months_have_larger_row_groups(
    lake: Lake, large: int, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From their second day on; the first and the last of each part that is decoded are there."""
    monkeypatch.setattr(building, "LARGE", large)
    size, days = 3 * ROW_GROUP, DAYS[:2]
    for at, day in enumerate(days, 1):
        rows = pl.DataFrame({"n": range(size)}).select(
            pl.lit(iso(day)).alias("day"),
            (2 * pl.col("n")).cast(pl.String).str.zfill(6).alias("hub_id"),
            pl.format("m{}", "n").alias("id"),
            (at * pl.col("n")).alias("downloads"),
        )
        schema = OF_MODELS.source.schema
        others = [pl.lit(None, schema[name]).alias(name) for name in schema if name not in rows]
        content = rows.with_columns(others).select(schema.names())
        lake.write(OF_MODELS.source, day, TableWrite([content]))
        judge(lake, days[:at])
        refresh(lake, OF_MODELS)
    (file,) = lake.read("model_days", None).month_files
    assert file.arrow().num_row_groups == number
    for row in (0, 2047, 2048, ROW_GROUP - 1, ROW_GROUP, 2 * ROW_GROUP, size - 1):
        found = history_of(lake, "model_days", f"{2 * row:06}")
        assert found["downloads"].to_list() == [row, 2 * row]
        assert history_of(lake, "model_days", f"{2 * row + 1:06}").is_empty()


def test_repositories_that_are_gone_for_good_stay_apart(lake: Lake) -> None:
    """Most of a day are those of the day before; few left long ago, and one of these is back."""
    every = [f"{n:02}" for n in range(90)]
    left, new = ["07", "20", "41"], ["90"]
    gone = [[], left[:1], left[:2], left, left, left[1:]]
    listed = {
        f"2026-03-0{at}": [one for one in every + new * (at > 4) if one not in away]
        for at, away in enumerate(gone, 1)
    }
    for at, (day, ids) in enumerate(listed.items()):
        rows = [{"hub_id": one, "id": f"m/{one}", "downloads": int(one) * at} for one in ids]
        write_day(lake, day, rows)
        judge(lake, [*listed][: at + 1])
        refresh(lake, OF_MODELS)
    for at, (day, ids) in enumerate(listed.items()):
        found = day_of(lake, "model_days", day, ["id", "downloads"])
        assert found is not None
        assert found.rows() == [(one, f"m/{one}", int(one) * at) for one in ids]
