"""From texts to a corpus on disk: every row is there or counted, and nothing moves."""

import dataclasses
import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest
from PIL import Image

from hf_assets.corpora import building, quality
from hf_assets.corpora.building import CorpusTooSmall, WrongSite, build
from hf_assets.corpora.corpus import Corpus, CorpusError, is_generated, open_corpus
from hf_assets.corpora.facts import summaries
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.corpora.schemas import CORPUS_COLUMNS, texts_frame, texts_table
from hf_assets.corpora.tables.table_source import read_table
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets_tests.corpora.conftest import LABELS, Build, Rows, make_rows

HOSTILE = ("../x", "a, b", 'say "hi"', "\N{GRINNING FACE}", "L" * 300, "<script>", "$x^2$", "null",
           "|", "{{ x }}", "\\", "\N{CJK UNIFIED IDEOGRAPH-65E5}")  # fmt: skip


def sides_of(corpus: Corpus) -> dict[str, str]:
    return dict(corpus.frame.select("id", "split").iter_rows())


def test_what_a_corpus_is_made_of(built: Build) -> None:
    told: list[str] = []
    corpus = built(make_rows(300), told=told)
    assert {path.name for path in corpus.folder.iterdir()} == {
        "corpus.parquet", "labels.json", "facts.json", "label_frequencies.png",
        "label_frequencies.svg",
    }  # fmt: skip
    frame = corpus.frame
    assert frame.schema == {name: about.dtype for name, about in CORPUS_COLUMNS.items()}
    assert frame["id"].is_sorted()
    assert corpus.labels == LABELS
    rows = {row["id"]: row for row in make_rows(300)}
    for row in frame.iter_rows(named=True):
        given = rows[row["id"]]
        assert row["text"] == f"{given['title']}\n\n{given['body'][3:-4]}"
        assert row["labels"] == sorted(given["labels"])
        assert row["license"] == "CC BY-SA 4.0"
    with Image.open(corpus.folder / "label_frequencies.png") as image:
        assert image.width == 1800
    assert told == ["300 of 300 rows and 4 of 4 labels kept"]


def test_the_facts_are_those_of_the_rows(built: Build) -> None:
    corpus = built(make_rows(300))
    facts, frame = corpus.facts, corpus.frame
    counts = frame["labels"].explode().value_counts()
    train = frame.filter(pl.col("split") == "train")
    assert facts.rows == facts.rows_in == 300
    assert facts.splits == dict(frame["split"].value_counts().iter_rows())
    assert facts.labels_per_row == pytest.approx(frame["labels"].list.len().mean(), abs=0.001)
    assert {one.label: one.rows for one in facts.commonest} == dict(counts.iter_rows())
    assert sum(one.train for one in facts.commonest) == train["labels"].list.len().sum()
    assert [one.rows for one in facts.commonest] == sorted(counts["count"], reverse=True)
    assert facts.length.words == dict.fromkeys(("p5", "p25", "p50", "p75", "p95", "p99"), 27)
    assert facts.licences == {"CC BY-SA 4.0": 300}
    assert "CC BY-SA 4.0 (300 rows)" in facts.attribution
    assert facts.labels_without_test_row == []
    assert facts.least_rows == 2
    stored = json.loads((corpus.folder / "facts.json").read_text("utf-8"))
    assert stored == msgspec.to_builtins(facts)
    # Keys of files are those of earlier versions.
    assert stored.keys() >= {
        "rows in", "labels a row", "labels given", "labels before", "least rows of a label",
        "rows in duplicate groups", "labels without a test row", "texts with tags",
        "published rows straddling", "rare share",
    }  # fmt: skip


def spoiled() -> Rows:
    """Two hundred good rows, and some for each reason to be left out."""
    rows = make_rows(200)
    rows += [{**row, "id": None if n else ""} for n, row in enumerate(make_rows(3, seed=1))]
    rows += [{**rows[n], "title": "An older copy"} for n in range(4)][::-1]
    empty = ["", None, "<p> </p>", "<pre>code</pre>", "<!-- x -->"]
    silent = zip(make_rows(5, 2), empty, strict=True)
    rows += [{**row, "title": " ", "body": body} for row, body in silent]
    none = [[], None, [" "], [None, ""], ["\n"], []]
    rows += [{**row, "labels": labels} for row, labels in zip(make_rows(6, 3), none, strict=True)]
    rows += [{**row, "body": "<p>Add a plot in your language.</p>"} for row in make_rows(7, 4)]
    rows += [{**row, "labels": [f"rare {n}"]} for n, row in enumerate(make_rows(8, 5))]
    return rows


