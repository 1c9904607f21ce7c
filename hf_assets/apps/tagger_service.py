"""Answers from the models that were found: the same for the page and for its API.

What belongs here: what may be asked, and what is meant by it. What does not: how an answer is shown
(`tagger.py`), how a model is found and loaded (`trained.py`).
"""

from typing import Any, NamedTuple

import numpy as np

from hf_assets.apps.trained import Taggers, Trained
from hf_assets.classifiers.guard import too_long
from hf_assets.classifiers.tagger import NotATagger, NotFinite, Tag, refusal
from hf_assets.corpora.corpus import joined


class Refused(ValueError):
    """A question that has no answer; the message says what to give instead."""


class Answer(NamedTuple):
    """All labels with their scores, best first; the threshold that was meant, and the tuned one."""

    ranked: list[Tag]
    threshold: float
    tuned: float

    @property
    def fit(self) -> list[Tag]:
        """Those that reach the threshold."""
        # Scores are float32: a threshold that is one of them must not miss it by its rounding.
        return [tag for tag in self.ranked if tag.score >= np.float32(self.threshold)]


class TaggerService:
    """Answers what the page and the API ask, from the models that were found."""

    def __init__(self, models: dict[str, Trained]) -> None:
        self.models = models
        self._taggers = Taggers()

    def answer(self, corpus: Any, title: Any, text: Any, threshold: Any) -> Answer:
        """What the model of that corpus says of that text.

        Raises:
            Refused: there is no such corpus, nothing to read, or no model that can be loaded.
        """
        if not isinstance(corpus, str) or corpus not in self.models:
            raise Refused(
                f"There is no corpus {corpus!r:.50}: choose from {', '.join(self.models)}"
            )
        for name, given in (("title", title), ("text", text)):
            if why := refusal(given):
                raise Refused(f"The {name} cannot be read: {why}")
        if why := too_long(title, text):
            raise Refused(why)
        question = joined([title, text])
        if not question:
            raise Refused("There is nothing to read yet: write a title or a text")
        try:
            tagger = self._taggers.get(self.models[corpus].folder)
            meant = _threshold(threshold, tagger.threshold)
            return Answer(tagger.predict([question], threshold=0)[0], meant, tagger.threshold)
        except (NotATagger, NotFinite) as error:
            raise Refused(f"The model cannot answer: {error}") from error


def _threshold(given: Any, tuned: float) -> float:
    """The threshold that was meant. A slider that stands at the tuned one shows it rounded."""
    if given is None or given == on_slider(tuned):
        return tuned
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
        raise Refused(f"The threshold must be a number from 0 to 1, not {given!r:.50}")
    return float(given)


def on_slider(threshold: float) -> float:
    """A threshold as the page's slider shows it."""
    return round(threshold, 3)
