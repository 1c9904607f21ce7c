"""A corpus from texts: every row kept or counted, labels and markup as the entry declares."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import polars as pl
import pytest
from PIL import Image

from hf_assets.corpora import building, quality
from hf_assets.corpora.building import CorpusTooSmall, build
from hf_assets.corpora.corpus import open_corpus
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.corpora.schemas import CORPUS_COLUMNS, texts_frame
from hf_assets.storage.lake import TableWrite
from hf_assets_tests.corpora.conftest import LABELS, Build, Rows, make_rows
from hf_assets_tests.support.corpora.built import sides_of

HOSTILE = ("../x", "a, b", 'say "hi"', "\N{GRINNING FACE}", "L" * 300, "<script>", "$x^2$", "null",
           "|", "{{ x }}", "\\", "\N{CJK UNIFIED IDEOGRAPH-65E5}")  # fmt: skip


def test_what_a_corpus_is_made_of(built: Build) -> None:
    told: list[str] = []
    corpus = built(make_rows(300), told=told)
    assert {path.name for path in corpus.folder.iterdir()} == {
        "corpus.parquet", "labels.json", "facts.json", "label_frequencies.png",
        "label_frequencies.svg", "builds.json", "rare_labels.json",
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
    plot = {"title": "Plot", "body": "<p>Add a plot in your language.</p>"}
    rows += [{**row, **plot} for row in make_rows(7, 4)]
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


def test_a_body_of_many_rows_is_no_placeholder_where_each_has_a_title(built: Build) -> None:
    """Packages of one source share a description; their names and labels are their own."""
    shared = "<p>This package is a part of a desktop that has many more of them.</p>"
    rows = make_rows(200) + [{**row, "body": shared} for row in make_rows(33, 7)]
    form = [{**row, "title": "Untitled", "body": shared} for row in make_rows(9, 8)]
    corpus = built(rows + form)
    assert corpus.facts.lost == {building.PLACEHOLDER: 9}
    assert corpus.facts.rule == 2
    assert sum(corpus.frame["text"].str.contains("part of a desktop")) == 33


def test_what_a_published_split_lacks_is_counted_by_reason(built: Build) -> None:
    rows = make_rows(300)
    for number, row in enumerate(rows):
        row["split"] = ("train", "train", "test")[number % 3]
    for row in [row for row in rows if row["split"] == "test"][:20]:
        row |= {"title": "Untitled", "body": "<p>Add a plot in your language.</p>"}
    rows[0]["labels"], rows[299]["labels"] = [], ["a label of one row"]
    told: list[str] = []
    corpus = built(rows, told=told)
    published = msgspec.to_builtins(corpus.facts.published)
    assert published == {
        "test": {"rows": 100, "lost": {building.PLACEHOLDER: 20, building.ONLY_RARE: 1}},
        "train": {"rows": 200, "lost": {building.NO_LABEL: 1}},
    }
    assert "20 of them were published as test: placeholder text" in told
    said = corpus.facts.left_out_of_published
    assert "21 of the 100 rows published as test are left out (placeholder text: 20, only" in said
    verdict = quality.published_rows_kept(corpus)
    assert (verdict.passed, verdict.severity) == (False, "WARN")
    assert said in verdict.description
    assert quality.published_rows_kept(built(make_rows(100))).passed


def test_of_a_corpus_of_an_earlier_version_nobody_knows_what_was_published(built: Build) -> None:
    corpus = built(make_rows(100))
    path = corpus.folder / "facts.json"
    facts = json.loads(path.read_text("utf-8"))
    for name in ("rule", "published", "tokens"):
        del facts[name]
    path.write_text(json.dumps(facts), "utf-8")
    verdict = quality.published_rows_kept(open_corpus(corpus.folder))
    assert verdict.passed
    assert "materialise the corpus again" in verdict.description


def test_training_rows_that_are_left_out_change_no_score(built: Build) -> None:
    rows = make_rows(300)
    for number, row in enumerate(rows):
        row["split"] = ("train", "train", "test")[number % 3]
    rows[0]["labels"] = []
    corpus = built(rows)
    assert corpus.facts.left_out_of_published
    assert quality.published_rows_kept(corpus).passed


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


def test_a_source_that_fails_leaves_no_corpus(tmp_path: Path) -> None:
    def frames() -> Iterator[pl.DataFrame]:
        yield texts_frame(make_rows(100))
        raise ConnectionError("torn")

    spec = CorpusSpec(name="x", source=("new_questions",), rare_share=0.01)
    with pytest.raises(ConnectionError, match="torn"):
        build(spec, [TableWrite(frames())], tmp_path)
    assert not list(tmp_path.iterdir())
