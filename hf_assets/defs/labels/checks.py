"""Checks of sources, corpora and classifiers; the rules are in `corpora` and `classifiers`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg

from hf_assets.corpora import quality as corpus_rules
from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.registry import corpora
from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.partitions import base_models, daily
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels.metadata import labelled
from hf_assets.defs.labels.paths import CorpusPaths
from hf_assets.rule_result import RuleResult
from hf_assets.settings import settings
from hf_assets.storage.folders import read_folder
from hf_assets.storage.lake import today

_CORPUS_RULES: dict[str, Callable[[Corpus], RuleResult]] = {
    "no_group_in_two_splits": corpus_rules.no_group_in_two_splits,
    "no_author_in_two_splits": corpus_rules.no_author_in_two_splits,
    "every_label_in_train_and_test": corpus_rules.every_label_in_train_and_test,
    "no_empty_text": corpus_rules.no_empty_text,
    "text_format_fits": corpus_rules.text_format_fits,
    "label_order_unchanged": lambda corpus: corpus_rules.label_order_unchanged(
        corpus, corpus.facts.labels_before
    ),
    "published_rows_kept": corpus_rules.published_rows_kept,
}


def _of_corpus(name: str, *, of_hub: bool = False) -> Iterator[dg.AssetChecksDefinition]:
    def of(rule: str, about: str, *, blocking: bool = False) -> dg.AssetChecksDefinition:
        def evaluate(lake: LakeResource, _: str) -> RuleResult:
            paths = CorpusPaths(lake.tree, name)
            if rule == "texts_read_whole":
                return corpus_rules.texts_read_whole(paths.corpus, paths.tokens_read())
            return _CORPUS_RULES[rule](paths.corpus)

        return check([name, "corpus"], rule, evaluate, about, blocking=blocking, partitions=None)

    yield of(
        "no_group_in_two_splits",
        "Duplicate texts are in one split: none is both trained on and tested on.",
        blocking=True,
    )
    if of_hub:
        yield of(
            "no_author_in_two_splits",
            "All models of an author are in one split: near copies would flatter every score.",
            blocking=True,
        )
    yield of(
        "every_label_in_train_and_test",
        "Every label has rows in train and in test.",
    )
    yield of("no_empty_text", "Every row has a text and a label.", blocking=True)
    yield of(
        "text_format_fits",
        "Plain texts contain no markup; a corpus of HTML or Markdown must declare `format`.",
    )
    yield of(
        "label_order_unchanged",
        "Labels keep their order, so that scores of an earlier classifier stay comparable.",
    )
    yield of(
        "texts_read_whole",
        f"At most {corpus_rules.MOST_CUT:.0%} of the texts are longer than the tokens that each "
        "trained model reads, or a training by default.".replace("%", " %"),
    )
    yield of(
        "published_rows_kept",
        "Every row of a published validation or test split is in the corpus: else a score here is "
        "not one on that split.",
    )


def _of_classifier(name: str) -> Iterator[dg.AssetChecksDefinition]:
    def of(
        asset: str, step: str, rule: str, about: str, *, blocking: bool = False
    ) -> dg.AssetChecksDefinition:
        def evaluate(lake: LakeResource, base: str) -> RuleResult:
            from hf_assets.classifiers import quality

            paths = CorpusPaths(lake.tree, name)
            with paths.reading():
                return labelled(getattr(quality, rule)(paths.stored(base, step)))

        return check(
            [name, asset], rule, evaluate, about, blocking=blocking, partitions=base_models
        )

    yield of(
        "onnx_classifier",
        "onnx",
        "parity",
        "The graph's logits equal torch's to 1e-4.",
        blocking=True,
    )
    yield of(
        "quantized_classifier",
        "quantized",
        "int8_loss",
        "The int8 graph loses at most 0.3 points of micro-F1 and 0.6 of macro-F1 (or no more than "
        "chance explains) on validation; a warning where the config allowed more, and where the "
        "texts are too few to show it.",
        blocking=True,
    )
    yield of(
        "quantized_classifier",
        "quantized",
        "int8_size",
        "The int8 graph has at most 30 % of the file size of float32.",
    )
    yield _of_leaderboard(
        name,
        "beats_floors",
        "The tagger has a higher micro-F1 than every constant answer.",
        blocking=True,
    )
    yield _of_leaderboard(
        name, "beats_tfidf", "The tagger has a higher micro-F1 than TF-IDF with a linear SVM."
    )

    def label_order(lake: LakeResource, _: str) -> RuleResult:
        from hf_assets.classifiers import quality

        paths = CorpusPaths(lake.tree, name)
        return labelled(quality.label_order(list(paths.artefacts()), paths.corpus.folder))

    yield check(
        [name, "tagger_space"],
        "label_order",
        label_order,
        "Every artefact numbers the labels as the corpus does.",
        partitions=None,
    )

    def answers_alone(lake: LakeResource, _: str) -> RuleResult:
        from hf_assets.classifiers import quality

        paths = CorpusPaths(lake.tree, name)
        with paths.reading():
            return labelled(quality.answers_alone(served(paths.stored("tagger_space"))))

    yield check(
        [name, "tagger_space"],
        "answers_alone",
        answers_alone,
        "The folder loads and answers in a process without torch and transformers.",
        partitions=None,
    )


def _of_source(
    name: str, labelled: float, partitions: dg.PartitionsDefinition | None
) -> dg.AssetChecksDefinition:
    def evaluate(lake: LakeResource, day: str) -> RuleResult:
        return corpus_rules.texts_usable(lake.tree.read(name, day or None), labelled)

    about = f"Ids are unique, texts have words, and at least {labelled:.0%} of them have a label."
    return check(name, "texts_usable", evaluate, about.replace("%", " %"), partitions=partitions)


def _questions_complete(lake: LakeResource, day: str) -> RuleResult:
    stored = lake.tree.read("new_questions", day)
    return corpus_rules.day_complete(stored, "new_questions", today())


def _of_sources() -> Iterator[dg.AssetChecksDefinition]:
    # A question has a tag at least, while most datasets of Kaggle have none.
    yield _of_source("question_dump", 0.98, None)
    yield _of_source("new_questions", 0.98, daily)
    yield _of_source("dataset_dump", 0.1, None)
    yield _of_source("new_datasets", 0.1, daily)
    about = "The day was over when its questions were fetched, or is not over yet."
    yield check("new_questions", "day_complete", _questions_complete, about)


def served(space: Path) -> Path:
    """The folder in a Space that holds the tagger."""
    return space / "model"


def _of_leaderboard(
    name: str, rule: str, about: str, *, blocking: bool = False
) -> dg.AssetChecksDefinition:
    def evaluate(lake: LakeResource, _: str) -> RuleResult:
        from hf_assets.classifiers.evaluation import rules
        from hf_assets.classifiers.evaluation.results import open_leaderboard

        board = read_folder(CorpusPaths(lake.tree, name).stored("leaderboard"), open_leaderboard)
        return labelled(getattr(rules, rule)(board.rows))

    return check([name, "leaderboard"], rule, evaluate, about, blocking=blocking, partitions=None)


def checks_of(name: str, *, of_hub: bool = False) -> Iterator[dg.AssetChecksDefinition]:
    """All checks of that corpus and its classifiers."""
    yield from _of_corpus(name, of_hub=of_hub)
    yield from _of_classifier(name)


@dg.definitions
def label_checks() -> dg.Definitions:
    """All checks of the sources, and of each corpus and its classifiers."""
    specs = corpora(settings().corpora).specs.values()
    of_corpora = (each for spec in specs for each in checks_of(spec.name, of_hub=spec.of_hub))
    return dg.Definitions(asset_checks=[*_of_sources(), *of_corpora])
