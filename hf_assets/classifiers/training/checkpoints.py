"""Checkpoints of transformers' Trainer, and the log of losses and scores in each.

`finetuning.py` writes them.
"""

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_assets.classifiers.training.objective import TrainingResult, best_of
from hf_assets.classifiers.training.record import EpochScores, History

_STATE = "trainer_state.json"


@dataclass(frozen=True)
class Log:
    """Trainer's entries: with a `loss` and `seconds` now and then, with `eval_…` each epoch."""

    entries: list[dict[str, float]]

    @property
    def seconds(self) -> float:
        """Spent on training steps until the last entry."""
        return max((entry["seconds"] for entry in self.entries if "seconds" in entry), default=0.0)

    @property
    def scores(self) -> list[float]:
        """Micro-F1 on validation after each epoch."""
        return [entry["eval_micro_f1"] for entry in self.entries if "eval_micro_f1" in entry]

    @property
    def losses(self) -> list[tuple[int, float]]:
        """(step, mean loss since the last), in order."""
        return [(int(entry["step"]), entry["loss"]) for entry in self.entries if "loss" in entry]

    @property
    def history(self) -> History:
        """An entry an epoch, as `TrainingResult` has it."""
        history: History = []
        summed, first, last = 0.0, 0, 0
        for entry in self.entries:
            step = int(entry["step"])
            if "loss" in entry:
                summed, last = summed + entry["loss"] * (step - last), step
            elif "eval_micro_f1" in entry:
                history.append(
                    EpochScores(
                        epoch=round(entry["epoch"]),
                        step=step,
                        loss=summed / max(1, step - first),
                        validation_loss=entry["eval_loss"],
                        micro_f1=entry["eval_micro_f1"],
                        macro_f1=entry["eval_macro_f1"],
                        threshold=entry["eval_threshold"],
                    )
                )
                summed, first, last = 0.0, step, step
        return history

    def result(
        self, rows: int, threads: int, taught: int = 0, teaching: float = 0.0
    ) -> TrainingResult:
        """The result of a training on so many rows, with its teachers.

        Args:
            threads: of its steps.
            taught: rows that teachers learnt from, times their epochs.
            teaching: seconds of the teachers.
        """
        history, seconds = self.history, self.seconds + teaching
        pace = (rows * len(history) + taught) / max(seconds, 1e-9)
        best = best_of(history).epoch
        return TrainingResult(history, self.losses, seconds, pace, best, threads)


def read_log(checkpoint: Path) -> Log:
    """The log up to that checkpoint."""
    return Log(_state(checkpoint)["log_history"])


def step_of(checkpoint: Path) -> int:
    """The step after which it was written."""
    return int(checkpoint.name.partition("-")[2])


def last_checkpoint(work: Path) -> Path | None:
    """The newest complete checkpoint; incomplete ones are removed.

    A checkpoint's state is the last of its files to be written.
    """
    complete: dict[int, Path] = {}
    for folder in work.glob("checkpoint-*"):
        step = 0
        with suppress(FileNotFoundError, ValueError, KeyError):  # the process died while it wrote
            step = _state(folder)["global_step"]
        if step and folder.name == f"checkpoint-{step}":
            complete[step] = folder
        else:
            shutil.rmtree(folder)
    return complete[max(complete)] if complete else None


def _state(checkpoint: Path) -> dict[str, Any]:
    return json.loads((checkpoint / _STATE).read_text("utf-8"))
