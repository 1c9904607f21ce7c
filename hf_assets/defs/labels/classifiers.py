"""From a corpus to a tagger: the same chain for each corpus. Not here: training or measuring.

Each step fills a folder that takes its place when it is whole: `classifiers/<corpus>/…`. torch and
what else the steps need is imported inside them, for the code location must load without.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import dagster as dg

from hf_assets.classifiers.provenance import require_current
from hf_assets.classifiers.quality import LARGEST_LOSS
from hf_assets.classifiers.training.base_models import BASE_MODELS, locate
from hf_assets.classifiers.training.config import Dtype, Recipe, Strategy
from hf_assets.classifiers.training.lock import training_lock
from hf_assets.corpora.registry import corpora
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.partitions import base_models
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels import metadata as report
from hf_assets.defs.labels.paths import CorpusPaths
from hf_assets.errors import InputError
from hf_assets.settings import settings
from hf_assets.storage.durable import replacing_folder

USUAL = Recipe()


class TrainingConfig(dg.Config):
    """How a classifier is trained.

    `dtype`: "float32", "bfloat16", or "auto": float32 for a head, and for fine-tuning bfloat16
    where the hardware multiplies it faster. The classifier's metadata say which it was.
    """

    strategy: Strategy = USUAL.strategy
    epochs: int = USUAL.epochs
    batch: int = USUAL.batch
    max_length: int = USUAL.max_length
    encoder_rate: float = USUAL.encoder_rate
    head_rate: float = USUAL.head_rate
    patience: int = USUAL.patience
    seed: int = USUAL.seed
    dtype: Dtype = USUAL.dtype

    def recipe(self) -> Recipe:
        """The same as the training wants it."""
        try:
            return Recipe(**self.model_dump())
        except ValueError as error:
            raise dg.Failure(str(error), allow_retries=False) from error


class QuantizationConfig(dg.Config):
    """How much micro-F1 on validation an int8 graph may lose, as a share; by default 0.3 points.

    Under a thousand validation texts, chance alone moves the measured loss by more than that. Where
    more is allowed and lost, the check int8_loss warns.
    """

    max_loss: float = LARGEST_LOSS


class SpaceConfig(dg.Config):
    """What is published, and as what.

    `words`: with the small TF-IDF model that helps the network; `model_repo`: its id on the Hub.
    """

    words: bool = False
    model_repo: str | None = None


@contextmanager
def made(chain: CorpusPaths, *names: str) -> Generator[Path]:
    """An empty folder that becomes `chain.place(*names)` when it is filled."""
    with (
        clear_failures(),
        replacing_folder(chain.place(*names)) as folder,
        chain.reading(),
    ):
        yield folder


def classifier_assets(name: str) -> Iterator[dg.AssetsDefinition]:
    """The chain of that corpus."""
    step = partial(
        dg.asset,
        key_prefix=[name],
        group_name=f"classifiers/{name}",
        owners=["team:labels"],
    )
    each = partial(
        step,
        partitions_def=base_models,
        # For whoever runs steps elsewhere: these want every core there is, or a GPU.
        op_tags={"hf_assets/heavy": "training"},
    )

    @step(deps=[[name, "corpus"]], kinds={"sklearn"})
    def baseline(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
        """What a classifier must beat: predicting nothing, constant labels, TF-IDF with an SVM."""
        from hf_assets.classifiers.evaluation import baselines

        chain = CorpusPaths(lake.tree, name)
        with made(chain, "baseline") as folder:
            facts = baselines.fit(chain.corpus, folder, log=context.log.info)
        return dg.MaterializeResult(metadata=report.baseline_facts(chain.place("baseline"), facts))

    @each(deps=[[name, "corpus"]], kinds={"pytorch", "transformers"})
    def classifier(
        context: dg.AssetExecutionContext, config: TrainingConfig, lake: LakeResource
    ) -> dg.MaterializeResult:
        """A base model trained to give the corpus's labels: fine-tuned, or a head on it frozen.

        A checkpoint is kept after each epoch: a run that died goes on from there. A second run of
        the same base model waits for the first.
        """
        from hf_assets.classifiers.training.train import train

        chain, base = CorpusPaths(lake.tree, name), BASE_MODELS[context.partition_key]
        recipe, log, known = config.recipe(), context.log.info, settings()
        checkpoints = chain.place(base.name, "checkpoints")
        with (
            clear_failures(),
            training_lock(checkpoints, log, known.lock_wait) as work,
            made(chain, base.name, "classifier") as folder,
        ):
            encoder = locate(base, known.base_models, log)
            facts = train(chain.corpus, encoder, folder, recipe, work, log, base_model=base.name)
        place = chain.place(base.name, "classifier")
        return dg.MaterializeResult(metadata=report.classifier_facts(place, facts))

    @each(deps=[classifier, [name, "corpus"]], kinds={"pytorch", "onnx"})
    def onnx_classifier(
        context: dg.AssetExecutionContext, lake: LakeResource
    ) -> dg.MaterializeResult:
        """The classifier as an ONNX graph of any batch and length, equal to torch's answers."""
        from hf_assets.classifiers.export.to_onnx import export

        chain, base = CorpusPaths(lake.tree, name), context.partition_key
        with made(chain, base, "onnx") as folder:
            corpus, trained = chain.corpus, chain.given(base, "classifier")
            require_current(corpus, [trained.parent], ["classifier"])
            probes = corpus.split("validation").texts[:16]
            facts = export(trained, folder, probes, log=context.log.info)
        return dg.MaterializeResult(metadata=report.onnx_facts(chain.place(base, "onnx"), facts))

    @each(deps=[onnx_classifier, [name, "corpus"]], kinds={"onnx"})
    def quantized_classifier(
        context: dg.AssetExecutionContext, config: QuantizationConfig, lake: LakeResource
    ) -> dg.MaterializeResult:
        """The ONNX graph in 8 bits and less: the smallest way that loses next to nothing.

        Chosen by measurement on validation, each text by itself, as it will be served.
        """
        from hf_assets.classifiers.export.quantize import quantize

        chain, base = CorpusPaths(lake.tree, name), context.partition_key
        with made(chain, base, "quantized") as folder:
            corpus, exported = chain.corpus, chain.given(base, "onnx")
            require_current(corpus, [exported.parent], ["onnx"])
            validation, log = corpus.split("validation"), context.log.info
            facts = quantize(exported, folder, validation, log, max_loss=config.max_loss)
        place = chain.place(base, "quantized")
        return dg.MaterializeResult(metadata=report.quantized_facts(place, facts))

    @step(
        deps=[[name, "corpus"], baseline, classifier, onnx_classifier, quantized_classifier],
        kinds={"matplotlib"},
    )
    def leaderboard(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
        """Every trained model beside the floors and TF-IDF, on the test rows; sizes and speeds.

        The only asset that looks at the test rows. Thresholds come from validation.
        """
        from hf_assets.classifiers.evaluation import results
        from hf_assets.classifiers.evaluation.leaderboard import measure
        from hf_assets.classifiers.evaluation.render import write_figures

        chain, log = CorpusPaths(lake.tree, name), context.log.info
        with made(chain, "leaderboard") as folder:
            board = measure(chain.corpus, chain.given("baseline"), chain.trained(), log)
            results.write(board, folder)
            write_figures(board, folder)
        return dg.MaterializeResult(
            metadata=report.leaderboard_facts(chain.place("leaderboard"), board)
        )

    @step(deps=[leaderboard, quantized_classifier, [name, "corpus"]], kinds={"huggingface", "onnx"})
    def tagger_space(
        context: dg.AssetExecutionContext, config: SpaceConfig, lake: LakeResource
    ) -> dg.MaterializeResult:
        """The best int8 model as folders for the Hub: model and Space, cards, licence, NOTICE."""
        from hf_assets.classifiers.evaluation.results import open_leaderboard
        from hf_assets.classifiers.publishing.space import Hints, write_space

        chain = CorpusPaths(lake.tree, name)
        with made(chain, "tagger_space") as folder:
            board = open_leaderboard(chain.given("leaderboard"))
            if not board.facts["best"]:
                raise InputError(f"{name} has no int8 model: materialise quantized_classifier")
            best = chain.given(board.facts["best"], "quantized")
            hints = Hints(config.model_repo, chain.remark, config.words)
            facts = write_space(folder, chain.corpus, best, board, context.log.info, hints)
        return dg.MaterializeResult(metadata=report.space_facts(chain.place("tagger_space"), facts))

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
    """A chain for each corpus, the package's and the user's."""
    names = corpora(settings().corpora)
    return dg.Definitions(assets=[asset for name in names for asset in classifier_assets(name)])
