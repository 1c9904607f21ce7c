"""Checks of corpora and classifiers, each a rule of its room. Not here: any rule."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg

from hf_assets.corpora import quality as corpus_rules
from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.registry import corpora
from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.partitions import base_models
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels.paths import CorpusPaths
from hf_assets.rule_result import RuleResult
from hf_assets.settings import settings
from hf_assets.storage.durable import read_folder

_CORPUS_RULES: dict[str, Callable[[Corpus], RuleResult]] = {
    "no_group_in_two_splits": corpus_rules.no_group_in_two_splits,
    "every_label_in_train_and_test": corpus_rules.every_label_in_train_and_test,
    "no_empty_text": corpus_rules.no_empty_text,
    "text_format_fits": corpus_rules.text_format_fits,
    "label_order_unchanged": lambda corpus: corpus_rules.label_order_unchanged(
        corpus, corpus.facts.get("labels before")
    ),
}


def _of_corpus(name: str) -> Iterator[dg.AssetChecksDefinition]:
    def of(rule: str, about: str, *, blocking: bool = False) -> dg.AssetChecksDefinition:
        def judged(lake: LakeResource, _: str) -> RuleResult:
            return _CORPUS_RULES[rule](CorpusPaths(lake.tree, name).corpus)

        return check([name, "corpus"], rule, judged, about, blocking=blocking, partitions=None)

    yield of(
        "no_group_in_two_splits",
        "Texts that say the same lie on one side: none is learnt from and measured on.",
        blocking=True,
    )
    yield of(
        "every_label_in_train_and_test",
        "Every label can be learnt, and is measured.",
    )
    yield of("no_empty_text", "Every row has a text and a label.", blocking=True)
    yield of(
        "text_format_fits",
        "Plain texts hold no markup; those that do were meant as HTML or Markdown, which the "
        "corpus' entry has to declare.",
    )
    yield of(
        "label_order_unchanged",
        "Labels keep their order, so that scores of an older classifier stay readable.",
    )


def _of_classifier(name: str) -> Iterator[dg.AssetChecksDefinition]:
    def of(
        asset: str, step: str, rule: str, about: str, *, blocking: bool = False
    ) -> dg.AssetChecksDefinition:
        def judged(lake: LakeResource, base: str) -> RuleResult:
            from hf_assets.classifiers import quality

            chain = CorpusPaths(lake.tree, name)
            with chain.reading():
                return getattr(quality, rule)(chain.given(base, step))

        return check([name, asset], rule, judged, about, blocking=blocking, partitions=base_models)

    yield of(
        "onnx_classifier",
        "onnx",
        "parity",
        "The graph gives torch's logits, to 1e-4.",
        blocking=True,
    )
    yield of(
        "quantized_classifier",
        "quantized",
        "int8_loss",
        "At most 0.3 points of micro-F1 are lost on validation, served as it will be; a warning "
        "where the config allowed more.",
        blocking=True,
    )
    yield of(
        "quantized_classifier",
        "quantized",
        "int8_size",
        "The graph has at most 0.30 of the bytes of float32's.",
    )
    yield _of_leaderboard(
        name, "beats_floors", "The tagger is better than every constant answer.", blocking=True
    )
    yield _of_leaderboard(
        name, "beats_tfidf", "The tagger is better than counting words; else think twice."
    )

    def label_order(lake: LakeResource, _: str) -> RuleResult:
        from hf_assets.classifiers import quality

        chain = CorpusPaths(lake.tree, name)
        return quality.label_order(list(chain.artefacts()), chain.corpus.folder)

    yield check(
        [name, "tagger_space"],
        "label_order",
        label_order,
        "Every artefact of the chain numbers the labels as the corpus does.",
        partitions=None,
    )

    def answers_alone(lake: LakeResource, _: str) -> RuleResult:
        from hf_assets.classifiers import quality

        chain = CorpusPaths(lake.tree, name)
        with chain.reading():
            return quality.answers_alone(served(chain.given("tagger_space")))

    yield check(
        [name, "tagger_space"],
        "answers_alone",
        answers_alone,
        "The folder loads and answers in a process that has neither torch nor transformers.",
        partitions=None,
    )


def served(space: Path) -> Path:
    """The folder of a Space that a tagger is loaded from."""
    return space / "model"


def _of_leaderboard(
    name: str, rule: str, about: str, *, blocking: bool = False
) -> dg.AssetChecksDefinition:
    def judged(lake: LakeResource, _: str) -> RuleResult:
        from hf_assets.classifiers.evaluation import rules
        from hf_assets.classifiers.evaluation.results import open_leaderboard

        board = read_folder(CorpusPaths(lake.tree, name).given("leaderboard"), open_leaderboard)
        return getattr(rules, rule)(board.rows)

    return check([name, "leaderboard"], rule, judged, about, blocking=blocking, partitions=None)


@dg.definitions
def label_checks() -> dg.Definitions:
    """All checks of each corpus and its classifiers."""
    names = corpora(settings().corpora)
    makers = (_of_corpus, _of_classifier)
    return dg.Definitions(
        asset_checks=[one for name in names for maker in makers for one in maker(name)]
    )
