"""Answers of the tagger page and of its API."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from hf_assets.apps.trained import Taggers, Trained
from hf_assets.classifiers.guard import too_long
from hf_assets.classifiers.meaning import meaning
from hf_assets.classifiers.tagger import NotATagger, NotFinite, Tag, Tagger, refusal
from hf_assets.corpora.corpus import joined

# Of one question: at five milliseconds each, half a minute.
MOST_TEXTS = 5_000
# Of a text among several: a threshold of 0 has every label fit.
MOST_LABELS = 50


class Refused(ValueError):
    """An invalid question; the message says what is valid."""


class Answer(NamedTuple):
    """All labels with their scores, best first; the chosen threshold and the tuned one; whether the
    model knows a word of the text.
    """

    ranked: list[Tag]
    threshold: float
    tuned: float
    is_read: bool = True

    @property
    def fit(self) -> list[Tag]:
        """The labels that reach the threshold."""
        # Scores are float32: a threshold equal to a score must not miss it by rounding.
        return [tag for tag in self.ranked if tag.score >= np.float32(self.threshold)]

    @property
    def meaning(self) -> str:
        """What the best score says where no label fits, or none can; else empty."""
        return meaning(self.ranked[0], self.threshold, is_read=self.is_read)


class TaggerService:
    """Answers questions from the models of a lake."""

    def __init__(self, models: dict[str, Trained]) -> None:
        self.models = models
        self._taggers = Taggers()

    def answer(self, corpus: Any, title: Any, text: Any, threshold: Any) -> Answer:
        """The labels of a text, from the model of a corpus.

        Raises:
            Refused: there is no such corpus, nothing to read, or no model that can be loaded.
        """
        question = _question(title, text)
        if not question:
            raise Refused("There is nothing to read yet: write a title or a text")
        answer = next(self._answers(corpus, [question], threshold, None))
        assert answer is not None, "only an empty text has none"
        return answer

    def each(self, corpus: Any, texts: Any, threshold: Any) -> Iterator[Answer | None]:
        """The labels of each text, 50 at most, in order; None where it is empty.

        Raises:
            Refused: as `answer`, before the first; or there are too many texts.
        """
        if not isinstance(texts, list | tuple):
            raise Refused(f"A list of texts is wanted, not {texts!r:.50}")
        if len(texts) > MOST_TEXTS:
            raise Refused(
                f"{len(texts):,} texts are too many: the limit is {MOST_TEXTS:,}, ask in parts"
            )
        questions = []
        for number, text in enumerate(texts, 1):
            try:
                questions.append(_question("", text))
            except Refused as refused:
                raise Refused(f"Text {number}: {refused}") from None
        return self._answers(corpus, questions, threshold, MOST_LABELS)

    def _answers(
        self, corpus: Any, questions: list[str], threshold: Any, most: int | None
    ) -> Iterator[Answer | None]:
        if not isinstance(corpus, str) or corpus not in self.models:
            raise Refused(
                f"There is no corpus {corpus!r:.50}: choose from {', '.join(self.models)}"
            )
        try:
            tagger = self._taggers.get(self.models[corpus].folder)
        except NotATagger as error:
            raise _cannot(error) from error
        meant = _threshold(threshold, tagger.threshold)
        return (_answer(tagger, question, meant, most) for question in questions)


def _question(title: Any, text: Any) -> str:
    """Title and text as the model reads them; empty where both are."""
    for name, given in (("title", title), ("text", text)):
        if why := refusal(given):
            raise Refused(f"The {name} cannot be read: {why}")
    if why := too_long(title, text):
        raise Refused(why)
    return joined([title, text])


def _answer(tagger: Tagger, question: str, threshold: float, most: int | None) -> Answer | None:
    if not question:
        return None
    try:
        ranked = tagger.predict([question], k=most, threshold=0)[0]
    except NotFinite as error:
        raise _cannot(error) from error
    return Answer(ranked, threshold, tagger.threshold, tagger.reads(question))


def _cannot(error: Exception) -> Refused:
    return Refused(f"The model cannot answer: {error}")


def _threshold(given: Any, tuned: float) -> float:
    """The chosen threshold. The slider shows the tuned threshold rounded."""
    if given is None or given == on_slider(tuned):
        return tuned
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
        raise Refused(f"The threshold must be a number from 0 to 1, not {given!r:.50}")
    return float(given)


def on_slider(threshold: float) -> float:
    """A threshold as the page's slider shows it."""
    return round(threshold, 3)
