"""Fine-tuning with transformers' Trainer: resumable, early-stopped, logged.

Each epoch writes a checkpoint. A run that finds complete ones goes on after the last, and ends as
if it had never been interrupted.
"""
# ruff: noqa: ARG002 (Trainer calls its hooks with more than they need)

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from hf_assets.classifiers.training.batches import pad_id, padded, token_ids
from hf_assets.classifiers.training.checkpoints import Log, last_checkpoint, read_log
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.devices import device
from hf_assets.classifiers.training.network import TagNetwork, quiet
from hf_assets.classifiers.training.objective import (
    TrainingError,
    TrainingResult,
    best_of,
    exhausted,
    prior_bias,
    summed_loss,
    validated,
)
from hf_assets.corpora.corpus import Split
from hf_assets.progress import EVERY, time_left

_POINTS = 200  # of the loss curve, about


def finetune(
    network: TagNetwork,
    tokenizer: Any,
    train: Split,
    validation: Split,
    recipe: Recipe,
    work: Path,
    log: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> TrainingResult:
    """Train `network` in place; it is left with the weights of its best epoch.

    Args:
        work: a folder for checkpoints of this very training and no other.
        progress: called after each step with steps done and steps in all.

    Raises:
        TrainingError: the loss is no number.
    """
    with torch.no_grad():
        network.head.bias.copy_(prior_bias(train.targets))
    rows = [_rows(tokenizer, split, recipe.max_length) for split in (train, validation)]
    steps = recipe.epochs * math.ceil(len(train.texts) / recipe.batch_size)
    optimizer = _optimizer(network, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _rate(steps, recipe.warmup_ratio))
    here = device()
    arguments = TrainingArguments(
        output_dir=str(work),
        seed=recipe.seed,
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=2 * recipe.batch_size,
        max_grad_norm=recipe.max_grad_norm,
        train_sampling_strategy="group_by_length",
        bf16=here.dtype(recipe) == "bfloat16",
        use_cpu=here.kind == "cpu",
        dataloader_pin_memory=here.kind == "cuda",
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,  # beside the best
        metric_for_best_model="micro_f1",
        greater_is_better=True,
        logging_steps=max(1, steps // _POINTS),
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        label_names=["labels"],
        report_to="none",
        disable_tqdm=True,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # two would make the batch twice as large
    last = last_checkpoint(work)
    past = read_log(last) if last else Log([])
    done = len(past.scores)
    if last:
        log(f"going on after epoch {done}, whose checkpoint an interrupted run left")
    if done < recipe.epochs and not exhausted(past.scores, recipe.patience):
        trainer = _Trainer(
            network,
            arguments,
            seconds_before=past.seconds,
            data_collator=_Collator(pad_id(tokenizer)),
            train_dataset=rows[0],
            eval_dataset=rows[1],
            processing_class=tokenizer,
            optimizers=(optimizer, schedule),
            compute_metrics=_measured,
            callbacks=[_RunLog(recipe, steps, log, progress)],
        )
        trainer.remove_callback(PrinterCallback)
        with quiet():
            trainer.train(resume_from_checkpoint=str(last) if last else None)
        trainer.accelerator.unwrap_model(network, keep_fp32_wrapper=False)
        past = Log(trainer.state.log_history)
    learned = past.result(len(train.texts))
    kept = work / f"checkpoint-{best_of(learned.history).step}" / "model.safetensors"
    network.load_state_dict(load_file(kept))
    return learned


class _Trainer(Trainer):
    """Trainer with the summed loss, and with the seconds of its steps in its log."""

    def __init__(self, *args: Any, seconds_before: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._since = time.monotonic() - seconds_before

    def evaluate(self, *args: Any, **options: Any) -> dict[str, float]:
        started = time.monotonic()
        try:
            return super().evaluate(*args, **options)
        finally:
            self._since += time.monotonic() - started

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        targets = inputs.pop("labels")
        logits = model(**inputs)
        loss = summed_loss(logits, targets)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss.item()} after step {self.state.global_step}: try lower "
                "learning rates (body_learning_rate, head_learning_rate)"
            )
        return (loss, {"logits": logits}) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            logs["seconds"] = round(time.monotonic() - self._since, 3)
        super().log(logs, start_time)


class _RunLog(TrainerCallback):
    """Lines for the run log; stops when the scores have stopped growing."""

    def __init__(
        self,
        recipe: Recipe,
        steps: int,
        log: Callable[[str], None],
        progress: Callable[[int, int], None],
    ) -> None:
        self.recipe, self.steps, self.log, self.progress = recipe, steps, log, progress
        self.at, self.logged = 0, time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.at, self.logged = state.global_step, time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.progress(state.global_step, self.steps)
        waited = time.monotonic() - self.logged
        if waited < EVERY:
            return
        pace = (state.global_step - self.at) / waited
        losses = Log(state.log_history).losses
        self.log(
            f"step {state.global_step} of {self.steps} (epoch {state.epoch:.1f})"
            + (f" · loss {losses[-1][1]:.3f}" if losses else "")
            + f" · {pace * self.recipe.batch_size:.0f} samples/s"
            + f" · {time_left((self.steps - state.global_step) / pace)}".rstrip(" ·")
        )
        self.at, self.logged = state.global_step, time.monotonic()

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # A checkpoint keeps no half-summed losses: what there is, is logged before it is written.
        control.should_log = True

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        log = Log(state.log_history)
        now = log.history[-1]
        self.log(
            f"epoch {now.epoch} of {self.recipe.epochs}: loss {now.loss:.3f} · validation"
            f" loss {now.validation_loss:.3f}, micro-F1 {100 * now.micro_f1:.1f} %, macro-F1 "
            f"{100 * now.macro_f1:.1f} % at threshold {now.threshold:.3f}"
        )
        if exhausted(log.scores, self.recipe.patience):
            self.log(f"stopped: micro-F1 has not grown for {self.recipe.patience} epochs")
            control.should_training_stop = True
        self.at, self.logged = state.global_step, time.monotonic()


class _Collator:
    """Rows to one padded batch."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        inputs = padded([row["input_ids"] for row in rows], self.pad)
        targets = np.stack([row["labels"] for row in rows])
        return inputs | {"labels": torch.from_numpy(targets)}


def _rows(tokenizer: Any, split: Split, max_length: int) -> list[dict[str, Any]]:
    ids = token_ids(tokenizer, split.texts, max_length)
    return [{"input_ids": i, "labels": t} for i, t in zip(ids, split.targets, strict=True)]


def _measured(evaluation: Any) -> dict[str, float]:
    scores = torch.sigmoid(torch.from_numpy(evaluation.predictions).float()).numpy()
    return validated(evaluation.label_ids, scores)


def _optimizer(network: TagNetwork, recipe: Recipe) -> torch.optim.Optimizer:
    groups = [
        {
            "params": [p for p in part.parameters() if (p.ndim > 1) == decays],
            "lr": rate,
            "weight_decay": recipe.weight_decay if decays else 0.0,
        }
        for part, rate in (
            (network.encoder, recipe.body_learning_rate),
            (network.head, recipe.head_learning_rate),
        )
        for decays in (True, False)
    ]
    return torch.optim.AdamW(groups, fused=True)


def _rate(steps: int, warmup_ratio: float) -> Callable[[int], float]:
    rising = max(1, round(steps * warmup_ratio))
    return lambda step: min((step + 1) / rising, (steps - step) / max(1, steps - rising))
