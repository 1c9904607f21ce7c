"""The half of the labels, from embedded services to a tagger's folder, in the real graph."""

import csv
import json
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import requests

from hf_assets.classifiers.evaluation.results import CONSTANT, INT8, NOTHING, open_leaderboard
from hf_assets.classifiers.tagger import Tagger
from hf_assets.definitions import defs as code_location
from hf_assets.defs.common.metadata import gallery
from hf_assets.defs.labels import metadata as label_report
from hf_assets.defs.trends import daily
from hf_assets.demo import running
from hf_assets.demo.labels import kaggle, stackexchange
from hf_assets.demo.labels.question_sources import GeneratedQuestions
from hf_assets.demo.labels.texts import GeneratedTexts
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake, today
from hf_assets_tests.defs.conftest import checks, failures

BASE = running.BASE_MODEL
TOKEN = kaggle.TOKEN
HOSTILE = ("../x", "a, b", 'with "quotes"', "🦊", "l" * 300, "<b>bold</b>", "{{ x }}|`y`")


@dataclass
class Labels:
    """The graph over embedded services, and the lake it writes."""

    root: Path
    definitions: dg.Definitions
    instance: dg.DagsterInstance
    apps: dict[str, Any] = field(default_factory=dict)

    def run(
        self,
        *assets: str,
        partition: str | None = None,
        config: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """One run over those assets with their checks."""
        ops = {name.replace("/", "__"): {"config": dict(of)} for name, of in (config or {}).items()}
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(name.split("/")) for name in assets],
            partition_key=partition,
            run_config={"ops": ops},
            raise_on_error=False,
        )

    def chain(self, name: str) -> list[dg.ExecuteInProcessResult]:
        """Everything from the corpus on, with a head on the frozen encoder."""
        models = [f"{name}/{step}" for step in ("classifier", "onnx_classifier")]
        models.append(f"{name}/quantized_classifier")
        config = {models[0]: {"strategy": "head"}, models[2]: {"max_loss": 0.05}}
        return [
            self.run(f"{name}/corpus", f"{name}/baseline"),
            self.run(*models, partition=BASE, config=config),
            self.run(f"{name}/leaderboard", f"{name}/tagger_space"),
        ]

    def metadata(self, asset: str) -> Mapping[str, Any]:
        """What the last materialisation of that asset said of itself."""
        event = self.instance.get_latest_materialization_event(dg.AssetKey(asset.split("/")))
        assert event is not None
        assert event.asset_materialization is not None
        return event.asset_materialization.metadata


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labels]:
    root = tmp_path_factory.mktemp("labels")
    lake = root / "lake"
    running.write_inputs(lake, today(), 900, 300)
    apps = {
        "stackexchange": stackexchange.create_app(GeneratedQuestions(site=running.SITE)),
        "kaggle": kaggle.create_app(GeneratedTexts("datasets"), 320),
    }
    servers = {name: LoopbackServer(app).start() for name, app in apps.items()}
    services = running.Services("", servers["stackexchange"].url, servers["kaggle"].url)
    given = services.variables | {
        "HF_ASSETS_DATA": str(lake),
        "HF_ASSETS_CORPORA": str(own_corpus(root)),
        "HF_ASSETS_QUESTION_DUMP": str(running.dump_of(lake)),
        "HF_ASSETS_META_KAGGLE": str(running.tables_of(lake)),
    }
    given.pop("HF_ENDPOINT")
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        for name, value in given.items():
            patch.setenv(name, value)
        settings.cache_clear()
        yield Labels(lake, code_location(), instance, apps)
    settings.cache_clear()
    for server in servers.values():
        server.stop()


def real_table(site: str) -> Path | None:
    """Real questions of that site, where HF_ASSETS_REAL_DATA has them."""
    real = Path(os.environ.get("HF_ASSETS_REAL_DATA", "")) / "stackexchange-2016-10"
    table = real / f"{site}.csv"
    return table if table.is_file() else None


