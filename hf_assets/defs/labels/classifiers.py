"""Assets from a corpus to a tagger, the same for each corpus.

Each step fills a new folder, which replaces `classifiers/<corpus>/…` once it is complete. Steps
import torch and other heavy packages themselves: the code location must load without.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import dagster as dg
from pydantic import Field

from hf_assets.classifiers.provenance import require_current
from hf_assets.classifiers.quality import LARGEST_LOSS
from hf_assets.classifiers.training.base_models import BASE_MODELS, locate
from hf_assets.classifiers.training.config import EARLIER_NAMES, Dtype, Recipe, Strategy
from hf_assets.classifiers.training.lock import training_lock
from hf_assets.corpora.registry import corpora
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.partitions import base_models
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels import metadata
from hf_assets.defs.labels.paths import CorpusPaths
from hf_assets.defs.labels.steps import AFTER_THE_HUB
from hf_assets.errors import InputError
from hf_assets.settings import settings
from hf_assets.storage.durable import replacing_folder

DEFAULTS = Recipe()


def _renamed(name: str) -> str:
    return f"Earlier name of `{name}`; version 0.3 drops it."


class TrainingConfig(dg.Config):
    """How a classifier is trained.

    `dtype`: "float32", "bfloat16", or "auto": float32 for a head, and for fine-tuning bfloat16
    where the hardware multiplies it faster. The classifier's metadata name the one that was used.
    """

    strategy: Strategy = DEFAULTS.strategy
    epochs: int = DEFAULTS.epochs
    batch_size: int = DEFAULTS.batch_size
    max_length: int = DEFAULTS.max_length
    body_learning_rate: float = DEFAULTS.body_learning_rate
    head_learning_rate: float = DEFAULTS.head_learning_rate
    patience: int = DEFAULTS.patience
    seed: int = DEFAULTS.seed
    dtype: Dtype = DEFAULTS.dtype
    batch: int | None = Field(default=None, description=_renamed("batch_size"))
    encoder_rate: float | None = Field(default=None, description=_renamed("body_learning_rate"))
    head_rate: float | None = Field(default=None, description=_renamed("head_learning_rate"))

    def recipe(self, warn: Callable[[str], None]) -> Recipe:
        """The recipe of this config; `warn` takes a line for each field under its earlier name."""
        values = self.model_dump()
        for name, earlier in EARLIER_NAMES.items():
            value = values.pop(earlier, None)
            if value is None:
                continue
            if values[name] not in (getattr(DEFAULTS, name), value):
                raise dg.Failure(f"{earlier} and {name} differ: set {name}", allow_retries=False)
            warn(f"`{earlier}` is now called `{name}`; version 0.3 drops the earlier name")
            values[name] = value
        try:
            return Recipe(**values)
        except ValueError as error:
            raise dg.Failure(str(error), allow_retries=False) from error


class QuantizationConfig(dg.Config):
    """How much micro-F1 on validation an int8 graph may lose, as a share; by default 0.3 points.

    Under a thousand validation texts, chance alone moves the measured loss by more than that. Where
    more is allowed and lost, the check int8_loss warns.
    """

    max_loss: float = LARGEST_LOSS


class SpaceConfig(dg.Config):
    """Options of the published folder.

    `words`: add the small TF-IDF model that helps the network; `model_repo`: its id on the Hub.
    """

    words: bool = False
    model_repo: str | None = None


@contextmanager
def replacing(paths: CorpusPaths, *names: str) -> Generator[Path]:
    """An empty folder that replaces `paths.folder(*names)` when the block ends."""
    with (
        clear_failures(),
        replacing_folder(paths.folder(*names)) as folder,
        paths.reading(),
    ):
        yield folder


def classifier_assets(name: str) -> Iterator[dg.AssetsDefinition]:
    """The assets of that corpus, from its baseline to the folder to publish."""
    step = partial(
        dg.asset,
        key_prefix=[name],
        group_name=f"classifiers/{name}",
        owners=["team:labels"],
        op_tags=AFTER_THE_HUB,
    )
    each = partial(
        step,
        partitions_def=base_models,
        # For launchers that run steps elsewhere: these use all cores, or a GPU.
        op_tags=AFTER_THE_HUB | {"hf_assets/heavy": "training"},
    )

    @step(deps=[[name, "corpus"]], kinds={"sklearn"})
    def baseline(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
        """Baselines of a corpus: predicting nothing, constant labels, and TF-IDF with an SVM."""
        from hf_assets.classifiers.evaluation import baselines

        paths = CorpusPaths(lake.tree, name)
        with replacing(paths, "baseline") as folder:
            record = baselines.fit(paths.corpus, folder, log=context.log.info)
        return dg.MaterializeResult(metadata=metadata.baseline(paths.folder("baseline"), record))

    @each(deps=[[name, "corpus"]], kinds={"pytorch", "transformers"})
    def classifier(
        context: dg.AssetExecutionContext, config: TrainingConfig, lake: LakeResource
    ) -> dg.MaterializeResult:
        """Classifier of the corpus's labels: a fine-tuned base model, or a head on a frozen one.

        Each epoch writes a checkpoint, from which a run that died goes on. A second run of the
        same base model waits for the first.
        """
        from hf_assets.classifiers.training.train import train

        paths, base = CorpusPaths(lake.tree, name), BASE_MODELS[context.partition_key]
        recipe, log, own = config.recipe(context.log.warning), context.log.info, settings()
        checkpoints = paths.folder(base.name, "checkpoints")
        with (
            clear_failures(),
            training_lock(checkpoints, log, own.lock_wait) as work,
            replacing(paths, base.name, "classifier") as folder,
        ):
            corpus = paths.corpus  # without one, no base model is downloaded
            encoder = locate(base, own.base_models, log)
            record = train(corpus, encoder, folder, recipe, work, log, base_model=base.name)
        stored = paths.folder(base.name, "classifier")
        return dg.MaterializeResult(metadata=metadata.classifier(stored, record))

    @each(deps=[classifier, [name, "corpus"]], kinds={"pytorch", "onnx"})
    def onnx_classifier(
        context: dg.AssetExecutionContext, lake: LakeResource
    ) -> dg.MaterializeResult:
        """ONNX graph of the classifier, for batches of any size; its logits equal torch's."""
        from hf_assets.classifiers.export.to_onnx import export

        paths, base = CorpusPaths(lake.tree, name), context.partition_key
        with replacing(paths, base, "onnx") as folder:
            corpus, trained = paths.corpus, paths.stored(base, "classifier")
            require_current(corpus, [trained.parent], ["classifier"])
            probes = corpus.split("validation").texts[:16]
            record = export(trained, folder, probes, log=context.log.info)
        return dg.MaterializeResult(metadata=metadata.onnx(paths.folder(base, "onnx"), record))

    @each(deps=[onnx_classifier, [name, "corpus"]], kinds={"onnx"})
    def quantized_classifier(
        context: dg.AssetExecutionContext, config: QuantizationConfig, lake: LakeResource
    ) -> dg.MaterializeResult:
        """Int8 graph: the smallest candidate that loses at most 0.3 points of micro-F1.

        Candidates are measured on validation, one text at a time, as the tagger serves them.
        """
        from hf_assets.classifiers.export.quantize import quantize

        paths, base = CorpusPaths(lake.tree, name), context.partition_key
        with replacing(paths, base, "quantized") as folder:
            corpus, exported = paths.corpus, paths.stored(base, "onnx")
            require_current(corpus, [exported.parent], ["onnx"])
            validation, log = corpus.split("validation"), context.log.info
            record = quantize(exported, folder, validation, log, max_loss=config.max_loss)
        stored = paths.folder(base, "quantized")
        return dg.MaterializeResult(metadata=metadata.quantized(stored, record))

    @step(
        deps=[[name, "corpus"], baseline, classifier, onnx_classifier, quantized_classifier],
        kinds={"matplotlib"},
    )
    def leaderboard(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
        """Results table: scores on test, size and speed of every trained model and baseline.

        No other asset reads the test rows. Thresholds come from validation.
        """
        from hf_assets.classifiers.evaluation import results
        from hf_assets.classifiers.evaluation.leaderboard import measure
        from hf_assets.classifiers.evaluation.render import write_figures

        paths, log = CorpusPaths(lake.tree, name), context.log.info
        with replacing(paths, "leaderboard") as folder:
            board = measure(paths.corpus, paths.stored("baseline"), paths.trained(), log)
            results.write(board, folder)
            write_figures(board, folder)
        return dg.MaterializeResult(
            metadata=metadata.leaderboard(paths.folder("leaderboard"), board)
        )

    @step(deps=[leaderboard, quantized_classifier, [name, "corpus"]], kinds={"huggingface", "onnx"})
    def tagger_space(
        context: dg.AssetExecutionContext, config: SpaceConfig, lake: LakeResource
    ) -> dg.MaterializeResult:
        """Folder to upload to the Hub: the best int8 model, its Space, cards, licence, NOTICE."""
        from hf_assets.classifiers.evaluation.results import open_leaderboard
        from hf_assets.classifiers.publishing.space import Hints, write_space

        paths = CorpusPaths(lake.tree, name)
        with replacing(paths, "tagger_space") as folder:
            board = open_leaderboard(paths.stored("leaderboard"))
            if not board.record.best:
                raise InputError(f"{name} has no int8 model: materialise quantized_classifier")
            best = paths.stored(board.record.best, "quantized")
            hints = Hints(config.model_repo, paths.remark, config.words)
            published = write_space(folder, paths.corpus, best, board, context.log.info, hints)
        return dg.MaterializeResult(
            metadata=metadata.space(paths.folder("tagger_space"), published)
        )

    yield from (
        baseline,
        classifier,
        onnx_classifier,
        quantized_classifier,
        leaderboard,
        tagger_space,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Classifier assets of each corpus, the package's and the user's."""
    names = corpora(settings().corpora).specs
    return dg.Definitions(assets=[asset for name in names for asset in classifier_assets(name)])
