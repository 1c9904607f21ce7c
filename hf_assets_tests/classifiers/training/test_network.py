"""The network: three architectures by shape, MiniLM by its answers."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.classifiers.training.batches import by_length, padded
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.devices import Computed, Device, torch_threads
from hf_assets.classifiers.training.network import (
    NetworkError,
    TagNetwork,
    features,
    load_network,
    load_tokenizer,
    new_network,
    predict,
    save_network,
)
from hf_assets_tests.support.classifiers.networks import LABELS, TINY

TEXTS = [
    "how do bacteria copy their genes",
    "",
    " \t ",
    "word " * 2000,
    "x" * 5000,
    "\N{ROBOT FACE}\u202e\x00 Как 你好 مرحبا",
]
LIMITS = {"bert": 34, "roberta": 32, "deberta": 34}


def inputs(network: TagNetwork, rows: int = 3, tokens: int = 9) -> dict[str, torch.Tensor]:
    ids = torch.randint(5, 60, (rows, tokens), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[0, 4:] = 0
    ids[0, 4:] = network.encoder.config.pad_token_id
    made = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    return {name: made[name] for name in network.input_names}


@pytest.mark.parametrize("kind", TINY)
def test_padding_changes_no_answer(tiny: dict[str, Path], kind: str) -> None:
    network = new_network(tiny[kind], "abc", 16).eval()
    given = inputs(network)
    with torch.no_grad():
        whole = network(**given)
        alone = network(**{name: tensor[:1, :4] for name, tensor in given.items()})
    assert whole.shape == (3, 3)
    torch.testing.assert_close(whole[:1], alone, rtol=0, atol=1e-6)


@pytest.mark.heavy
@pytest.mark.parametrize("kind", TINY)
def test_every_architecture_can_be_exported_for_any_shape(tiny: dict[str, Path], kind: str) -> None:
    network = new_network(tiny[kind], "abc", 16).eval()
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    given = inputs(network)
    program = torch.export.export(
        network, (), given, dynamic_shapes=dict.fromkeys(given, free), strict=False
    )
    other = inputs(network, rows=5, tokens=13)
    torch.testing.assert_close(program.module()(**other), network(**other), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", TINY)
def test_every_architecture_survives_its_files(
    tiny: dict[str, Path], kind: str, minilm: Path, tmp_path: Path
) -> None:
    network = new_network(tiny[kind], LABELS, 16).eval()
    save_network(network, load_tokenizer(minilm), tmp_path)
    again = load_network(tmp_path)
    given = inputs(network)
    assert torch.equal(network(**given), again(**given))
    assert again.labels == LABELS
    assert again.max_length == 16
    assert again.input_names == network.input_names


def test_token_types_are_read_only_where_they_differ(tiny: dict[str, Path]) -> None:
    read = {kind: "token_type_ids" in new_network(tiny[kind], "a", 16).input_names for kind in TINY}
    assert read == {"bert": True, "roberta": False, "deberta": False}


@pytest.mark.parametrize("kind", TINY)
def test_more_tokens_than_positions_are_refused(tiny: dict[str, Path], kind: str) -> None:
    network = new_network(tiny[kind], "a", LIMITS[kind])
    network(**inputs(network, tokens=LIMITS[kind]))
    with pytest.raises(NetworkError, match=f"3 to {LIMITS[kind]} tokens"):
        new_network(tiny[kind], "a", LIMITS[kind] + 1)


def test_the_mean_is_over_the_tokens_that_are_there(minilm: Path) -> None:
    network = new_network(minilm, "ab", 32).eval()
    tokenizer = load_tokenizer(minilm)
    texts = ["how do bacteria copy genes", "why"]
    given = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = network.encoder(**given).last_hidden_state
        expected = [states[i, : int(given["attention_mask"][i].sum())].mean(0) for i in (0, 1)]
    found = features(network, tokenizer, texts)
    np.testing.assert_allclose(found, torch.stack(expected).numpy(), atol=1e-5)


@pytest.mark.usefixtures("every_line")
def test_the_log_says_how_many_texts_are_encoded(minilm: Path) -> None:
    network, tokenizer, told = new_network(minilm, "ab", 32), load_tokenizer(minilm), []
    features(network, tokenizer, ["one text"] * 20, 8, told.append)
    begin = re.compile(r"(\d+) of 20 texts encoded · (\d+) % of their tokens(, .* left)?")
    lines = [begin.fullmatch(line) for line in told]
    assert all(lines), told
    # The threads share the batches, and only the caller's own logs.
    assert {match and match[1] for match in lines} <= {"8", "16", "20"}


def test_the_encoder_knows_what_texts_are_about(minilm: Path) -> None:
    network, tokenizer = new_network(minilm, "a", 64), load_tokenizer(minilm)
    found = features(
        network, tokenizer, ["a violin melody", "the cello plays a tune", "robot wheel motors"]
    )
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    near, far = found[0] @ found[1], found[0] @ found[2]
    assert near > far + 0.2


def test_the_encoder_is_without_dropout_and_the_head_with(minilm: Path) -> None:
    network = new_network(minilm, "a", 16)
    rates = {name: m.p for name, m in network.named_modules() if isinstance(m, torch.nn.Dropout)}
    assert rates.pop("dropout") > 0
    assert len(rates) > 6
    assert set(rates.values()) == {0.0}


def test_a_stored_network_answers_as_before_whatever_the_text(trained: Path) -> None:
    network, tokenizer = load_network(trained), load_tokenizer(trained)
    together = predict(network, tokenizer, TEXTS, batch=4)
    assert together.shape == (len(TEXTS), len(LABELS))
    assert together.dtype == np.float32
    assert ((together > 0) & (together < 1)).all()
    alone = np.concatenate([predict(network, tokenizer, [text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert network.labels == LABELS


@pytest.mark.heavy
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("rows", [3, 47])
def test_batches_over_several_threads_give_the_same_answers(
    trained: Path, dtype: Computed, rows: int
) -> None:
    network, tokenizer = load_network(trained, "sdpa"), load_tokenizer(trained)
    texts = [f"{text} {i}" for i in range(8) for text in TEXTS][:rows]
    found, scores = [], []
    for threads in (1, 2, 16):
        with torch_threads(threads):
            found.append(features(network, tokenizer, texts, dtype=dtype))
            scores.append(predict(network, tokenizer, texts))
            assert torch.get_num_threads() == threads
    for other, others in zip(found[1:], scores[1:], strict=True):
        np.testing.assert_array_equal(other, found[0])
        np.testing.assert_array_equal(others, scores[0])


def test_bfloat16_is_obeyed_where_it_is_not_fast(trained: Path) -> None:
    network, tokenizer = load_network(trained), load_tokenizer(trained)
    exact, rounded = (
        features(network, tokenizer, TEXTS, dtype=dtype) for dtype in ("float32", "bfloat16")
    )
    assert 1e-4 < np.abs(exact - rounded).max() < 0.1


@pytest.mark.parametrize("fast", [True, False])
def test_what_is_computed_in_is_chosen_and_not_the_processor_s(fast: bool) -> None:
    here = Device("cpu", bf16=fast)
    assert here.dtype(Recipe(strategy="head")) == "float32"
    assert here.dtype(Recipe()) == ("bfloat16" if fast else "float32")
    for dtype in ("float32", "bfloat16"):
        for strategy in ("head", "finetune"):
            assert here.dtype(Recipe(strategy=strategy, dtype=dtype)) == dtype


def test_a_text_that_fails_in_one_thread_fails_them_all(trained: Path) -> None:
    network, tokenizer = load_network(trained), load_tokenizer(trained)
    asked = 0

    def broken(**_: Any) -> None:
        nonlocal asked
        asked += 1
        raise RuntimeError("no memory")

    network.forward = broken  # ty: ignore[invalid-assignment]
    with torch_threads(2), pytest.raises(RuntimeError, match="no memory"):
        predict(network, tokenizer, TEXTS * 20)
    assert asked <= 2


def test_no_texts_give_no_rows(trained: Path) -> None:
    network, tokenizer = load_network(trained), load_tokenizer(trained)
    assert predict(network, tokenizer, []).shape == (0, len(LABELS))
    assert features(network, tokenizer, []).shape == (0, 384)


@given(
    st.lists(st.lists(st.integers(2, 99), min_size=1, max_size=20), min_size=1, max_size=30),
    st.integers(1, 7),
)
def test_batches_hold_every_row_once_and_pad_the_rest(rows: list[list[int]], batch: int) -> None:
    seen: list[int] = []
    widest = 99
    for positions, made in by_length(rows, batch, pad=1):
        seen += positions.tolist()
        ids, mask = made["input_ids"], made["attention_mask"]
        assert len(ids) <= batch
        assert ids.shape[1] == max(len(rows[i]) for i in positions) <= widest
        widest = ids.shape[1]
        for i, row, here in zip(positions, ids.tolist(), mask.tolist(), strict=True):
            assert [one for one, on in zip(row, here, strict=True) if on] == rows[i]
            assert row[len(rows[i]) :] == [1] * (len(row) - len(rows[i]))
    assert sorted(seen) == list(range(len(rows)))


def test_padding_is_int64_as_exported_graphs_want() -> None:
    assert {tensor.dtype for tensor in padded([[1, 2], [3]], 0).values()} == {torch.int64}
