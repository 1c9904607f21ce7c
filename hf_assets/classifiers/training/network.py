"""The network behind a tagger: an encoder, its token states pooled, one linear layer.

Its shape, its files, its answers in torch. `train.py` trains it; `tagger.py` serves its graph
without any of this.
"""

import inspect
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any, get_args

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.nn.functional import normalize
from transformers import AutoTokenizer

from hf_assets.classifiers.encoders.reading import (
    NetworkError,
    freeze_below,
    most_tokens,
    quiet,
    read_encoder,
)
from hf_assets.classifiers.training.base_models import Pooling
from hf_assets.classifiers.training.batches import by_length, pad_id, token_ids
from hf_assets.classifiers.training.devices import (
    Attention,
    Computed,
    Device,
    device,
    torch_threads,
)
from hf_assets.errors import clean
from hf_assets.progress import TimedLog

HEAD_DROPOUT = 0.1
# The names that architectures have for the dropout within the encoder.
_DROPOUTS = (
    *("hidden_dropout_prob", "attention_probs_dropout_prob"),
    *("dropout", "attention_dropout", "embedding_dropout", "mlp_dropout"),
)
_ROWS = 8  # a batch on a CPU, at most: what these need stays in the cache of its core


class TagNetwork(torch.nn.Module):
    """An encoder (BERT, RoBERTa, DeBERTa …) with a linear head over its pooled states.

    Attributes:
        encoder, head: its parts.
        labels: the names of the logits, in their order.
        max_length: tokens that a text is cut to.
        pooling: "mean" of a text's states, or "cls": the first one.
        normalised: whether the head reads features of length 1, as centroids want them.
    """

    def __init__(
        self,
        encoder: Any,
        labels: Sequence[str],
        max_length: int,
        pooling: Pooling = "mean",
        *,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        limit = most_tokens(encoder)
        if max_length < 3 or (limit and max_length > limit):
            raise NetworkError(
                f"max_length is {max_length}, and this encoder takes 3 to {limit or 'any number'} "
                "tokens: set max_length in the run's config, or in the base model's entry"
            )
        if getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None  # a layer over the first token that nothing here reads
        self.encoder = encoder
        self.labels = tuple(labels)
        self.max_length = max_length
        self.pooling: Pooling = pooling
        self.normalised = normalised
        self.dropout = torch.nn.Dropout(HEAD_DROPOUT)
        self.head = torch.nn.Linear(encoder.config.hidden_size, len(self.labels))

    @property
    def input_names(self) -> tuple[str, ...]:
        """What the encoder reads; token_type_ids only where it tells types apart."""
        types = getattr(self.encoder.config, "type_vocab_size", None) or 0
        typed = types > 1 and "token_type_ids" in inspect.signature(self.encoder.forward).parameters
        return ("input_ids", "attention_mask", *(("token_type_ids",) if typed else ()))

    def computed(self, wanted: Computed) -> Computed:
        """The format that its products can be trained in, of the wanted one."""
        # transformers masks its attention with a number that bfloat16 does not have.
        return "float32" if self.encoder.config.model_type == "deberta" else wanted

    def pooled(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The features of each row, float32 [rows, width]; padding counts for nothing.

        The three arguments are int64 [rows, tokens]; without token types all are of type 0.
        """
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **types)
        states = states.last_hidden_state.float()
        if self.pooling == "cls":
            return states[:, 0]
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        return (states * mask).sum(1) / mask.sum(1).clamp(min=1.0)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Logits [rows, labels]; a sigmoid makes them scores."""
        pooled = self.pooled(input_ids, attention_mask, token_type_ids)
        return self.head(normalize(pooled) if self.normalised else self.dropout(pooled))


def new_network(
    encoder: Path,
    labels: Sequence[str],
    max_length: int,
    attention: Attention | None = None,
    dropout: float = 0.0,
    *,
    pooling: Pooling = "mean",
    layers_to_train: int | None = None,
) -> TagNetwork:
    """A pretrained encoder and an untrained head, in float32, on the CPU.

    The head's weights are drawn from torch's generator: seed it first.

    Args:
        dropout: of the encoder's hidden states. Attention has none: it costs a fifth of a step.
        pooling: of the states of a text, to its features.
        layers_to_train: the topmost; those below and the embeddings are frozen. None: none is.

    Raises:
        NetworkError: the folder holds no encoder that works here, or not so many layers.
    """
    dropouts = dict.fromkeys(_DROPOUTS, 0.0) | {"hidden_dropout_prob": dropout}
    body = read_encoder(encoder, attention or device().attention, **dropouts)
    network = TagNetwork(body, labels, max_length, pooling)
    if layers_to_train is not None:
        freeze_below(body, layers_to_train)
    return network


def load_tokenizer(folder: Path) -> Any:
    """The fast tokenizer in that folder.

    Raises:
        NetworkError: there is none, or it frames no text by tokens of its own.
    """
    try:
        with quiet():
            tokenizer: Any = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except Exception as error:
        if (folder / "tokenizer.json").is_file() and "trust_remote_code" not in str(error):
            raise
        reason = clean(str(error).strip().partition("\n")[0])
        raise NetworkError(
            f"{folder} gives no fast tokenizer ({reason}): it needs a tokenizer.json. Where the "
            "Hub has none for the base model, load it once with AutoTokenizer where sentencepiece "
            "and tiktoken are installed, and store it with save_pretrained"
        ) from None
    if not tokenizer.is_fast:
        raise NetworkError(f"{folder} gives no fast tokenizer: it needs a tokenizer.json")
    if not tokenizer.num_special_tokens_to_add():
        raise NetworkError(
            f"the tokenizer in {folder} adds no opening or closing token to a text, as those of "
            "encoders do: take a base model with such a one (BERT, RoBERTa, DeBERTa, ModernBERT …)"
        )
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
        metadata=_about(network),
    )
    labels = json.dumps({"labels": list(network.labels)}, ensure_ascii=False, indent=1)
    (folder / "labels.json").write_text(labels + "\n", encoding="utf-8")


def _about(network: TagNetwork) -> dict[str, str]:
    about = {"max_length": str(network.max_length)}
    if network.pooling == "mean" and not network.normalised:
        return about
    about |= {"pooling": network.pooling, "normalised": str(network.normalised)}
    # In a single value: safetensors writes several in any order, and a fingerprint is of the bytes.
    return {"network": json.dumps(about)}


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
            about = json.loads(about.get("network", "null")) or about
    except SafetensorError as error:
        what = f"{folder / 'head.safetensors'} cannot be read ({error}): train the classifier again"
        raise NetworkError(what) from error
    encoder = read_encoder(folder / "encoder", attention or device().attention)
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
    pooling = about.get("pooling", "mean")
    if pooling not in get_args(Pooling):
        raise NetworkError(f"{folder / 'head.safetensors'} names an unknown pooling: {pooling!r}")
    network = TagNetwork(
        *(encoder, labels, int(about["max_length"]), pooling),
        normalised=about.get("normalised") == "True",
    )
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
    """The features of each text, float32 [texts, width], in the order of the texts.

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
    batches = by_length(rows, batch, pad_id(tokenizer))
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
