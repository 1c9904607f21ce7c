"""A generated Hub: the same facts however it is asked, and a Hub that moves on."""

import datetime as dt
import itertools
from collections import Counter
from typing import Any

import msgspec
import pytest
from huggingface_hub.utils import validate_repo_id
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.source import EXPAND, Keyset, Kind, Where
from hf_assets.demo.world.vocabulary import DATASETS, FAMOUS

DAY = dt.date(2026, 11, 20)


def listed(hub: GeneratedHub, kind: Kind = "models", sort: str = "createdAt") -> list[Any]:
    listing = hub.listing(kind, sort, Where())
    fields = frozenset(("_id", "id", *EXPAND[kind]))
    return [msgspec.json.decode(row) for row in listing.page(0, listing.total, fields)[0]]


@pytest.mark.parametrize("kind", ["models", "spaces", "datasets"])
@pytest.mark.parametrize("size", [0, 1, 2, 10, 999, 5000])
def test_sizes_are_exact(kind: Kind, size: int) -> None:
    hub = GeneratedHub(size, size, datasets=size, day=DAY)
    assert hub.total(kind) == len(listed(hub, kind)) == size


def test_sizes_are_exact_on_any_day() -> None:
    for day in (dt.date(2022, 3, 5), dt.date(2023, 1, 1), dt.date(2030, 6, 1)):
        assert GeneratedHub(700, 300, day=day).total("models") == 700


def test_a_day_before_the_records_is_refused() -> None:
    with pytest.raises(ValueError, match="2022-03-02"):
        GeneratedHub(10, 10, day=dt.date(2022, 3, 2))


def test_days_are_the_same_in_whichever_order() -> None:
    days = [DAY + dt.timedelta(days=n) for n in (0, 40, -40, 3)]
    forth, back = (GeneratedHub(800, 400, seed=5, day=DAY) for _ in range(2))
    seen = {}
    for day in days:
        forth.day = day
        seen[day] = (listed(forth), listed(forth, "spaces", "likes"))
    for day in reversed(days):
        back.day = day
        assert (listed(back), listed(back, "spaces", "likes")) == seen[day]
    other = GeneratedHub(800, 400, seed=5, day=days[1], sized_on=DAY)
    assert listed(other) == seen[days[1]][0]


@pytest.mark.parametrize("kind", ["models", "spaces", "datasets"])
def test_a_row_is_the_same_on_whatever_page(kind: Kind) -> None:
    hub, fields = GeneratedHub(900, 600, seed=5, day=DAY), frozenset(("_id", *EXPAND[kind]))
    listing = hub.listing(kind, "createdAt", Where())
    whole = listing.page(0, listing.total, fields)[0]
    pieces = [row for at in range(0, listing.total, 7) for row in listing.page(at, 7, fields)[0]]
    assert pieces == whole


def test_another_seed_is_another_hub() -> None:
    one, two = (listed(GeneratedHub(300, 0, seed=seed, day=DAY)) for seed in (1, 2))
    shared = {row["id"] for row in one} & {row["id"] for row in two}
    assert shared <= {famous[0] for famous in FAMOUS}


@pytest.mark.heavy
def test_the_hub_moves_on() -> None:
    hub = GeneratedHub(20_000, 100, day=DAY)
    before = {row["_id"]: row for row in listed(hub)}
    hub.day = DAY + dt.timedelta(days=1)
    after = {row["_id"]: row for row in listed(hub)}
    born, gone = after.keys() - before.keys(), before.keys() - after.keys()
    assert 20 <= len(born) <= 40
    assert 1 <= len(gone) <= 10
    assert all(after[x]["createdAt"] > row["createdAt"] for x in born for row in before.values())
    both = before.keys() & after.keys()
    renamed = [x for x in both if before[x]["id"] != after[x]["id"]]
    assert len(renamed) <= 8
    assert all(before[x]["createdAt"] == after[x]["createdAt"] for x in both)
    assert all(before[x]["downloadsAllTime"] <= after[x]["downloadsAllTime"] for x in both)
    counted = ("downloads", "likes", "trendingScore")
    churned = sum(any(before[x][f] != after[x][f] for f in counted) for x in both) / len(both)
    assert 0.15 < churned < 0.35
    moved = sum(before[x]["lastModified"] != after[x]["lastModified"] for x in both)
    assert 10 < moved < 1000