BODIES = {
    "html": ("<p>a &amp; b</p><pre>c</pre>", "a & b"),
    "markdown": ("a <b>b</b>, List<I> &amp; `<c>x</c>`", "a b, List<I> & `<c>x</c>`"),
    "text": ("a <b>b</b> &amp; List<I>", "a <b>b</b> &amp; List<I>"),
}


@pytest.mark.parametrize("text_format", BODIES)
def test_markup_is_what_the_entry_declares(built: Build, tmp_path: Path, text_format: str) -> None:
    body, expected = BODIES[text_format]
    rows = [{**row, "body": f"{row['id']} {body}"} for row in make_rows(100)]
    corpus = built(rows, source=tmp_path / "x.csv", format=text_format)
    assert {text.rpartition(f"{name} ")[2] for name, text in
            corpus.frame.select("id", "text").iter_rows()} == {expected}  # fmt: skip
    assert corpus.facts.formats == {text_format: 100}
    assert corpus.facts.texts_with_tags == (100 if text_format == "text" else 0)
    verdict = quality.text_format_fits(corpus)
    assert (verdict.passed, verdict.severity == "WARN") == (
        text_format != "text",
        text_format == "text",
    )


def test_of_source_assets_kaggles_texts_are_markdown_and_questions_html(built: Build) -> None:
    rows = make_rows(100)
    for number, row in enumerate(rows):
        source = "kaggle" if number % 2 else "stackexchange:ai"
        row["id"] = f"{source}:{number}"
        row["body"] += " List<I> &amp; <b>x</b>"
    corpus = built(rows, source=("question_dump", "dataset_dump"), site="ai")
    assert corpus.facts.formats == {"html": 50, "markdown": 50}
    ends = {"kaggle": "List<I> & x", "stackexchange": "List & x"}
    for name, text in corpus.frame.select("id", "text").iter_rows():
        assert text.endswith(ends[name.partition(":")[0]])
        assert "<b>" not in text
        assert "<p>" not in text


def test_every_row_is_kept_or_counted_under_a_reason(built: Build) -> None:
    told: list[str] = []
    corpus = built(spoiled(), told=told)
    assert corpus.facts.lost == {
        building.NO_ID: 3,
        building.OLDER: 4,
        building.NO_TEXT: 5,
        building.NO_LABEL: 6,
        building.PLACEHOLDER: 7,
        building.ONLY_RARE: 8,
    }
    assert corpus.facts.rows_in == corpus.frame.height + sum(corpus.facts.lost.values())
    assert corpus.facts.rows == 200
    assert "7 of 233 rows left out: placeholder text" in told


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


def test_the_same_texts_give_the_same_bytes(built: Build) -> None:
    rows = make_rows(120)
    one, other = built(rows), built(random.Random(3).sample(rows, len(rows)))
    for name in ("corpus.parquet", "labels.json", "facts.json", "label_frequencies.png"):
        assert (one.folder / name).read_bytes() == (other.folder / name).read_bytes()


def test_hostile_labels_survive_every_file(built: Build) -> None:
    rows = make_rows(400)
    for number, row in enumerate(rows):
        row["labels"] = [HOSTILE[number % len(HOSTILE)], "both\nlines"]
    corpus = built(rows)
    assert set(corpus.labels) == {*HOSTILE, "both lines"}
    assert corpus.labels == tuple(sorted(corpus.labels))
    given = {row["id"]: sorted([row["labels"][0], "both lines"]) for row in rows}
    assert dict(corpus.frame.select("id", "labels").iter_rows()) == given
    split = corpus.split("train")
    for name, row in zip(split.ids, split.targets, strict=True):
        assert [label for label, one in zip(corpus.labels, row, strict=True) if one] == given[name]
    assert b"<script>" not in (corpus.folder / "label_frequencies.svg").read_bytes()


