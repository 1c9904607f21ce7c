"""A summary of the demo's results on the terminal."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from hf_assets.classifiers.drift.rules import Bounds, not_drifted
from hf_assets.classifiers.drift.table import DriftRecord, drift_table
from hf_assets.classifiers.evaluation.rules import beats_tfidf
from hf_assets.classifiers.prediction.predictor import open_predictor
from hf_assets.classifiers.prediction.rules import precision_on_test
from hf_assets.classifiers.quality import int8_loss
from hf_assets.corpora.corpus import open_corpus
from hf_assets.corpora.quality import every_label_in_train_and_test
from hf_assets.demo.past import Past
from hf_assets.demo.steps import BASE_MODEL
from hf_assets.hub.capture_store.store import RAW, CaptureStore
from hf_assets.hub.client.wire import WORDS
from hf_assets.hub.quality.usage_rules import no_cycles
from hf_assets.hub.tables.predictions import PredictionRecord
from hf_assets.label_settings import GrowthSettings
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.storage.parquet import FOOTER_KEY

# A clone has targets that set themselves up; an installed package has its command.
MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"
_CLONED = ("make insights", "make dev-demo", "make tagger", "make dev")
_INSTALLED = ("hf-assets insights", "hf-assets dev --demo", "hf-assets tagger", "hf-assets dev")
_HUB = ("models", "enriched_spaces", "hub_datasets", "top_models", "model_usage", "daily_metrics")
_SOURCES = ("question_dump", "new_questions", "dataset_dump", "new_datasets")


def hub(data: Path, day: str) -> None:
    """The Hub's tables and figures."""
    _head("asset")
    for asset in RAW:
        capture = CaptureStore(Lake(data), asset).complete(day)
        assert capture is not None, f"{asset} of {day} was captured just now"
        said = capture.manifest
        _line(asset, said.rows, _seconds(said.started, said.finished), near(capture.path))
    for asset in _HUB:
        _table(asset, data / asset / f"day={day}" / "data.parquet")
    folder = data / "snapshot_figures" / f"day={day}"
    _line("snapshot_figures", len(list(folder.glob("*.png"))), None, f"{near(folder)}/*.png")


def past(data: Path, before: Past) -> None:
    """The days before today, and what was made of all."""
    if not before.days:
        return
    print(f"\n{before.days} days before today, from the archive that the embedded Hub serves")
    for kind, what in WORDS.items():
        asset = f"raw_{kind}"
        store = CaptureStore(Lake(data), asset)
        captures = [capture for day in before.keys if (capture := store.complete(day))]
        rows = sum(capture.rows for capture in captures)
        print(f"  {rows:,} rows of {what} on {len(captures)} days: {near(data / asset)}/day=*/")
    for what, path in (
        ("The quality of days", data / "day_quality" / "data.parquet"),
        ("Trends as figures", data / "trend_figures"),
        ("The report", data / "insights_report" / "index.html"),
    ):
        if path.exists():
            print(f"{what + ':':<21}{near(path)}")


def labels(data: Path, day: str) -> None:
    """Texts, corpora, and what the classifier of the questions scores beside its floors."""
    _head("asset")
    for asset in _SOURCES:
        dated = data / asset / f"day={day}" / "data.parquet"
        _table(asset, dated if dated.exists() else data / asset / "data.parquet")
    # Locks and folders that are being made lie beside them, under names with a dot.
    for path in sorted((data / "corpora").glob("[!.]*/facts.json")):
        facts = json.loads(path.read_bytes())
        _line(f"{path.parent.name}/corpus", facts["rows"], None, near(path.parent))
    board = data / "classifiers" / "questions" / "leaderboard"
    rows = pl.read_parquet(board / "leaderboard.parquet").to_dicts()
    print(
        "\nquestions, on test rows (the texts are generated: no figure says anything of real ones)"
    )
    print(f"{'':<38}{'micro-F1':>9}{'macro-F1':>9}{'MB':>8}{'ms a text':>11}")
    for row in rows:
        print(_score(row))
    print(f"\nThe tagger: {near(data / 'classifiers' / 'questions' / 'tagger_space')}")
    print(f"What came since the corpus was built: {_drifted(data).description}")


def failing(data: Path, before: Past | None, *, labels: bool) -> None:
    """Which checks fail: those that the demo broke on purpose, and scores that chance decides.

    Args:
        data: root of the lake.
        before: the past of the Hub's half, if that was built.
        labels: whether the half of the labels was.
    """
    if before and before.on_purpose:
        print("\nOn purpose, so that there is something to flag:")
        for line in before.on_purpose:
            print(f"  {line}")
        print("\nThese checks fail for that (in the UI: the asset, Checks, Execution history):")
        for check, days in before.failing.items():
            print(f"  {check:<42}  {', '.join(days)}")
    if before and (of_hub := _of_generated_hub(data, f"{before.day}", labels=labels)):
        print("\nThese checks warn: the generated Hub is small, and has cycles as the real one:")
        for check, why in of_hub.items():
            print(f"  {check:<42}  {why}")
    if labels and (by_chance := _decided_by_chance(data)):
        print("\nThese checks warn: on so few generated texts, a point of F1 is chance:")
        for check, why in by_chance.items():
            print(f"  {check:<42}  {why}")


