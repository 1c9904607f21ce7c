"""Processes that materialise the same classifier at once, each with a seed of its own.

`python -m hf_assets_tests.support.classifiers.trainers CORPUS BASE NUMBER`, with the lake, its
locks and the base models in the environment. Prints, as JSON, the end of each process and the
lines of its log, with the time that all processes of the machine have in common.
"""

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import dagster as dg
import torch

# What a training imports when it begins: the processes have it from this one.
import hf_assets.classifiers.training.finetuning
import hf_assets.classifiers.training.train  # noqa: F401
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels.classifiers import classifier_assets
from hf_assets.settings import settings

CONFIG = {
    "epochs": 1,
    "batch_size": 16,
    "max_length": 24,
    "dtype": "float32",
    "few_rows": 0,
    "teachers": 0,
}


def train(corpus: str, base: str, seed: int) -> dict[str, Any]:
    """One materialisation, as a run of Dagster in this process."""
    torch.set_num_threads(1)
    spec = CorpusSpec(name=corpus, source=("question_dump",), rare_share=0.01)
    (asset,) = (one for one in classifier_assets(spec) if one.key.path[-1] == "classifier")
    config = {"ops": {f"{corpus}__classifier": {"config": CONFIG | {"seed": seed}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        ended = dg.materialize(
            [asset],
            partition_key=base,
            instance=instance,
            run_config=config,
            resources={"lake": LakeResource(root=str(settings().data))},
            raise_on_error=False,
        )
        logs = instance.all_logs(ended.run_id)
    # The asset's own lines: Dagster's events come before and after.
    lines = [(log.timestamp, log.user_message) for log in logs if log.dagster_event is None]
    return {"seed": seed, "success": ended.success, "lines": lines}


def main(corpus: str, base: str, number: str) -> None:
    # Copies of this process, in which nothing but imports has happened. One that is killed, for
    # memory for example, is an error; a `multiprocessing.Pool` would wait for it without end.
    with ProcessPoolExecutor(int(number), multiprocessing.get_context("fork")) as pool:
        ended = list(pool.map(partial(train, corpus, base), range(int(number))))
    print(json.dumps(ended))


if __name__ == "__main__":
    main(*sys.argv[1:])
