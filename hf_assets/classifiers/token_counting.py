"""Counts the tokens of texts with the tokenizer of a base model that is on this machine."""

from collections.abc import Sequence
from pathlib import Path

from hf_assets.classifiers.training.base_models import BASE_MODELS, local_copy
from hf_assets.corpora.lengths import TokenCounter


def local_counter(folder: Path | None) -> TokenCounter | None:
    """Counts with the first base model's tokenizer that is here; None where none is.

    Those in a package come first: every machine with the same installation counts the same.

    Args:
        folder: local copies of base models.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError:  # without the extra `labels`
        return None
    for base in sorted(BASE_MODELS.values(), key=lambda base: base.package is None):
        copy = local_copy(base, folder)
        if copy is None or not (path := copy / "tokenizer.json").is_file():
            continue
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception:  # noqa: BLE001 - tokenizers raises nothing narrower; training says it
            continue
        tokenizer.no_padding()
        tokenizer.no_truncation()

        def count(texts: Sequence[str], tokenizer: Tokenizer = tokenizer) -> list[int]:
            return [len(encoding.ids) for encoding in tokenizer.encode_batch_fast(list(texts))]

        return TokenCounter(base.name, count)
    return None