def _of_generated_hub(data: Path, day: str, *, labels: bool) -> dict[str, str]:
    """The checks that warn of what the generated Hub is, each with its reason."""
    lake, results = Lake(data), dict[str, RuleResult]()
    with suppress(MissingDay):
        results["families: no_cycles"] = no_cycles(lake.read("families", day))
    folder = lake.folder("classifiers/hub_models/predictor", None)
    if labels and folder.is_dir():
        corpus = open_corpus(lake.folder("corpora/hub_models", None))
        record = PredictionRecord.read(lake.notes("predicted_categories", day))
        results |= {
            "hub_models/corpus: every_label_in_train_and_test": every_label_in_train_and_test(
                corpus
            ),
            "predicted_categories: precision_on_test": precision_on_test(
                open_predictor(folder).record, "", record
            ),
        }
    return _warnings(results)


def _decided_by_chance(data: Path) -> dict[str, str]:
    """The checks that compare scores on a hundred texts, where they warn, each with its reason."""
    chain = data / "classifiers" / "questions"
    results = {
        "questions/quantized_classifier: int8_loss": int8_loss(chain / BASE_MODEL / "quantized"),
        "questions/leaderboard: beats_tfidf": beats_tfidf(
            pl.read_parquet(chain / "leaderboard" / "leaderboard.parquet")
        ),
        "questions/drift: not_drifted": _drifted(data),
    }
    return _warnings(results)


def _drifted(data: Path) -> RuleResult:
    """How the questions that came since their corpus was built drift, by the usual bounds."""
    usual = GrowthSettings.model_construct()
    bounds = Bounds(usual.stale_rows, usual.stale_labels, usual.stale_days, usual.drift)
    stored = Lake(data).read(drift_table("questions").name, None)
    return not_drifted(DriftRecord.read(stored.notes).since, bounds)


def _warnings(results: Mapping[str, RuleResult]) -> dict[str, str]:
    return {
        check: result.description.split(";")[0]
        for check, result in results.items()
        if not result.passed
    }


def reused(steps: Mapping[str, bool], prog: str) -> None:
    """How much of the demo was there already.

    Args:
        steps: by title, whether all of a step still stood.
        prog: the command as a person types it.
    """
    standing = sum(steps.values())
    if not standing:
        return
    what = "all of it" if standing == len(steps) else f"{standing} of {len(steps)} steps"
    print(
        f"\nReused: {what}, built from the same options by the same code, and unchanged since. "
        f"`{prog} --fresh` builds everything again."
    )


def backfilled(data: Path, days: Sequence[str]) -> None:
    """What a backfill stored, and what follows."""
    stored = [day for day in days if (data / "models" / f"day={day}" / "data.parquet").exists()]
    print(
        f"{len(stored)} of {len(days)} days are stored: {near(data / 'models')}/day=*/\n"
        "The trends over all days follow with the next run of the demo, or of the job "
        "capture_today in the UI."
    )


def what_next(data: Path, day: str, seconds: float) -> None:
    """Where to look, and how to go on."""
    figures = data / "snapshot_figures" / f"day={day}"
    look = f" Look at the figures in {near(figures)}/" if figures.exists() else ""
    insights, dev_demo, tagger, dev = _CLONED if MAKEFILE.is_file() else _INSTALLED
    print(
        f"""
Done in {seconds:.0f} s.{look}

Next
  {insights:<22}a page to explore the days: models, categories, authors, Spaces, trends
  {dev_demo:<22}the same in the Dagster UI: lineage, checks, history, the gallery of figures
  {tagger:<22}a page to try the tagger that was just trained
  {dev:<22}the UI on the real Hub; HF_TOKEN=hf_... doubles what it may ask for
  {"":<22}(then: Jobs > capture_today > Materialize all, partition {day})
"""
    )


def near(path: Path) -> str:
    """A path as one would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _head(first: str) -> None:
    print(f"\n{first:<18}{'rows':>9}{'seconds':>9}  file")


def _line(asset: str, rows: int, seconds: float | None, where: str) -> None:
    took = "" if seconds is None else f"{seconds:.1f}"
    print(f"{asset:<18}{rows:>9,}{took:>9}  {where}")


def _table(asset: str, path: Path) -> None:
    footer = pq.read_metadata(path)
    seconds = json.loads((footer.metadata or {}).get(FOOTER_KEY.encode(), b"{}"))["seconds"]
    _line(asset, footer.num_rows, seconds, near(path))


def _score(row: dict[str, Any]) -> str:
    name = row["model"] if row["strategy"] is None else f"{row['model']}, {row['runtime']}"
    size = "" if row["size_bytes"] is None else f"{row['size_bytes'] / 1e6:.1f}"
    pace = "" if row["ms_p50"] is None else f"{row['ms_p50']:.1f}"
    scores = "".join(f"{100 * row[of]:>8.1f}%" for of in ("micro_f1", "macro_f1"))
    return f"{name:<38}{scores}{size:>8}{pace:>11}"


def _seconds(started: str, finished: str) -> float:
    return (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()
