"""The wide columns of the embedded archive: cards with what the world puts in them, configs,
file lists."""

import numpy as np
import pyarrow as pa

from hf_assets.demo.world.draws import Draws, Index
from hf_assets.demo.world.vocabulary import quoted

# What was found in cards, or might be: each is text to whoever reads the file, and nothing else.
JUNK = (
    '{"configs": [{"data_files": "{{ cycler.__init__.__globals__ }}"}]}',
    '{"configs": [{"config_name": "default", "data_files": ["../../../etc/passwd"]}]}',
    '{"license": "mit", "model-index": [{"name": "<img src=x onerror=alert(1)>"}]}',
    '{"license": NaN, "score": Infinity}',
    '{"license": "apache-2.0", "license": {"name": ["a"]}}',
    '{"tags": ["a", ',
    "!!python/object/apply:os.getcwd []",
    '{"title": "\\ud800 \\u0000", "language": 404}',
    '"{\\"license\\": \\"mit\\"}"',
    "null",
    "",
    '{"base_model": ' + "[" * 400 + "]" * 400 + "}",
    "=cmd|' /C calc'!A0",
)
JUNK_SHARE = 0.004
_MOST_FILES = 48
_ARCHITECTURES = ("LlamaForCausalLM", "Qwen2ForCausalLM", "BertModel", "GemmaForCausalLM",
                  "T5ForConditionalGeneration", "ViTForImageClassification")  # fmt: skip


def card(license_name: str | None, place: float, number: int) -> str | None:
    """A card's metadata as the file has it: a JSON string, mostly.

    Args:
        license_name: named in it.
        place: 0..1, which of the cards it is: the first are junk, a third are missing.
        number: the repository's own.
    """
    if place < JUNK_SHARE:
        return JUNK[number % len(JUNK)]
    if license_name is None and place < 0.35:
        return None
    named = "" if license_name is None else f'"license": {quoted(license_name)}, '
    return (
        f'{{{named}"language": ["en"], "tags": ["generated_from_trainer"], '
        f'"model-index": [{{"name": "run-{number}", "results": '
        f'[{{"metrics": [{{"type": "loss", "value": {place:.12f}}}]}}]}}]}}'
    )


def configuration(draws: Draws, index: Index) -> pa.Array:
    """Each one's config as a JSON string; 30 % have none."""
    there = (draws.uniform("config", index) < 0.7).tolist()
    parts = [draws.bits(f"config {nth}", index).tolist() for nth in range(3)]
    return pa.array(
        [
            f'{{"architectures": ["{_ARCHITECTURES[a % 6]}"], "tokenizer_config": '
            f'{{"bos_token": "<s>", "chat_template": "{a:016x}{b:016x}{c:016x}"}}}}'
            if yes
            else None
            for yes, a, b, c in zip(there, *parts, strict=True)
        ],
        pa.large_string(),
    )


def file_lists(draws: Draws, index: Index) -> pa.ListArray:
    """Each one's files, 3 to 48 of them."""
    names = ["README.md", ".gitattributes", "config.json"]
    names += [f"model-{at:05d}-of-00048.safetensors" for at in range(1, 49)]
    names += [f"checkpoint-{at * 250}/optimizer-{at * 7919 % 65521:04x}.bin" for at in range(2000)]
    pool = pa.StructArray.from_arrays([pa.array(names)], names=["rfilename"])
    count = np.minimum(2 + draws.uniform("files", index) ** -0.9, _MOST_FILES).astype(np.int64)
    owner = np.repeat(np.arange(len(index)), count)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    run = draws.integers("run", index, 1900)[owner]
    which = np.where(nth < 3, nth, np.where(run % 3 > 0, nth % 48 + 3, 51 + run + nth))
    offsets = np.concatenate(([0], np.cumsum(count))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pool.take(pa.array(which)))