def own_corpus(root: Path) -> Path:
    """A user's table with labels of every kind, and the TOML that makes a corpus of it."""
    draw = random.Random(5)
    words = {label: [f"{chr(97 + at)}{one}word" for one in range(6)]
             for at, label in enumerate(HOSTILE)}  # fmt: skip
    with (root / "own.csv").open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["name", "text", "tags"])
        for number in range(400):
            given = draw.sample(HOSTILE, draw.choice((1, 1, 2)))
            said = [draw.choice(words[label]) for label in given for _ in range(6)]
            draw.shuffle(said)
            rows.writerow([f"number {number} {draw.random()}", " ".join(said), json.dumps(given)])
    path = root / "corpora.toml"
    robotics = real_table("robotics")
    more = (
        f'[robotics]\nsource = {json.dumps(str(robotics))}\ntext = ["title", "content"]\n'
        'labels = "tags"\nformat = "html"\nseparator = " "\nid = "id"\nlicense = "CC BY-SA 3.0"\n'
        "rare_share = 0.001\n"
        if robotics
        else ""
    )
    path.write_text(
        more
        + '[own]\nsource = "own.csv"\ntext = ["name", "text"]\nlabels = "tags"\nrare_share = 0.01\n'
    )
    return path


@pytest.fixture(scope="module")
def sources(labels: Labels) -> Labels:
    assert labels.run("question_dump", "dataset_dump").success
    assert labels.run("new_questions", "new_datasets", partition=today()).success
    return labels


@pytest.fixture(scope="module")
def questions(sources: Labels) -> list[dg.ExecuteInProcessResult]:
    return sources.chain("questions")


@pytest.fixture(scope="module")
def own(labels: Labels) -> list[dg.ExecuteInProcessResult]:
    return labels.chain("own")


def test_each_source_is_a_table_with_where_it_came_from(sources: Labels) -> None:
    lake = Lake(sources.root)
    dump, day = lake.read("question_dump", None), lake.read("new_questions", today())
    assert dump.rows == 900
    assert dump.provenance["question_dump"]["sha256"]
    assert day.provenance["new_questions"]["endpoint"].startswith("http://127.0.0.1:")
    assert lake.read("dataset_dump", None).rows > 250
    assert lake.read("new_datasets", today()).rows == 20
    assert sources.metadata("question_dump")["dagster/partition_row_count"].value == 900


def test_no_credential_is_told(sources: Labels) -> None:
    told = [
        str(record.event_log_entry)
        for asset in ("new_datasets", "new_questions")
        for record in sources.instance.fetch_materializations(dg.AssetKey(asset), limit=10).records
    ]
    assert told
    assert not [one for one in told if TOKEN in one]
    assert not [
        str(path)
        for path in sources.root.rglob("*.json")
        if TOKEN in path.read_text("utf-8", "replace")
    ]


def test_questions_of_another_site_are_in_no_corpus(
    sources: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = sources
    assert failures(labels.run("questions/corpus")) == {}
    one = labels.root / "corpora" / "questions" / "facts.json"
    before = one.read_bytes()
    assert json.loads(before)["site"] == running.SITE
    monkeypatch.setenv("HF_ASSETS_STACKEXCHANGE_SITE", "ai")
    settings.cache_clear()
    failed = labels.run("questions/corpus")
    said = failures(failed)["questions__corpus"]
    assert "questions takes questions of ai, and its sources have none (but of generated: " in said
    assert one.read_bytes() == before
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients try once, and Dagster's retries do not wait their minute."""
    monkeypatch.setattr("hf_assets.corpora.stackexchange.client.TRIES", 1)
    monkeypatch.setattr("hf_assets.corpora.kaggle.client.TRIES", 1)
    monkeypatch.setattr("hf_assets.corpora.stackexchange.pacing.REPEAT", 0.0)
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)


NOWHERE = "http://127.0.0.1:9"


def retries(result: dg.ExecuteInProcessResult) -> int:
    return sum(event.event_type_value == "STEP_UP_FOR_RETRY" for event in result.all_events)