def test_datasets_move_on() -> None:
    hub = GeneratedHub(600, 0, datasets=6_000, seed=2, day=DAY)
    before = {row["_id"]: row for row in listed(hub, "datasets")}
    hub.day = DAY + dt.timedelta(days=60)
    after = {row["_id"]: row for row in listed(hub, "datasets")}
    both = before.keys() & after.keys()
    assert 300 < len(after.keys() - before.keys()) < 800
    assert 20 < len(before.keys() - after.keys()) < 200
    renamed = [x for x in both if before[x]["id"] != after[x]["id"]]
    assert renamed
    for x in renamed:
        for name in (before[x]["id"], after[x]["id"]):
            row = hub.row("datasets", name, frozenset(("_id",)))
            assert row is not None
            assert msgspec.json.decode(row) == {"_id": x}
    assert all(before[x]["downloadsAllTime"] <= after[x]["downloadsAllTime"] for x in both)
    assert any(before[x]["downloads"] > after[x]["downloads"] for x in both)


def test_an_older_day_has_fewer() -> None:
    hub = GeneratedHub(20_000, 8_000, day=DAY)
    totals = []
    for days in (0, 30, 365, 1000):
        hub.day = DAY - dt.timedelta(days=days)
        totals.append((hub.total("models"), hub.total("spaces")))
    assert totals == sorted(totals, reverse=True)
    assert 0.9 < totals[1][0] / 20_000 < 0.98


def test_a_renamed_model_is_found_by_both_names() -> None:
    hub = GeneratedHub(3000, 10, day=DAY)
    before = {row["_id"]: row["id"] for row in listed(hub)}
    hub.day = DAY + dt.timedelta(days=30)
    after = {row["_id"]: row["id"] for row in listed(hub)}
    renamed = [x for x in before.keys() & after.keys() if before[x] != after[x]]
    assert renamed
    fields = frozenset(("_id", "id"))
    for x in renamed:
        for name in (before[x], after[x]):
            row = hub.row("models", name, fields)
            assert row is not None
            assert msgspec.json.decode(row) == {"_id": x, "id": after[x]}
    deleted = [x for x in before if x not in after]
    assert deleted
    assert all(hub.row("models", before[x], fields) is None for x in deleted)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["models", "spaces", "datasets"])
def test_every_row_is_found_by_its_name(kind: Kind) -> None:
    hub = GeneratedHub(1500, 700, seed=9, day=DAY)
    for row in listed(hub, kind):
        found = hub.row(kind, row["id"], frozenset(("_id",)))
        assert found is not None
        assert msgspec.json.decode(found) == {"_id": row["_id"]}


def test_models_look_like_the_hubs() -> None:
    rows = listed(GeneratedHub(20_000, 0, day=DAY))
    n = len(rows)
    share = {key: sum(key in row for row in rows) / n for key in
             ("pipeline_tag", "safetensors", "gguf", "baseModels")}  # fmt: skip
    assert 0.55 < share["pipeline_tag"] < 0.65
    assert 0.50 < share["safetensors"] < 0.60
    assert 0.04 < share["gguf"] < 0.12
    assert 0.25 < share["baseModels"] < 0.45
    assert 0.40 < sum(row["downloads"] == 0 for row in rows) / n < 0.50
    assert all(0 <= row["downloads"] <= row["downloadsAllTime"] for row in rows)
    floor = sum(row["createdAt"].startswith("2022-03-02T23:29:0") for row in rows) / n
    assert 0.02 < floor < 0.04
    assert {row["gated"] for row in rows} == {False, "auto", "manual"}
    assert any(isinstance(row["trendingScore"], float) for row in rows)
    authors = Counter(row["author"] for row in rows)
    assert 0.2 < len(authors) / n < 0.35
    assert 0.55 < sum(count == 1 for count in authors.values()) / len(authors) < 0.75
    assert 40 < len({row.get("pipeline_tag") for row in rows}) <= 49
    for row in rows:
        validate_repo_id(row["id"])
        assert row["id"].split("/")[0] == row["author"]
        assert int(row["_id"][:8], 16) == dt.datetime.fromisoformat(row["createdAt"]).timestamp()
        assert row["lastModified"] >= row["createdAt"]
        if "safetensors" in row:
            parameters = row["safetensors"]["parameters"]
            assert sum(parameters.values()) == row["safetensors"]["total"]


