"""The half of the labels over embedded services, and a user's table of hostile labels."""

import csv
import json
import os
import random
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hf_assets.demo import running
from hf_assets.demo.labels import kaggle, stackexchange
from hf_assets.demo.labels.question_sources import GeneratedQuestions
from hf_assets.demo.labels.texts import GeneratedTexts
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.steps import BASE_MODEL
from hf_assets.object_store.path import LakePath
from hf_assets.settings import settings
from hf_assets.storage.lake import today
from hf_assets_tests.support.defs.base_model import write_small_base_model
from hf_assets_tests.support.defs.graph import graph

BASE = BASE_MODEL
HOSTILE = ("../x", "a, b", 'with "quotes"', "🦊", "l" * 300, "<b>bold</b>", "{{ x }}|`y`")


@dataclass
class Labels:
    """The graph over embedded services, and the lake it writes."""

    root: Any  # a folder, or a StorePath
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
        config = {models[0]: {"strategy": "head", "few_rows": 0}, models[2]: {"max_loss": 0.05}}
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


@contextmanager
def labels_graph(root: Path, base_models: Path, data: LakePath | None = None) -> Generator[Labels]:
    """The graph over services that stop at the end.

    Args:
        root: gets the user's table, and the lake in `lake`.
        base_models: gets a small base model by the name of `BASE`.
        data: the lake, where it is another.
    """
    lake = root / "lake"
    running.write_inputs(lake, today(), 900, 300)
    apps = {
        "stackexchange": stackexchange.create_app(GeneratedQuestions(site=running.SITE)),
        "kaggle": kaggle.create_app(GeneratedTexts("datasets"), 320),
    }
    servers = {name: LoopbackServer(app).start() for name, app in apps.items()}
    services = running.Services("", servers["stackexchange"].url, servers["kaggle"].url)
    given = services.variables | {
        "HF_ASSETS_DATA": str(data or lake),
        "HF_ASSETS_CORPORA": str(own_corpus(root)),
        "HF_ASSETS_QUESTION_DUMP": str(running.dump_of(lake)),
        "HF_ASSETS_META_KAGGLE": str(running.tables_of(lake)),
        "HF_ASSETS_BASE_MODELS": str(base_models),
    }
    write_small_base_model(base_models, BASE)
    given.pop("HF_ENDPOINT")
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        for name, value in given.items():
            patch.setenv(name, value)
        settings.cache_clear()
        yield Labels(data or lake, graph(), instance, apps)
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