@pytest.mark.parametrize(
    ("asset", "partition", "switches", "tried_again"),
    [
        ("new_questions", "today", {"STACKEXCHANGE_ENDPOINT": NOWHERE}, 3),
        ("new_datasets", "today", {"KAGGLE_ENDPOINT": NOWHERE}, 3),
        ("dataset_dump", None, {"META_KAGGLE": ""}, 3),
        # What would be the same again is not tried again.
        ("new_questions", "today", {"STACKEXCHANGE_ENDPOINT": "http://a:b@127.0.0.1:9"}, 0),
        ("new_questions", "today", {"STACKEXCHANGE_SITE": "a b"}, 0),
        ("new_datasets", "today", {"KAGGLE_ENDPOINT": "http://example.com"}, 0),
        ("new_datasets", "2026-01-01", {}, 0),
        ("dataset_dump", None, {"META_KAGGLE": "/nowhere"}, 0),
        ("question_dump", None, {"QUESTION_DUMP": "/nowhere"}, 0),
    ],
)
def test_what_the_network_fails_is_tried_again(
    labels: Labels,
    impatient: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    asset: str,
    partition: str | None,
    switches: dict[str, str],
    tried_again: int,
) -> None:
    # Not when the tests are collected: midnight may lie between.
    partition = today() if partition == "today" else partition
    monkeypatch.setenv("HF_ASSETS_DATA", str(tmp_path))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    for name, value in switches.items():
        monkeypatch.setenv(f"HF_ASSETS_{name}", value)
    if switches.get("META_KAGGLE") == "":
        monkeypatch.delenv("HF_ASSETS_META_KAGGLE")
        monkeypatch.setattr("kagglehub.dataset_download", _unreachable)
    settings.cache_clear()
    with dg.DagsterInstance.ephemeral() as instance:
        run = Labels(tmp_path, code_location(), instance).run(asset, partition=partition)
    monkeypatch.undo()
    settings.cache_clear()
    assert not run.success
    assert retries(run) == tried_again, failures(run)
    assert "Failure" in failures(run)[asset]


def _unreachable(*_: Any, **__: Any) -> str:
    raise requests.ConnectionError("no route to Kaggle")