def test_datasets_look_like_the_hubs() -> None:
    hub = GeneratedHub(20_000, 100, day=DAY)
    rows, authors = listed(hub, "datasets"), {row["author"] for row in listed(hub)}
    n = len(rows)
    assert n == 6666
    prefixes = Counter(
        prefix for row in rows for prefix in {tag.partition(":")[0] for tag in row["tags"]}
    )
    named = ("task_categories", "language", "size_categories", "modality", "format", "license")
    assert all(0.3 < prefixes[prefix] / n < 0.8 for prefix in named)
    assert 0.01 < prefixes["arxiv"] / n < 0.2
    assert prefixes["region"] == n
    assert {row["gated"] for row in rows} == {False, "auto", "manual"}
    assert {row["disabled"] for row in rows} == {False, True}
    assert all(0 < row["mainSize"] <= row["usedStorage"] for row in rows)
    assert all(0 <= row["downloads"] <= row["downloadsAllTime"] for row in rows)
    assert 0.6 < sum(row.get("author") in authors for row in rows) / n < 0.8
    bare = {row["id"] for row in rows if "author" not in row}
    assert "squad" in bare
    for row in rows:
        validate_repo_id(row["id"])
        assert row["id"] in bare or row["id"].split("/")[0] == row["author"]
        assert row["lastModified"] >= row["createdAt"]


def test_models_and_spaces_name_datasets_that_are_there_but_for_some() -> None:
    hub = GeneratedHub(20_000, 8_000, day=DAY)
    there = {row["id"] for row in listed(hub, "datasets")}
    tags = [tag.removeprefix("dataset:") for row in listed(hub) for tag in row["tags"]
            if tag.startswith("dataset:")]  # fmt: skip
    used = [name for row in listed(hub, "spaces") for name in row.get("datasets", ())]
    for named in (tags, used):
        assert 0.8 < sum(name in there for name in named) / len(named) < 0.95
        for name in named:
            validate_repo_id(name)
    most = max(Counter(tag for tag in row["tags"] if tag.startswith("dataset:")).total()
               for row in listed(hub))  # fmt: skip
    assert 2 <= most <= 4
    without = listed(GeneratedHub(2_000, 0, datasets=0, day=DAY))
    assert {tag[8:] for row in without for tag in row["tags"] if tag.startswith("dataset:")} <= set(
        DATASETS
    )


def test_spaces_name_models_that_are_there_but_for_a_few() -> None:
    hub = GeneratedHub(20_000, 8_000, day=DAY)
    models = {row["id"] for row in listed(hub)}
    spaces = listed(hub, "spaces")
    named = [name for row in spaces for name in row.get("models", ())]
    assert 0.2 < sum("models" in row for row in spaces) / len(spaces) < 0.3
    assert 0.005 < sum(name not in models for name in named) / len(named) < 0.05
    assert Counter(named).most_common(1)[0][1] > 100
    for name in (*named, *(row["id"] for row in spaces)):
        validate_repo_id(name)
    assert {row.get("sdk") for row in spaces} == {"gradio", "docker", "static", "streamlit", None}
    assert "RUNTIME_ERROR" in {row["runtime"]["stage"] for row in spaces}


@pytest.mark.heavy
def test_two_and_a_half_million_are_cheap() -> None:
    hub = GeneratedHub(2_500_000, 0, day=DAY)
    assert hub.total("models") == 2_500_000
    listing = hub.listing("models", "createdAt", Where())
    rows, last = listing.page(2_499_000, 1000, frozenset(("_id", "id")))
    assert len(rows) == 1000
    assert last is not None
    assert listing.locate(last) == 2_500_000


