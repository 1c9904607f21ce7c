"""The network behind a tagger: an encoder, the mean of its token states, one linear layer.

Its shape, its files, its answers in torch. `train.py` trains it; `tagger.py` serves its graph
without any of this.
"""

import json
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging
from transformers.utils.logging import is_progress_bar_enabled

from hf_assets.classifiers.training import base_models
from hf_assets.classifiers.training.batches import by_length, token_ids
from hf_assets.classifiers.training.devices import (
    Attention,
    Computed,
    Device,
    device,
    torch_threads,
)
from hf_assets.errors import InputError
from hf_assets.progress import TimedLog

HEAD_DROPOUT = 0.1
_ROWS = 8  # a batch on a CPU, at most: what these need stays in the cache of its core


class NetworkError(InputError):
    """Files are missing, or do not make the network they say they are."""


class TagNetwork(torch.nn.Module):
    """An encoder (BERT, RoBERTa, DeBERTa …) with a linear head over its mean-pooled states.

    Attributes: labels, the names of the logits in their order; max_length, the tokens that a text
    is cut to; encoder; head.
    """

    def __init__(self, encoder: Any, labels: Sequence[str], max_length: int) -> None:
        super().__init__()
        limit = _positions(encoder.config)
        if not 3 <= max_length <= limit:
            raise NetworkError(
                f"max_length is {max_length}, and this encoder takes 3 to {limit} tokens"
            )
        if getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None  # a layer over the first token that nothing here reads
        self.encoder = encoder
        self.labels = tuple(labels)
        self.max_length = max_length
        self.dropout = torch.nn.Dropout(HEAD_DROPOUT)
        self.head = torch.nn.Linear(encoder.config.hidden_size, len(self.labels))

    @property
    def input_names(self) -> tuple[str, ...]:
        """What the encoder reads; token_type_ids only where it tells types apart."""
        types = getattr(self.encoder.config, "type_vocab_size", 0)
        return ("input_ids", "attention_mask", *(("token_type_ids",) if types > 1 else ()))

    def pooled(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The mean state of each row's tokens, float32 [rows, width]; padding counts for nothing.

        The three arguments are int64 [rows, tokens]; without token types all are of type 0.
        """
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **types)
        states = states.last_hidden_state.float()
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        return (states * mask).sum(1) / mask.sum(1).clamp(min=1.0)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Logits [rows, labels]; a sigmoid makes them scores."""
        return self.head(self.dropout(self.pooled(input_ids, attention_mask, token_type_ids)))


def new_network(
    encoder: Path,
    labels: Sequence[str],
    max_length: int,
    attention: Attention | None = None,
    dropout: float = 0.0,
) -> TagNetwork:
    """A pretrained encoder and an untrained head, in float32, on the CPU.

    The head's weights are drawn from torch's generator: seed it first. `dropout`: of the encoder's
    hidden states. Attention has none: it costs a fifth of a step.
    """
    dropouts = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": 0.0}
    return TagNetwork(_encoder(encoder, attention, **dropouts), labels, max_length)


def load_tokenizer(folder: Path) -> Any:
    """The fast tokenizer in that folder."""
    tokenizer: Any = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    if not tokenizer.is_fast:
        raise NetworkError(f"{folder} gives no fast tokenizer: it needs a tokenizer.json")
    return tokenizer


def save_network(network: TagNetwork, tokenizer: Any, folder: Path) -> None:
    """Write encoder/, head.safetensors, labels.json and the tokenizer, which then cuts texts."""
    with quiet():
        network.encoder.save_pretrained(folder / "encoder")
        tokenizer.model_max_length = network.max_length
        tokenizer.backend_tokenizer.enable_truncation(network.max_length)
        tokenizer.backend_tokenizer.no_padding()
        tokenizer.save_pretrained(folder)
    head = {"weight": network.head.weight, "bias": network.head.bias}
    save_file(
        {name: tensor.detach().float().cpu().contiguous() for name, tensor in head.items()},
        folder / "head.safetensors",
        metadata={"max_length": str(network.max_length)},
    )
    labels = json.dumps({"labels": list(network.labels)}, ensure_ascii=False, indent=1)
    (folder / "labels.json").write_text(labels + "\n", encoding="utf-8")


def load_network(folder: Path, attention: Attention | None = None) -> TagNetwork:
    """The network that `save_network` wrote, in evaluation mode, in float32, on the CPU.

    Raises:
        NetworkError: a file is missing, or the head is not one for these labels and this encoder.
    """
    for name in ("encoder", "head.safetensors", "labels.json"):
        if not (folder / name).exists():
            raise NetworkError(f"{folder} is an incomplete classifier: it has no {name}")
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))["labels"]
    try:
        with safe_open(folder / "head.safetensors", "pt") as file:
            head = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about = file.metadata() or {}
    except SafetensorError as error:
        what = f"{folder / 'head.safetensors'} cannot be read ({error}): train the classifier again"
        raise NetworkError(what) from error
    encoder = _encoder(folder / "encoder", attention)
    width = encoder.config.hidden_size
    shapes = {name: tuple(tensor.shape) for name, tensor in head.items()}
    expected = {"weight": (len(labels), width), "bias": (len(labels),)}
    if shapes != expected:
        raise NetworkError(
            f"{folder / 'head.safetensors'} holds {shapes}; {len(labels)} labels over {width} "
            f"features need {expected}: train the classifier again"
        )
    if "max_length" not in about:
        raise NetworkError(f"{folder / 'head.safetensors'} does not say its max_length")
    network = TagNetwork(encoder, labels, int(about["max_length"]))
    network.head.load_state_dict(head)
    return network.eval()


