"""A corpus that grows: rows keep their splits, copies and torn corpora are told."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from hf_assets.corpora import building
from hf_assets.corpora.building import build
from hf_assets.corpora.corpus import CorpusError
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.corpora.tables.table_source import read_table
from hf_assets_tests.corpora.conftest import LABELS, Build, Rows, make_rows
from hf_assets_tests.support.corpora.built import sides_of


def test_a_bridge_between_sides_is_counted(built: Build) -> None:
    first = built(make_rows(200))
    frame = first.frame
    train = frame.filter(pl.col("split") == "train")["text"][0].split("\n\n")[1]
    test = frame.filter(pl.col("split") == "test")["text"][0].split("\n\n")[1]
    assert train != test
    rows = make_rows(200)
    # The text of a training row becomes that of a test row: one of them has to go.
    edited = [{**row, "body": train if test in row["body"] else row["body"],
               "title": "Same" if test in row["body"] or train in row["body"] else row["title"]}
              for row in rows]  # fmt: skip
    second = built(edited, before=first)
    assert second.facts.lost == {building.STRADDLES: 1}
    sides = dict(frame.select("id", "split").iter_rows())
    assert all(
        sides[name] == split for name, split in second.frame.select("id", "split").iter_rows()
    )


def test_the_newest_copy_of_an_id_holds(built: Build, tmp_path: Path) -> None:
    old, new = make_rows(100), make_rows(100)[:10]
    for row in new:
        row["title"] = "Newer " + row["title"]
    corpus = built(old, new)
    assert corpus.facts.rows == 100
    assert corpus.facts.lost == {building.OLDER: 10}
    newer = corpus.frame.filter(pl.col("text").str.starts_with("Newer"))
    assert set(newer["id"]) == {row["id"] for row in new}


def test_a_corpus_grows_without_moving(built: Build) -> None:
    rows = make_rows(150)
    draw = random.Random(1)
    for number in range(60):  # copies, word for word or nearly, of earlier and later rows
        source = draw.choice(rows[:150])
        words = source["body"].split(" ")
        words[draw.randrange(1, len(words) - 1)] = "changed"
        body = draw.choice([source["body"], " ".join(words)])
        rows.append({**source, "id": f"copy:{number}", "body": body})
    draw.shuffle(rows)
    before, known = None, {}
    for count in (80, 120, 121, 210):
        before = built(rows[:count], before=before)
        now = sides_of(before)
        assert known.items() <= now.items()
        groups = before.frame.group_by("group").agg(pl.col("split").n_unique())
        assert groups["split"].max() == 1
        known = now
    assert before is not None
    assert before.facts.rows_in_duplicate_groups > 60


def test_a_group_is_named_after_the_text_first_published(built: Build) -> None:
    rows = make_rows(100)
    for number, year in ((3, 2012), (5, 2011), (4, None)):
        when = year and datetime(year, 1, 1, tzinfo=UTC)
        rows[number] |= {"title": "The same", "body": rows[3]["body"], "created_at": when}
    frame = built(rows).frame
    group = frame.filter(pl.col("group").is_duplicated())
    assert set(group["id"]) == {"toys:0-3", "toys:0-4", "toys:0-5"}
    assert set(group["group"]) == {"toys:0-5"}


def test_rows_of_a_table_stay_on_their_sides_whatever_is_put_between(tmp_path: Path) -> None:
    draw = random.Random(2)
    rows = [{**row, "title": row["title"], "tags": row["labels"]} for row in make_rows(200)]
    rows += [{**one, "title": f"{one['title']} again"} for one in rows[:20]]  # nearly the same
    rows += rows[20:30]  # the very same
    spec = CorpusSpec(name="toys", source=tmp_path / "toys.jsonl", rare_share=0.01, labels="tags")
    assert spec.file

    def made(name: str, there: Rows, before: Path | None) -> Path:
        assert spec.file
        lines = [json.dumps({key: row[key] for key in ("title", "body", "tags")}) for row in there]
        spec.file.write_text("\n".join(lines))
        folder = tmp_path / name
        folder.mkdir()
        build(spec, [read_table(spec)], folder, before)
        return folder

    def sides(folder: Path) -> dict[str, tuple[str, str]]:
        found = pl.read_parquet(folder / "corpus.parquet").sort("id")
        groups = found.group_by("group").agg(pl.col("split").n_unique())
        assert groups["split"].max() == 1
        return {name: (text, split) for name, text, split in
                found.select("id", "text", "split").iter_rows()}  # fmt: skip

    first = made("first", rows, None)
    new = [{**row, "tags": row["labels"]} for row in make_rows(50, seed=9)]
    near = [{**one, "title": f"{one['title']} once more"} for one in rows[:40]]
    grown = [*new, *rows[5:], *near]
    draw.shuffle(grown)
    second = made("second", grown, first)
    was, now = sides(first), sides(second)
    assert len(was) == 230
    for name, at in was.items():
        assert now.get(name, at) == at
    assert len(was.keys() - now.keys()) == 5
    third = made("third", [*grown, *rows[:5]], second)
    assert was.items() <= sides(third).items()


def test_rows_whose_label_was_rare_for_a_while_come_back_to_their_side(built: Build) -> None:
    """The rarest share grows with the corpus, and takes rows out that were in it."""
    rows = make_rows(150)
    rare = [{**row, "id": f"rare:{n}", "title": f"Rare {n}", "labels": ["rare"]}
            for n, row in enumerate(make_rows(12, seed=5))]  # fmt: skip
    first = built([*rows, *rare], rare_share=0.02)
    was = {name: at for name, at in sides_of(first).items() if name.startswith("rare:")}
    assert set(was.values()) >= {"train", "test"}
    assert len(was) == 12
    away = built([*rows, *make_rows(600, seed=6), *rare], before=first, rare_share=0.02)
    assert not [name for name in sides_of(away) if name.startswith("rare:")]
    # What comes now is older, and would found the groups anew: each on a side of its own.
    old = datetime(2001, 1, 1, tzinfo=UTC)
    copies = [{**row, "id": f"old:{at}:{row['id']}", "created_at": old}
              for row in rare for at in range(3)]  # fmt: skip
    back = built([*rows, *rare, *copies], before=away, rare_share=0.02)
    now = sides_of(back)
    assert {name: now.get(name) for name in was} == was
    assert all(now[f"old:{at}:{name}"] == was[name] for name in was for at in range(3))


def test_an_earlier_corpus_that_is_torn_is_not_forgotten_silently(built: Build) -> None:
    first = built(make_rows(100))
    assert built(make_rows(100), before=first).facts.labels_before == list(LABELS)
    assert first.facts.labels_before is None
    path = first.folder / "corpus.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CorpusError, match=f"remove {first.folder} first"):
        built(make_rows(100), before=first)
    path.unlink()
    assert built(make_rows(100), before=first).facts.labels_before is None
