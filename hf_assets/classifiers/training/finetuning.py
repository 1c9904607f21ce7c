"""Fine-tuning with transformers' Trainer: resumable, early-stopped, logged.

Each epoch writes a checkpoint. A run that finds complete ones goes on after the last, and ends as
if it had never been interrupted.
"""
# ruff: noqa: ARG002 (Trainer calls its hooks with more than they need)

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from hf_assets.classifiers.techniques.rates import decayed, optimizer
from hf_assets.classifiers.training.batches import pad_id, padded, token_ids
from hf_assets.classifiers.training.checkpoints import Log, last_checkpoint, read_log, step_of
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.devices import device
from hf_assets.classifiers.training.network import TagNetwork, quiet
from hf_assets.classifiers.training.objective import (
    TrainingError,
    best_of,
    exhausted,
    summed_loss,
    validated,
)
from hf_assets.corpora.corpus import Split
from hf_assets.progress import EVERY, time_left

_POINTS = 200  # of the loss curve, about


@dataclass(frozen=True)
class Course:
    """A fine-tuning among those of a recipe.

    Attributes:
        name: for the log, "teacher 1 of 2" or "".
        epochs: at most.
        seed: of the order of rows and the dropout.
        before, after: steps of the fine-tunings before it and after it.
    """

    name: str
    epochs: int
    seed: int
    before: int = 0
    after: int = 0


def steps_of(rows: int, recipe: Recipe, epochs: int) -> int:
    """Steps that so many epochs over so many rows take."""
    return epochs * math.ceil(rows / recipe.batch_size)


def fit(
    network: TagNetwork,
    tokenizer: Any,
    train: Split,
    validation: Split | None,
    recipe: Recipe,
    work: Path,
    log: Callable[[str], None],
    progress: Callable[[int, int], None],
    course: Course,
) -> Log:
    """Train `network` in place, from the weights that it has, and return the log.

    It is left with the weights of its best epoch, without validation rows with those of its last.

    Args:
        train: its targets may be soft, float16 from 0 to 1.
        work: a folder for checkpoints of this very training and no other.
        progress: called after each step with steps done and steps in all, of all fine-tunings.

    Raises:
        TrainingError: the loss is no number.
    """
    if course.name:
        log = _named(log, course.name)
    rows = [_rows(tokenizer, split, recipe.max_length) for split in (train, validation) if split]
    steps = steps_of(len(train.texts), recipe, course.epochs)
    each = steps_of(len(train.texts), recipe, 1)
    body = decayed(network.encoder, recipe.body_learning_rate, recipe.layer_decay or 1.0)
    head = (list(network.head.parameters()), recipe.head_learning_rate)
    adam = optimizer([*body, head], recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(adam, _rate(steps, recipe.warmup_ratio))
    last = last_checkpoint(work)
    past = read_log(last) if last else Log([])
    done = step_of(last) // each if last else 0
    if last:
        log(f"going on after epoch {done}, whose checkpoint an interrupted run left")
    if done < course.epochs and not exhausted(past.scores, recipe.patience):
        trainer = _Trainer(
            network,
            _arguments(recipe, course, work, steps, scored=validation is not None),
            seconds_before=past.seconds,
            data_collator=_Collator(pad_id(tokenizer)),
            train_dataset=rows[0],
            eval_dataset=rows[1] if validation else None,
            processing_class=tokenizer,
            optimizers=(adam, schedule),
            compute_metrics=_measured,
            callbacks=[_RunLog(recipe, course, steps, log, progress)],
        )
        trainer.remove_callback(PrinterCallback)
        with quiet():
            trainer.train(resume_from_checkpoint=str(last) if last else None)
        trainer.accelerator.unwrap_model(network, keep_fp32_wrapper=False)
        past = Log(trainer.state.log_history)
    best = best_of(past.history).step if validation else steps
    network.load_state_dict(load_file(work / f"checkpoint-{best}" / "model.safetensors"))
    return past


def _arguments(
    recipe: Recipe, course: Course, work: Path, steps: int, *, scored: bool
) -> TrainingArguments:
    here = device()
    arguments = TrainingArguments(
        output_dir=str(work),
        seed=course.seed,
        num_train_epochs=course.epochs,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=2 * recipe.batch_size,
        max_grad_norm=recipe.max_grad_norm,
        train_sampling_strategy="group_by_length",
        bf16=here.dtype(recipe) == "bfloat16",
        use_cpu=here.kind == "cpu",
        dataloader_pin_memory=here.kind == "cuda",
        eval_strategy="epoch" if scored else "no",
        save_strategy="epoch",
        save_total_limit=1,  # beside the best
        logging_steps=max(1, steps // _POINTS),
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        label_names=["labels"],
        report_to="none",
        disable_tqdm=True,
        metric_for_best_model="micro_f1" if scored else None,
        greater_is_better=True,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # two would make the batch twice as large
    return arguments


def _named(log: Callable[[str], None], name: str) -> Callable[[str], None]:
    return lambda line: log(f"{name}: {line}")


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
        course: Course,
        steps: int,
        log: Callable[[str], None],
        progress: Callable[[int, int], None],
    ) -> None:
        self.recipe, self.course, self.steps = recipe, course, steps
        self.log, self.progress = log, progress
        self.at, self.logged = 0, time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.at, self.logged = state.global_step, time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        everything = self.course.before + self.steps + self.course.after
        self.progress(self.course.before + state.global_step, everything)
        waited = time.monotonic() - self.logged
        if waited < EVERY:
            return
        pace = (state.global_step - self.at) / waited
        losses = Log(state.log_history).losses
        left = self.steps - state.global_step + self.course.after
        self.log(
            f"step {state.global_step} of {self.steps} (epoch {state.epoch:.1f})"
            + (f" · loss {losses[-1][1]:.3f}" if losses else "")
            + f" · {pace * self.recipe.batch_size:.0f} samples/s"
            + f" · {time_left(left / pace)}".rstrip(" ·")
        )
        self.at, self.logged = state.global_step, time.monotonic()

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # A checkpoint keeps no half-summed losses: what there is, is logged before it is written.
        control.should_log = True

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        log = Log(state.log_history)
        now = log.history[-1]
        self.log(
            f"epoch {now.epoch} of {self.course.epochs}: loss {now.loss:.3f} · validation"
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


def _rate(steps: int, warmup_ratio: float) -> Callable[[int], float]:
    rising = max(1, round(steps * warmup_ratio))
    return lambda step: min((step + 1) / rising, (steps - step) / max(1, steps - rising))