def test_the_network_is_tried_for_longer_each_time(
    labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("hf_assets.defs.common.failures.time.sleep", waited.append)
    policies = {
        name: labels.definitions.resolve_assets_def(name).op.retry_policy
        for name in ("new_questions", "new_datasets", "dataset_dump", "question_dump")
    }
    assert policies.pop("question_dump") is None  # a file of this machine
    for policy in policies.values():
        assert policy
        # It waits inside of the step, where an interrupt is heard.
        assert [policy.calculate_delay(tries) for tries in (1, 2, 3)] == [0, 0, 0]
        assert waited == [60, 180, 420]
        waited.clear()


def test_pictures_of_both_halves_are_shown_alike() -> None:
    shown = gallery({"label_frequencies": b"one", "other": b"two"}).value
    assert shown == (
        "![label frequencies](data:image/png;base64,b25l)\n\n![other](data:image/png;base64,dHdv)"
    )
    users = (label_report.gallery, daily.gallery)
    assert {*users} == {gallery}


def test_the_chain_ends_in_a_tagger(questions: list[Any], labels: Labels) -> None:
    assert [failures(run) for run in questions] == [{}, {}, {}]
    space = labels.root / "classifiers" / "questions" / "tagger_space"
    tagger = Tagger.load(space / "model")
    corpus = pl.read_parquet(labels.root / "corpora" / "questions" / "corpus.parquet")
    assert len(tagger.labels) > 20
    texts = corpus.filter(split="test")["text"].to_list()
    assert any(tagger.predict(texts[:20]))
    card = (space / "model" / "README.md").read_text("utf-8")
    assert "generated" in card


def test_every_check_of_the_chain_passes_or_warns(questions: list[Any]) -> None:
    found = {key: one for run in questions for key, one in checks(run).items()}
    assert {name for _, name in found} == {
        *("no_group_in_two_splits", "every_label_in_train_and_test", "no_empty_text"),
        *("label_order_unchanged", "text_format_fits", "parity", "int8_loss", "int8_size"),
        *("beats_floors", "beats_tfidf", "label_order", "answers_alone"),
    }
    severe = {name for (_, name), one in found.items()
              if not one.passed and one.severity is dg.AssetCheckSeverity.ERROR}  # fmt: skip
    assert severe == set()


def test_the_ui_is_told_what_was_measured(questions: list[Any], labels: Labels) -> None:
    corpus = labels.metadata("questions/corpus")
    kept = corpus["dagster/row_count"].value
    lost = sum(v.value for name, v in corpus.items() if name.startswith("left out: "))
    lake = Lake(labels.root)
    came = sum(one.rows for one in (lake.read("question_dump", None),
                                    lake.read("new_questions", today())))  # fmt: skip
    assert kept + lost == came
    assert corpus["label frequencies"].value.startswith("![label frequencies](data:image/png;")
    (dump,), (days,) = (
        corpus["sources"].value[name] for name in ("question_dump", "new_questions")
    )
    assert dump["rows"] == 900
    assert (days["first day"], days["last day"], days["days"]) == (today(), today(), 1)
    board = labels.metadata("questions/leaderboard")
    assert board["best int8"].value == BASE
    rows = board["leaderboard"].records
    assert {"torch", "onnx", "int8"} <= {row.data["runtime"] for row in rows}
    for name in ("score against size", "score against latency", "label scores"):
        assert len(board[name].value) < 60_000
    assert labels.metadata("questions/quantized_classifier")["chosen"].value


def test_labels_of_every_kind_survive_every_file(own: list[Any], labels: Labels) -> None:
    assert [failures(run) for run in own] == [{}, {}, {}]
    places = labels.root / "classifiers" / "own"
    assert Tagger.load(places / "tagger_space" / "model").labels == tuple(sorted(HOSTILE))
    board = open_leaderboard(places / "leaderboard")
    assert set(board.labels["label"]) == set(HOSTILE)
    assert board.rows.filter(runtime=INT8)["micro_f1"][0] > 0.5
    outside = [path for path in labels.root.parent.iterdir() if path != labels.root]
    assert {path.name for path in outside} == {"own.csv", "corpora.toml"}


def test_two_corpora_do_not_write_into_each_other(
    questions: list[Any], own: list[Any], labels: Labels
) -> None:
    for name in ("questions", "own"):
        config = labels.root / "classifiers" / name / "tagger_space" / "model" / "config.json"
        wanted = json.loads((labels.root / "corpora" / name / "labels.json").read_bytes())
        assert list(json.loads(config.read_bytes())["id2label"].values()) == wanted["labels"]


def test_what_was_not_made_is_named(labels: Labels) -> None:
    failed = labels.run("datasets/leaderboard")
    assert "materialise" in failures(failed)["datasets__leaderboard"]


def test_a_base_model_that_is_nowhere_names_three_ways(
    own: list[Any], labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    before = sorted(path.name for path in (labels.root / "classifiers" / "own").iterdir())
    failed = labels.run("own/classifier", partition="roberta-base")
    said = failures(failed)["own__classifier"]
    assert "HF_ASSETS_BASE_MODELS" in said
    assert "Hub" in said
    left = {path.name for path in (labels.root / "classifiers" / "own").iterdir()}
    assert left - set(before) <= {"roberta-base"}
    assert not (labels.root / "classifiers" / "own" / "roberta-base" / "classifier").exists()


@pytest.mark.heavy
def test_real_questions_end_above_both_floors(labels: Labels) -> None:
    if real_table("robotics") is None:
        pytest.skip("HF_ASSETS_REAL_DATA has no stackexchange-2016-10/robotics.csv")
    assert [failures(run) for run in labels.chain("robotics")] == [{}, {}, {}]
    board = open_leaderboard(labels.root / "classifiers" / "robotics" / "leaderboard")
    scores = {row["runtime"] if row["strategy"] else row["model"]: row["micro_f1"]
              for row in board.rows.to_dicts()}  # fmt: skip
    for runtime in ("torch", "onnx", "int8"):
        assert scores[runtime] > 0.3
        assert scores[runtime] > scores[NOTHING]
        assert scores[runtime] > scores[CONSTANT]
    # Serving costs next to nothing: 299 test rows move by a point or two by chance.
    assert scores["int8"] > scores["torch"] - 0.03
    assert labels.metadata("robotics/corpus")["dagster/row_count"].value == 2768
