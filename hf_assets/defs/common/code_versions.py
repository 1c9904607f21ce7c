"""Versions of the code behind each derived asset: the UI shows "code changed" where one differs.

A version is a digest of the transform's modules, so nobody has to raise a number: it changes with
any statement of the transform or of a module that it imports, and with the data files beside them
(templates, styles). Comments, docstrings, spaces and imports do not count, nor does the code that
fetches, stores and reports. Captures have no version: they never become stale by code.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
# They fetch, store or report: the values of a table do not depend on them.
NOT_FOLLOWED = (
    *("defs", "errors", "progress", "rule_result", "settings", "storage", "transport", "ui_words"),
    *("hub/capture_store", "hub/retention"),
    *(f"hub/client/{name}" for name in ("addresses", "connection", "listing", "pacing")),
    "hub/client/seen_ids",
)
# As ruff formats them: a docstring begins its line, two spaces stand before a comment.
_DOCSTRING = re.compile(r'^[ \t]*r?"""(?:[^\\]|\\.)*?"""[ \t]*$', re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^[ \t]*|  )#.*$", re.MULTILINE)
_IMPORT = re.compile(
    r"^[ \t]*(?:from|import) (?P<module>[\w.]+)(?: import (?P<names>\([^)]*\)|.*)| as \w+)?$",
    re.MULTILINE,
)
_DAY_FIGURES = (
    "charts/saving",
    *(f"trends/figures/day/{name}" for name in ("models", "datasets", "spaces", "uses")),
)
_HISTORY_FIGURES = (
    "charts/saving",
    *(f"trends/figures/history/{name}" for name in ("adoption", "datasets", "days", "families")),
    *(f"trends/figures/history/{name}" for name in ("hub", "models", "movers", "predictions")),
    "trends/figures/history/uses",
)
_KEY_HISTORY = ("trends/series/key_history", "trends/series/incremental")
# The modules of each transform, by asset; the steps of a corpus by their own names.
TRANSFORMS: dict[str, tuple[str, ...]] = {
    "models": ("hub/tables/cleaning",),
    "enriched_spaces": ("hub/tables/cleaning",),
    "hub_datasets": ("hub/tables/cleaning",),
    "top_models": ("hub/tables/usage",),
    "model_usage": ("hub/tables/usage",),
    "space_code": ("hub/space_code/table",),
    "uses": ("hub/uses/edges",),
    "used_by": ("hub/uses/used_by",),
    "families": ("hub/tables/families",),
    "daily_metrics": ("trends/metrics/daily_metrics",),
    "predicted_categories": ("classifiers/prediction/predicting",),
    "daily_changes": ("hub/quality/comparing",),
    "day_quality": ("hub/quality/day_quality",),
    **{f"{key}_history": _KEY_HISTORY for key in ("category", "library", "license", "author")},
    "family_history": _KEY_HISTORY,
    "model_history": ("trends/series/model_history", "trends/series/incremental"),
    "dataset_history": ("trends/series/model_history", "trends/series/incremental"),
    "dataset_group_history": _KEY_HISTORY,
    "model_phases": ("trends/lives/model_phases",),
    "adoption_history": ("trends/series/adoption",),
    "used_by_history": ("trends/series/usage_history", "trends/series/incremental"),
    "space_usage_history": ("trends/series/usage_history", "trends/series/incremental"),
    "concentration_history": (
        *("trends/series/concentration_history", "trends/series/incremental"),
    ),
    "prediction_history": ("trends/predictions",),
    "lifecycle": ("trends/series/lifecycle", "trends/series/incremental"),
    **dict.fromkeys(("model_days", "dataset_days", "space_days"), ("hub/repository_days/refresh",)),
    "inference_providers": ("hub/providers/table",),
    "provider_history": ("hub/providers/history",),
    "provider_figures": ("charts/saving", "trends/figures/history/providers"),
    "snapshot_figures": _DAY_FIGURES,
    "space_code_figures": ("charts/saving", "trends/figures/day/space_code"),
    "trend_figures": _HISTORY_FIGURES,
    "insights_report": ("trends/report/page", "trends/report/badges"),
    "question_dump": ("corpora/stackexchange/dumps",),
    "dataset_dump": ("corpora/kaggle/meta_kaggle",),
    "corpus": ("corpora/building", "corpora/tables/table_source", "corpora/hub/drawing"),
    "predictor": ("classifiers/prediction/predictor",),
    "baseline": ("classifiers/evaluation/baselines",),
    "classifier": ("classifiers/training/train", "classifiers/few_rows/choosing"),
    "onnx_classifier": ("classifiers/export/to_onnx",),
    "quantized_classifier": ("classifiers/export/quantize",),
    "leaderboard": ("classifiers/evaluation/leaderboard", "classifiers/evaluation/render"),
    "drift": ("classifiers/drift/table", "classifiers/drift/weeks", "classifiers/drift/against"),
    "published_lake": ("publishing/publication",),
    "tagger_space": ("classifiers/publishing/space",),
    "published_tagger": ("publishing/tagger",),
}


def code_version(asset: str) -> str | None:
    """The version of an asset's transform; None for one without, such as a capture.

    Args:
        asset: the last part of its key.
    """
    modules = TRANSFORMS.get(asset)
    return version_of(modules) if modules else None


@cache
def version_of(modules: tuple[str, ...], package: Path = PACKAGE) -> str:
    """A digest of those modules and of those that they import.

    Args:
        modules: paths under the package, without suffix.
        package: the folder of the package.
    """
    followed, waiting = set[str](), list(modules)
    while waiting:
        module = waiting.pop()
        if module not in followed:
            followed.add(module)
            waiting += [one for one in _imported(package, module) if not _left_out(one)]
    folders = {package.joinpath(module).parent for module in followed}
    digests = [_statements(package, module) for module in followed]
    digests += [hashlib.sha256(path.read_bytes()).hexdigest() for path in _data_files(folders)]
    return hashlib.sha256(" ".join(sorted(digests)).encode()).hexdigest()[:12]


def _left_out(module: str) -> bool:
    return any(module == one or module.startswith(f"{one}/") for one in NOT_FOLLOWED)


@cache
def _source(package: Path, module: str) -> str:
    return package.joinpath(f"{module}.py").read_text("utf-8")


@cache
def _imported(package: Path, module: str) -> tuple[str, ...]:
    """The package's modules that a module imports, also inside functions."""
    paths = []
    for match in _IMPORT.finditer(_source(package, module)):
        names = re.findall(r"\w+", match["names"] or "")
        if match["module"].startswith(f"{package.name}."):
            path = match["module"].partition(".")[2].replace(".", "/")
            paths += [path, *(f"{path}/{name}" for name in names)]
    return tuple(path for path in paths if package.joinpath(f"{path}.py").is_file())


@cache
def _statements(package: Path, module: str) -> str:
    """A digest of a module's statements, the same for every version of Python.

    Of its text: to parse a hundred modules would take a second of each run's start.
    """
    text = _source(package, module)
    for left_out in (_DOCSTRING, _COMMENT, _IMPORT):
        text = left_out.sub("", text)
    return hashlib.sha256(re.sub(r"\s+", "", text).encode()).hexdigest()


def _data_files(folders: Iterable[Path]) -> Iterator[Path]:
    """The files beside modules that are no modules, also in folders that are no packages."""
    for path in (path for folder in folders for path in folder.iterdir()):
        if path.is_file() and path.suffix != ".py":
            yield path
        elif path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").exists():
            yield from (one for one in path.rglob("*") if one.is_file())