def test_code_is_kept_or_dropped(built: Build) -> None:
    rows = make_rows(100)
    for row in rows:
        row["body"] += "<pre>block()</pre>"
    assert not built(rows).frame["text"].str.contains("block()", literal=True).any()
    kept = built(rows, code="keep")
    assert kept.frame["text"].str.ends_with("block()").all()
    assert kept.facts.code == "keep"


def test_rare_labels_are_those_of_training(built: Build) -> None:
    rows = make_rows(200)
    first = built(rows)
    test = set(first.frame.filter(pl.col("split") == "test")["id"])
    train = set(first.frame.filter(pl.col("split") == "train")["id"])
    for row in rows:
        row["labels"] = [*row["labels"], "in test alone" if row["id"] in test else "other"]
    for row in [row for row in rows if row["id"] in train][:2]:
        row["labels"].append("twice in train")
    corpus = built(rows)
    assert set(corpus.labels) == {*LABELS, "other", "twice in train"}
    assert "twice in train" in corpus.facts.labels_without_test_row


def test_published_sides_are_kept(built: Build) -> None:
    rows = make_rows(200)
    for number, row in enumerate(rows):
        row["split"] = "test" if number < 50 else "train"
    rows.append({**rows[60], "id": "copy", "split": "test"})
    corpus = built(rows)
    sides = sides_of(corpus)
    assert {sides[row["id"]] for row in rows[:50]} == {"test"}
    assert {sides[row["id"]] for row in rows[50:200]} == {"train", "validation"}
    assert sides["copy"] == "test"
    assert corpus.facts.published_rows_straddling == 1


def test_sources_of_the_lake_and_what_they_say(lake: Lake, tmp_path: Path) -> None:
    table = texts_table("question_dump")
    about = {"question_dump": {"file": "Posts.xml", "generated": True}}
    stored = lake.write(table, None, TableWrite([texts_frame(make_rows(120))], provenance=about))
    days = [
        lake.write(texts_table("new_questions"), day, TableWrite([texts_frame(make_rows(5, seed))],
                   provenance={"new_questions": {"day": day}}))
        for seed, day in ((7, "2026-11-19"), (8, "2026-11-20"))
    ]  # fmt: skip
    spec = CorpusSpec(name="x", source=("question_dump", "new_questions"), rare_share=0.01)
    folder = tmp_path / "corpus"
    folder.mkdir()
    facts = build(spec, [stored, *days], folder)
    assert facts.rows == 130
    two = {"first day": "2026-11-19", "last day": "2026-11-20", "days": 2, "rows": 10}
    assert facts.sources == {
        "question_dump": [{"file": "Posts.xml", "generated": True, "rows": 120}],
        "new_questions": [two],
    }
    assert open_corpus(folder).frame.height == 130


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "there are no texts; materialise its sources first: question_dump"),
        (make_rows(3), "of 3 rows of question_dump 3 remain"),
        (make_rows(3), "Each split needs rows"),
        ([{**row, "labels": ["one"]} for row in make_rows(100)], "1 of 1 labels remain"),
        ([{**row, "labels": [row["id"]]} for row in make_rows(100)], "0 of 100 labels remain"),
        ([{**row, "body": "", "title": ""} for row in make_rows(9)], "9 lost: no text"),
    ],
)
def test_a_corpus_too_small_says_so(built: Build, rows: Rows, said: str) -> None:
    with pytest.raises(CorpusTooSmall) as failed:
        built(rows)
    assert said in str(failed.value)
    assert str(failed.value).startswith("toys: ")
    assert failed.value.permanent


def test_a_table_too_small_is_named(built: Build, tmp_path: Path) -> None:
    table = tmp_path / "birds.csv"
    with pytest.raises(CorpusTooSmall, match=f"toys: {table} has no rows; name a table"):
        built([], source=table)
    with pytest.raises(CorpusTooSmall, match=f"of 3 rows of {table} 3 remain"):
        built(make_rows(3), source=table)