def features(
    network: TagNetwork,
    tokenizer: Any,
    texts: Sequence[str],
    batch: int = 32,
    log: Callable[[str], None] = lambda _: None,
    *,
    dtype: Computed = "float32",
) -> np.ndarray:
    """The encoder's features of each text, float32 [texts, width], in the order of the texts.

    The same to the last bit whatever the number of threads. `dtype`: of its products.
    `log` takes lines of progress.
    """
    width = network.head.in_features
    return _answers(network, network.pooled, width, tokenizer, texts, batch, dtype, log)


def predict(
    network: TagNetwork, tokenizer: Any, texts: Sequence[str], batch: int = 32
) -> np.ndarray:
    """Scores of each text, float32 [texts, labels], 0 to 1: computed in float32, without dropout.

    Texts of one length share a batch, so that padding costs little; the same to the last bit
    whatever the number of threads. The network is left in evaluation mode, on the GPU where there
    is one.
    """
    logits = _answers(network, network, len(network.labels), tokenizer, texts, batch, "float32")
    return torch.sigmoid(torch.from_numpy(logits)).numpy()


def _answers(
    network: TagNetwork,
    ask: Any,
    width: int,
    tokenizer: Any,
    texts: Sequence[str],
    batch: int,
    dtype: Computed,
    log: Callable[[str], None] = lambda _: None,
) -> np.ndarray:
    at: Device = device()
    network.eval().to(at.kind)
    rows = token_ids(tokenizer, texts, network.max_length)
    answers = np.empty((len(texts), width), np.float32)
    threads = torch.get_num_threads()
    # A batch a core, not all cores a batch: threads that share a product wait for one another at
    # the end of each, twice as long where another program has one of the cores. They would add up
    # in another order, too: so the number of threads decides who computes a batch, and no more.
    workers = 1
    if at.kind == "cpu":
        batch = min(batch, _ROWS)
        workers = min(threads, -(-len(rows) // batch)) or 1
    batches = by_length(rows, batch, tokenizer.pad_token_id)
    # The longest texts come first: the share of tokens says more of the time than that of texts.
    progress = TimedLog(log, sum(map(len, rows)), "their tokens")
    lock, done, tokens = Lock(), 0, 0

    def draw() -> Any:
        with lock:
            return next(batches, None)

    def work(progress: TimedLog | None = None) -> None:
        nonlocal done, tokens
        with torch.inference_mode(), at.autocast(dtype):
            while (drawn := draw()) is not None:
                positions, inputs = drawn
                answer = ask(**{name: tensor.to(at.kind) for name, tensor in inputs.items()})
                answers[positions] = answer.float().cpu().numpy()
                with lock:
                    done += len(positions)
                    tokens += sum(len(rows[position]) for position in positions)
                if progress:
                    progress.at(tokens, f"{done:,} of {len(rows):,} texts encoded")

    with torch_threads(1 if at.kind == "cpu" else threads), ThreadPoolExecutor(workers) as pool:
        others = [pool.submit(work) for _ in range(workers - 1)]
        try:
            work(progress)
        finally:
            with lock:
                batches.close()  # so that the others end where this one failed
        for other in others:
            other.result()
    return answers


def _encoder(folder: Path, attention: Attention | None, **config: Any) -> Any:
    wanted = attention or device().attention
    with quiet():
        try:
            read = AutoConfig.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, **config
            )
            kind: Any = AutoModel._model_mapping[type(read)]
            encoder, loaded = AutoModel.from_pretrained(
                folder,
                config=read,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                attn_implementation=wanted if kind._supports_sdpa else "eager",
                output_loading_info=True,
            )
        except Exception as error:
            if why := base_models.why_unreadable(folder, error):
                raise NetworkError(why) from None  # its text has signs for terminals
            raise
    missing = [name for name in loaded["missing_keys"] if not name.startswith("pooler.")]
    if missing or loaded["mismatched_keys"]:
        wrong = ", ".join(sorted(map(str, [*missing, *loaded["mismatched_keys"]]))[:5])
        raise NetworkError(f"the weights in {folder} do not fill the encoder: {wrong}")
    return encoder


def _positions(config: Any) -> int:
    # RoBERTa counts positions from the padding id + 1.
    offset = (config.pad_token_id or 0) + 1 if config.model_type == "roberta" else 0
    return config.max_position_embeddings - offset


@contextmanager
def quiet() -> Generator[None]:
    """No bars and load reports of transformers in the run log; what matters is raised here."""
    before, shown = transformers_logging.get_verbosity(), is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before)
        if shown:
            transformers_logging.enable_progress_bar()