@settings(max_examples=60, deadline=None)
@given(
    sort=st.sampled_from(["createdAt", "downloads", "likes", "lastModified", "trendingScore"]),
    position=st.integers(0, 999),
    limit=st.integers(1, 300),
)
def test_a_page_ends_where_the_next_begins(sort: str, position: int, limit: int) -> None:
    listing = _SMALL.listing("models", sort, Where())
    rows, last = listing.page(position, limit, frozenset(("_id",)))
    assert listing.locate(last) == position + len(rows)


def test_a_keyset_of_a_row_that_is_gone_still_has_its_place() -> None:
    listing = _SMALL.listing("models", "createdAt", Where())
    _, last = listing.page(499, 1, frozenset(("_id",)))
    assert last is not None
    for machine, position in (("0000000000", 499), ("ffffffffff", 500)):
        gone = Keyset(last.value, last.hub_id[:8] + machine + "000000")
        assert listing.locate(gone) == position


_SMALL = GeneratedHub(1000, 0, day=DAY)


def downloads(hub: GeneratedHub, day: dt.date) -> dict[str, tuple[int, int]]:
    """Of the last 30 days and of all time, by `_id`."""
    hub.day = day
    listing = hub.listing("models", "createdAt", Where())
    fields = frozenset(("_id", "downloads", "downloadsAllTime"))
    rows = [msgspec.json.decode(row) for row in listing.page(0, listing.total, fields)[0]]
    return {row["_id"]: (row["downloads"], row["downloadsAllTime"]) for row in rows}


@pytest.fixture(scope="module")
def past() -> list[dict[str, tuple[int, int]]]:
    """Sixty days, the newest last."""
    hub = GeneratedHub(8_000, 0, day=DAY)
    return [downloads(hub, DAY - dt.timedelta(days=back)) for back in range(60, -1, -1)]


@pytest.mark.heavy
def test_downloads_are_what_the_counter_of_all_time_has_risen_by(past: list[Any]) -> None:
    for before, after in itertools.pairwise(past):
        assert all(before[x][1] <= after[x][1] for x in before.keys() & after.keys())
    for before, after in zip(past, past[30:], strict=False):
        for x in before.keys() & after.keys():
            assert after[x][1] - before[x][1] == after[x][0]


@pytest.mark.heavy
def test_models_rise_and_fall_and_new_ones_shoot_up(past: list[Any]) -> None:
    best = [sorted(day, key=lambda x: -day[x][0])[:20] for day in past]
    assert 8 <= len(set(best[0]) & set(best[-1])) < 20
    assert any(x not in past[0] for x in best[-1])
    change = [past[-1][x][0] / past[0][x][0] for x in best[0] if x in past[-1]]
    assert min(change) < 0.8
    assert max(change) > 1.2
    totals = [sum(counts[0] for counts in day.values()) for day in past]
    assert all(0.9 < b / a < 1.1 for a, b in itertools.pairwise(totals))
    assert len({len(day) for day in past}) == len(past)


def test_shares_drift_with_the_day_of_birth() -> None:
    rows = listed(GeneratedHub(20_000, 0, day=DAY))
    old, new = rows[-5000:], rows[:5000]
    if old[0]["createdAt"] > new[0]["createdAt"]:
        old, new = new, old
    for field, rising, falling in (
        ("pipeline_tag", "robotics", "text2text-generation"),
        ("library_name", "lerobot", "stable-baselines3"),
    ):
        early, late = (Counter(row.get(field) for row in part) for part in (old, new))
        assert late[rising] > 2 * early[rising]
        assert early[falling] > 2 * late[falling]


def test_spaces_take_models_up_and_leave_them() -> None:
    hub = GeneratedHub(20_000, 8_000, day=DAY - dt.timedelta(days=60))
    before = {row["_id"]: row.get("models", []) for row in listed(hub, "spaces")}
    hub.day = DAY
    after = {row["_id"]: row.get("models", []) for row in listed(hub, "spaces")}
    both = before.keys() & after.keys()
    more = sum(len(set(after[x]) - set(before[x])) for x in both)
    fewer = sum(len(set(before[x]) - set(after[x])) for x in both)
    assert 10 < fewer < more < 500
    # What they name besides stays: nothing changes its name for having grown older.
    assert sum(before[x] != after[x] for x in both) < 0.1 * len(both)