def of_site(site: str, count: int, seed: int) -> Rows:
    rows = make_rows(count, seed)
    return [{**row, "id": f"stackexchange:{site}:{n}"} for n, row in enumerate(rows)]


def test_questions_are_of_one_site(built: Build) -> None:
    rows = [of_site("ai", 100, 1), of_site("ai.meta", 90, 2), make_rows(80)]
    corpus = built(*rows, site="ai.stackexchange.com")
    # Numbers are the same on both sites: none of them takes another's place.
    assert corpus.facts.lost == {building.OTHER_SITE: 90}
    assert corpus.facts.site == "ai"
    kept = corpus.frame.filter(pl.col("id").str.starts_with("stackexchange:"))
    texts = {f"{row['title']}\n\n{row['body'][3:-4]}" for row in rows[0]}
    assert set(kept["text"]) == texts
    assert corpus.frame.height == 180
    other = built(*rows, site="meta.ai")
    assert other.facts.lost == {building.OTHER_SITE: 100}
    # Without a word about it, all are taken.
    assert built(*rows).facts.rows == 270


def test_nothing_of_the_site_says_what_there_is(built: Build) -> None:
    for more in ([], make_rows(100)):
        with pytest.raises(WrongSite) as failed:
            built(of_site("ai", 100, 1), of_site("robotics", 9, 2), more, site="datascience")
        assert "toys takes questions of datascience" in str(failed.value)
        assert "none (but of ai: 100, robotics: 9)" in str(failed.value)
        assert "HF_ASSETS_STACKEXCHANGE_SITE" in str(failed.value)
        assert failed.value.permanent
    with pytest.raises(CorpusTooSmall, match="there are no texts"):
        built([], site="datascience")


def test_the_table_of_a_user_may_be_called_anything(built: Build) -> None:
    rows = of_site("ai", 100, 1)
    assert built(rows, source=Path("stackexchange.csv")).facts.rows == 100


def test_a_thousand_days_take_no_more_room_than_one(lake: Lake, tmp_path: Path) -> None:
    table = texts_table("new_questions")
    first = date(2024, 1, 1)

    def stored(number: int) -> StoredTable:
        told = {
            "endpoint": "https://api.stackexchange.com",
            "site": "ai",
            "with_key": False,
            "started": f"{first + timedelta(number)}T01:15",
            "quota_remaining": number,
        }
        day = (first + timedelta(number)).isoformat()
        rows = make_rows(200 if number == 0 else 1, number)
        made = TableWrite([texts_frame(rows)], provenance={"new_questions": told})
        return lake.write(table, day, made)

    days = [stored(number) for number in range(3)]
    # The rows of the others are those of the third: what is counted here is what is said of them.
    days += [dataclasses.replace(days[2], day=(first + timedelta(number)).isoformat())
             for number in range(3, 1000)]  # fmt: skip
    spec = CorpusSpec(name="x", source=("new_questions",), rare_share=0.01)
    folder = tmp_path / "corpus"
    folder.mkdir()
    facts = build(spec, days, folder)
    (entry,) = facts.sources["new_questions"]
    assert entry == {
        "endpoint": "https://api.stackexchange.com", "site": "ai", "with_key": False,
        "first day": "2024-01-01", "last day": "2026-09-26", "days": 1000, "rows": 1199,
    }  # fmt: skip
    assert (folder / "facts.json").stat().st_size < 5_000
    assert not open_corpus(folder).generated
    other = {"new_questions": {"endpoint": "http://127.0.0.1:1", "site": "generated"}}
    two = summaries([*days, dataclasses.replace(days[0], provenance=other)])
    assert [one["days"] for one in two["new_questions"]] == [1000, 1]
    assert is_generated({"sources": two})


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


def test_a_source_that_fails_leaves_no_corpus(tmp_path: Path) -> None:
    def frames() -> Iterator[pl.DataFrame]:
        yield texts_frame(make_rows(100))
        raise ConnectionError("torn")

    spec = CorpusSpec(name="x", source=("new_questions",), rare_share=0.01)
    with pytest.raises(ConnectionError, match="torn"):
        build(spec, [TableWrite(frames())], tmp_path)
    assert not list(tmp_path.iterdir())


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
