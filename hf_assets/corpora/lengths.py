"""How many texts of a corpus are longer than what a model reads of them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl

# Tokens that a model is trained to read: the default, twice that, and the limit of most encoders.
LIMITS = (128, 256, 512)
# Texts that are counted, evenly spaced, where there are more: 20 000 take some seconds.
_MOST_COUNTED = 20_000
# Tokens of a word, without the two at the ends, where no tokenizer is at hand. BERT's WordPiece has
# 1.35 and 1.37 on questions of biology and robotics, 1.26 on those of ai; the shares are then right
# to 5 points.
_TOKENS_A_WORD, _ENDS = 1.35, 2
_ESTIMATE = f"estimate: {_TOKENS_A_WORD} tokens a word"


@dataclass(frozen=True)
class TokenCounter:
    """A tokenizer, by name; `count` gives the number of tokens of each text, with both ends."""

    name: str
    count: Callable[[Sequence[str]], Sequence[int]]


class TokenLengths(msgspec.Struct, frozen=True):
    """Texts that are longer than a number of tokens.

    Attributes:
        by: the tokenizer, or by which factor words were taken for tokens.
        estimated: no tokenizer was at hand.
        texts: how many were counted, evenly spaced among all.
        beyond: share of those with more tokens, by the number of tokens.
        median: tokens of the middle one.
    """

    by: str
    estimated: bool
    texts: int
    beyond: dict[str, float]
    median: int

    def cut_at(self, length: int) -> tuple[float, float]:
        """The share of texts of which a model that reads so many tokens leaves some unread.

        At least and at most: the same where the length is one of those that were counted.
        """
        counted = {int(limit): share for limit, share in self.beyond.items()}
        return (
            max((share for limit, share in counted.items() if limit >= length), default=0.0),
            min((share for limit, share in counted.items() if limit <= length), default=1.0),
        )


def token_lengths(texts: pl.Series, counter: TokenCounter | None) -> TokenLengths:
    """The shares of texts beyond each of `LIMITS`; an estimate where no counter is given."""
    step = max(1, math.ceil(len(texts) / _MOST_COUNTED))
    sample = texts.gather_every(step)
    if counter is None:
        words = sample.str.count_matches(r"\S+").to_numpy()
        lengths = np.rint(words * _TOKENS_A_WORD + _ENDS)
    else:
        lengths = np.asarray(counter.count(sample.to_list()), np.int64)
    return TokenLengths(
        by=counter.name if counter else _ESTIMATE,
        estimated=counter is None,
        texts=len(sample),
        beyond={str(limit): round(float((lengths > limit).mean()), 4) for limit in LIMITS},
        median=int(np.median(lengths)),
    )
