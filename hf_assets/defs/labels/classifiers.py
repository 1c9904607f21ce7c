"""Assets from a corpus to a tagger, the same for each corpus.

Each step fills a new folder, which replaces `classifiers/<corpus>/…` once it is complete. Steps
import torch and other heavy packages themselves: the code location must load without.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import dagster as dg
from pydantic import Field

from hf_assets.classifiers.own_base_models import known_base_models
from hf_assets.classifiers.provenance import require_current
from hf_assets.classifiers.quality import LARGEST_LOSS, LARGEST_MACRO_LOSS
from hf_assets.classifiers.techniques.waiting import wait_passively
from hf_assets.classifiers.training.base_models import locate
from hf_assets.classifiers.training.lock import training_lock
from hf_assets.corpora.registry import CorpusSpec, corpora
from hf_assets.defs.common.automation import after_changes, trained_again
from hf_assets.defs.common.events import Skipped, materialized, skippable
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.partitions import base_models
from hf_assets.defs.common.pools import AFTER_THE_HUB, training_tags
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels import metadata
from hf_assets.defs.labels.paths import CorpusPaths, age_of_corpus
from hf_assets.defs.labels.training_config import TrainingConfig
from hf_assets.settings import settings
from hf_assets.storage.folders import replacing_folder


class QuantizationConfig(dg.Config):
    """How much an int8 graph may lose: by default 0.3 points of micro-F1 and 0.6 of macro-F1.

    On validation, at float32's threshold. Under a thousand validation texts, chance alone moves the
    measured loss by more than that.
    """

    max_loss: float = Field(
        default=LARGEST_LOSS,
        description="Micro-F1 on validation that an int8 graph may lose, as a share: 0.003 is 0.3 "
        "points. A loss counts where its 95 % interval lies above 0. Where more is allowed and "
        "lost, the check int8_loss warns.",
    )
    max_macro_loss: float = Field(
        default=LARGEST_MACRO_LOSS,
        description="Macro-F1 on validation that an int8 graph may lose, as a share: 0.006 is 0.6 "
        "points. A loss counts where its 95 % interval lies above 0.",
    )


class SpaceConfig(dg.Config):
    """Options of the published folder."""

    words: bool = Field(
        default=True,
        description="Let the small TF-IDF model answer with the network, where that is better on "
        "validation. false: the network alone.",
    )
    model_repo: str | None = Field(
        default=None,
        description="Id that the model will have on the Hub (author/name), for links and examples "
        "in its cards; null: that of HF_ASSETS_PUBLISH_TAGGERS, if it has one.",
    )
    languages: list[str] = Field(
        default=[],
        description="Languages of the texts for the model's card, codes of ISO 639 such as en; "
        "by default it names none.",
    )
    datasets: list[str] = Field(
        default=[],
        description="Datasets on the Hub (author/name) that the texts are from, for the model's "
        "card.",
    )


@contextmanager
def replacing(paths: CorpusPaths, *names: str) -> Generator[Path]:
    """An empty folder that replaces `paths.folder(*names)` when the block ends."""
    with (
        clear_failures(),
        replacing_folder(paths.folder(*names)) as folder,
        paths.reading(),
    ):
        yield folder


def classifier_assets(spec: CorpusSpec) -> Iterator[dg.AssetsDefinition]:
    """The assets of that corpus, from its baseline to the folder to publish."""
    name = spec.name
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
        op_tags=training_tags(spec),
    )

    @step(
        deps=[[name, "corpus"]],
        kinds={"sklearn"},
        automation_condition=after_changes([name, "corpus"]),
    )
    def baseline(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
        """Baselines of a corpus: predicting nothing, constant labels, and TF-IDF with an SVM."""
        from hf_assets.classifiers.evaluation import baselines

        paths = CorpusPaths(lake.tree, name)
        with replacing(paths, "baseline") as folder:
            corpus = paths.corpus
            record = baselines.fit(corpus, folder, log=context.log.info)
        age = metadata.age(age_of_corpus(spec, lake, corpus))
        return materialized(context, metadata.baseline(paths.folder("baseline"), record) | age)

    def again(parent: str) -> dg.AutomationCondition | None:
        return trained_again([name, parent]) if settings().retrain else None

    @each(
        deps=[[name, "corpus"]],
        automation_condition=again("corpus"),
        kinds={"pytorch", "transformers"},
        pool="training",
        op_tags=training_tags(spec, trains=True),
    )
    def classifier(
        context: dg.AssetExecutionContext, config: TrainingConfig, lake: LakeResource
    ) -> dg.MaterializeResult:
        """Classifier of the corpus's labels: a fine-tuned base model, or a head on a frozen one.

        A corpus of few rows gets what answers rows best that it did not learn from.

        Each epoch writes a checkpoint, from which a run that died goes on. A second run of the
        same base model waits for the first. The checkpoints of a lake on a store stay on the
        machine that trains: a run on another machine starts from the first epoch.
        """
        wait_passively()
        from hf_assets.classifiers.few_rows.choosing import fit_for
        from hf_assets.classifiers.training.train import train

        paths, log, own = CorpusPaths(lake.tree, name), context.log.info, settings()
        base = known_base_models(own.own_base_models).models[context.partition_key]
        recipe = base.adapted(config.recipe(context.log.warning))
        checkpoints = paths.folder(base.name, "checkpoints")
        with (
            clear_failures(),
            training_lock(checkpoints, log, own.lock_wait) as work,
            replacing(paths, base.name, "classifier") as folder,
        ):
            corpus = paths.corpus  # without one, no base model is downloaded
            encoder = locate(base, own.base_models, log)
            fit = fit_for(corpus, config.few_rows)
            record = train(corpus, encoder, folder, recipe, work, log, base=base, fit=fit)
        stored = paths.folder(base.name, "classifier")
        return materialized(context, metadata.classifier(stored, record))

    @each(
        deps=[classifier, [name, "corpus"]],
        kinds={"pytorch", "onnx"},
        automation_condition=again("classifier"),
    )
    def onnx_classifier(
        context: dg.AssetExecutionContext, lake: LakeResource
    ) -> dg.MaterializeResult:
        """ONNX graph of the classifier, for batches of any size; its logits equal torch's."""
        from hf_assets.classifiers.export.to_onnx import export

        paths, base = CorpusPaths(lake.tree, name), context.partition_key
        with replacing(paths, base, "onnx") as folder:
            corpus, model = paths.corpus, paths.model(base, "classifier")
            require_current(corpus, [model], ["classifier"])
            probes = corpus.split("validation").texts[:16]
            record = export(model / "classifier", folder, probes, log=context.log.info)
        return materialized(context, metadata.onnx(paths.folder(base, "onnx"), record))

    @each(
        deps=[onnx_classifier, [name, "corpus"]],
        kinds={"onnx"},
        automation_condition=again("onnx_classifier"),
    )
    def quantized_classifier(
        context: dg.AssetExecutionContext, config: QuantizationConfig, lake: LakeResource
    ) -> dg.MaterializeResult:
        """Int8 graph: the smallest that loses at most 0.3 points of micro-F1 and 0.6 of macro-F1.

        Of the graphs that answer a text alike alone and in any batch, where there is one.
        Candidates are measured on validation, as the tagger serves them, at float32's threshold.
        """
        from hf_assets.classifiers.export.quantize import quantize

        paths, base = CorpusPaths(lake.tree, name), context.partition_key
        with replacing(paths, base, "quantized") as folder:
            corpus, model = paths.corpus, paths.model(base, "classifier", "onnx")
            require_current(corpus, [model], ["onnx"])
            validation, log = corpus.split("validation"), context.log.info
            record = quantize(
                model / "onnx", folder, validation, log,
                training_texts=corpus.split("train").texts,
                max_loss=config.max_loss, max_macro_loss=config.max_macro_loss,
            )  # fmt: skip
        stored, age = paths.folder(base, "quantized"), age_of_corpus(spec, lake, corpus)
        return materialized(context, metadata.quantized(stored, record) | metadata.age(age))

    @step(
        deps=[[name, "corpus"], baseline, classifier, onnx_classifier, quantized_classifier],
        kinds={"matplotlib"},
        # The last step of a training: while others follow, there is nothing to score.
        automation_condition=after_changes([name, "quantized_classifier"]),
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
            corpus = paths.corpus
            if missing := corpus.facts.left_out_of_published:
                log(f"{missing} Scores are of the rows that remain.")
            if nameless := ", ".join(paths.nameless()):
                context.log.warning(
                    f"{nameless}: trained, and not measured, as HF_ASSETS_OWN_BASE_MODELS has no "
                    "valid entry of that name; correct it, or remove the folder"
                )
            board = measure(corpus, paths.stored("baseline"), paths.trained(), log)
            results.write(board, folder)
            write_figures(board, folder)
        stored = paths.folder("leaderboard")
        return materialized(context, metadata.leaderboard(stored, board, corpus.facts))

    @step(
        deps=[leaderboard, quantized_classifier, [name, "corpus"]],
        kinds={"huggingface", "onnx"},
        automation_condition=after_changes([name, "leaderboard"]),
        output_required=False,
    )
    @skippable
    def tagger_space(
        context: dg.AssetExecutionContext, config: SpaceConfig, lake: LakeResource
    ) -> dg.MaterializeResult:
        """Folder to upload to the Hub: the best int8 model, with TF-IDF where that is better."""
        from hf_assets.classifiers.evaluation.results import open_leaderboard
        from hf_assets.classifiers.publishing.space import Hints, write_space

        paths = CorpusPaths(lake.tree, name)
        with replacing(paths, "tagger_space") as folder:
            board = open_leaderboard(paths.stored("leaderboard"))
            if not board.record.best:
                raise Skipped(f"{name} has no int8 model: materialise quantized_classifier.")
            best = paths.model(board.record.best, "classifier", "quantized") / "quantized"
            repo = config.model_repo or settings().publish_taggers.get(name)
            hints = Hints(
                repo, paths.remark, config.words, tuple(config.languages), tuple(config.datasets)
            )
            published = write_space(folder, paths.corpus, best, board, context.log.info, hints)
        return materialized(context, metadata.space(paths.folder("tagger_space"), published))

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
    specs = corpora(settings().corpora).specs.values()
    return dg.Definitions(assets=[asset for spec in specs for asset in classifier_assets(spec)])
