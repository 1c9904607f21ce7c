"""The cards: what the Hub reads of them, scores beside floors, hostile names."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from huggingface_hub import ModelCard, SpaceCard

from hf_assets.classifiers.evaluation.results import CONSTANT, HELPED, INT8, Leaderboard
from hf_assets.classifiers.publishing.space import write_space
from hf_assets.classifiers.speed import instructions
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.markdown import inert
from hf_assets_tests.support.classifiers.published import front


def test_the_model_card_has_what_the_hub_reads(space: Path, board: Leaderboard) -> None:
    data = front(space / "model" / "README.md")
    assert data["license"] == "cc-by-sa-4.0"
    assert data["pipeline_tag"] == "text-classification"
    assert data["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert "multi-label-classification" in data["tags"]
    row = board.rows.filter(runtime=HELPED).to_dicts()[0]
    results = {
        r.metric_name: r for r in ModelCard.load(space / "model/README.md").data.eval_results
    }
    assert results["Micro-F1"].metric_value == pytest.approx(row["micro_f1"], abs=1e-4)
    assert results["Macro-F1"].metric_value == pytest.approx(row["macro_f1"], abs=1e-4)
    assert results["Micro-F1"].dataset_split == "test"


def test_the_space_card_starts_the_page(space: Path) -> None:
    data = front(space / "README.md")
    assert (data["sdk"], data["app_file"], data["license"]) == ("gradio", "app.py", "cc-by-sa-4.0")
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", data["sdk_version"])
    assert isinstance(data["python_version"], str)
    assert len(data["short_description"]) <= 60
    assert data["models"] == ["someone/tags"]
    assert SpaceCard.load(space / "README.md").data.sdk == "gradio"


def test_scores_stand_beside_their_floors(space: Path, board: Leaderboard) -> None:
    text = (space / "model" / "README.md").read_text("utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if " | " in line]
    scores = {(row[0].strip("|* "), row[1]): row[2] for row in rows if len(row) > 5}
    for row in board.rows.to_dicts():
        shown = scores[row["model"], row["runtime"]]
        assert shown.startswith(f"{100 * row['micro_f1']:.1f} (")
    constant = board.rows.filter(model=CONSTANT)["micro_f1"][0]
    assert f"the best constant answer reaches {100 * constant:.1f}" in text
    assert "&#60;b&#62;generated" in text
    says = "A &#60;b&#62;CPU&#60;/b&#62;, 4 cores, bfloat16, 3 threads; with torch 9.8.7."
    assert f"**Trained** on: {says}" in text
    has = inert(" ".join(instructions()) or "(not recorded)")
    assert f"were measured on a processor with: {has}." in text


def test_hostile_labels_stay_text(space: Path) -> None:
    text = (space / "model" / "README.md").read_text("utf-8")
    body = re.sub(r"```.*?```", "", text.split("---\n", 2)[2], flags=re.S)
    assert "<script" not in body
    assert "](javascript" not in body
    assert "{{" not in body
    tables = [line for line in body.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {3, 4, 12}
    assert len(max(tables, key=len)) < 500


@pytest.mark.parametrize("name", ["../x: y", "'\"\n- a", "null", "---", "ö" * 300, "😀"])
def test_a_hostile_corpus_name_stays_text(
    tmp_path: Path, corpus: Corpus, trained: Path, board: Leaderboard, name: str
) -> None:
    named = Corpus(corpus.folder, name, corpus.labels, corpus.facts)
    write_space(tmp_path, named, trained / "quantized", board)
    for path in (tmp_path / "README.md", tmp_path / "model" / "README.md"):
        data = front(path)
        assert data["license"] == "cc-by-sa-4.0"
    assert data["model-index"][0]["results"][0]["dataset"]["type"]
    assert "\n- a" not in (tmp_path / "model" / "NOTICE").read_text("utf-8")


def test_the_card_says_who_counts_words_and_what_the_others_reach(
    space: Path, board: Leaderboard
) -> None:
    card = (space / "model" / "README.md").read_text("utf-8")
    (graph,), (served,) = (
        board.rows.filter(runtime=one).to_dicts() for one in (INT8, HELPED)
    )  # fmt: skip
    assert f"**{served['threshold']:.6g}**" in card
    assert "`Tagger` does so" in card
    assert "run the network alone, **without the words**" in card
    assert f"{100 * graph['micro_f1']:.1f} micro-F1 and {100 * graph['macro_f1']:.1f}" in card
    assert f"score >= {graph['threshold']:.6g})" in card
    blend = board.record.blend
    assert blend
    assert blend.threshold_rule
    # The distance of a blend is no matter of resampled halves.
    assert f"here, {blend.threshold_rule.rule}; the distance is 0.4 points. The model" in card
    assert served["threshold_rows"] == blend.threshold_rule.rows >= 100


def test_the_card_says_on_how_few_rows_the_threshold_rests(
    corpus: Corpus, trained: Path, board: Leaderboard, tmp_path: Path
) -> None:
    """Also of rows that are enough, and of a leaderboard of an earlier version: nothing."""
    rows = board.rows.with_columns(threshold_rows=pl.lit(16, pl.Int64))
    for name, given in (("few", rows), ("earlier", board.rows.drop("threshold_rows"))):
        (folder := tmp_path / name).mkdir()
        write_space(folder, corpus, trained / "quantized", replace(board, rows=given))
        card = (folder / "model" / "README.md").read_text("utf-8")
        assert (". Its threshold rests on 16 rows with labels: another draw" in card) == (
            name == "few"
        )


def test_the_card_says_which_rows_of_a_published_split_its_scores_lack(
    tmp_path: Path, corpus: Corpus, trained: Path, board: Leaderboard
) -> None:
    folder = shutil.copytree(corpus.folder, tmp_path / "corpus")
    facts = json.loads((folder / "facts.json").read_bytes())
    facts["published"] = {"test": {"rows": 90, "lost": {"placeholder text": 15}},
                          "train": {"rows": 300, "lost": {}}}  # fmt: skip
    (folder / "facts.json").write_text(json.dumps(facts), "utf-8")
    said = "15 of the 90 rows published as test are left out (placeholder text: 15)."
    for name, of in (("with", open_corpus(folder)), ("without", corpus)):
        write_space(tmp_path / name, of, trained / "quantized", board)
        card = (tmp_path / name / "model" / "README.md").read_text("utf-8")
        scores = card.split("## Scores")[1].split("\n## ")[0]
        assert (inert(said) in scores) == (name == "with")


def test_the_card_says_what_quantisation_lost(corpus: Corpus, board: Leaderboard) -> None:
    from hf_assets.classifiers.publishing.cards import _rule
    from hf_assets.classifiers.publishing.int8_words import lost

    given = {
        f"{name}_f1_lost{end}": value
        for name in ("micro", "macro")
        for end, value in (("", 0.002), ("_low", -0.001), ("_high", 0.005))
    }
    assert "loses 0.20 points of micro-F1 (-0.10 to 0.50) and 0.20 points of macro-F1" in lost(
        given, 200
    )
    # A leaderboard of an earlier version has neither.
    assert lost({"micro_f1": 0.5}, 200) == ""
    assert _rule({"micro_f1": 0.5}) == "the one with the best micro-F1"
