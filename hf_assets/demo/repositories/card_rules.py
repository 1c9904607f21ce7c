"""What the Hub checks of the front matter of cards."""

import re
from typing import Any

import yaml

# Some of the Hub's words.
LICENSES = frozenset(
    (
        *("apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "odbl"),
        *("odc-by", "pddl", "unknown", "other"),
    )
)
SIZES = frozenset(
    (
        *("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B"),
        *("1B<n<10B", "10B<n<100B", "100B<n<1T", "n>1T"),
    )
)
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
SDKS = ("gradio", "streamlit", "docker", "static")
RELATIONS = ("adapter", "finetune", "merge", "quantized")
_PYTHON = re.compile(r"3(\.[0-9]+){1,2}")
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)


def card_errors(text: str, kind: str = "dataset") -> tuple[list[str], list[str]]:
    """Errors, and warnings, of the card of a dataset, a model or a Space."""
    match = _FRONT.match(text)
    if match is None:
        return [], ["empty or missing yaml metadata in repo card"]
    try:
        data = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        return [f"bad YAML: {type(error).__name__}"], []
    if data is None:
        return [], ["empty or missing yaml metadata in repo card"]
    if not isinstance(data, dict):
        return ["the metadata must be an object"], []
    of_kind = {"dataset": _of_dataset, "space": _of_space}.get(kind, _of_model)
    return [*_license(data), *_texts(data), *of_kind(data)], []


def _of_dataset(data: dict[str, Any]) -> list[str]:
    return [*_sizes(data), *_configs(data)]


def _of_model(data: dict[str, Any]) -> list[str]:
    wrong = []
    if data.get("base_model_relation", RELATIONS[0]) not in RELATIONS:
        wrong.append(f'"base_model_relation" must be one of [{", ".join(RELATIONS)}]')
    bases = data.get("base_model", [])
    if not all(
        isinstance(one, str) and one for one in (bases if isinstance(bases, list) else [bases])
    ):
        wrong.append('"base_model" must be a model id, or an array of them')
    index = data.get("model-index", [])
    for model in index if isinstance(index, list) else [None]:
        results = model.get("results") if isinstance(model, dict) and model.get("name") else None
        if not isinstance(results, list):
            wrong.append('"model-index" must have a name and results')
            continue
        wrong += [
            '"model-index[0].results" must have task.type, dataset.type, dataset.name and metrics'
            for one in results
            if not (
                one.get("task", {}).get("type")
                and {"type", "name"} <= one.get("dataset", {}).keys()
                and all({"type", "value"} <= metric.keys() for metric in one.get("metrics", [{}]))
            )
        ]
    return wrong


def _of_space(data: dict[str, Any]) -> list[str]:
    wrong = [
        f'"{key}" must be one of [{", ".join(COLOURS)}]'
        for key in ("colorFrom", "colorTo")
        if data.get(key, COLOURS[0]) not in COLOURS
    ]
    if data.get("sdk") not in SDKS:
        wrong.append(f'"sdk" must be one of [{", ".join(SDKS)}]')
    if str(data.get("emoji", "🚀")).isascii():
        wrong.append('"emoji" must be an emoji')
    if len(str(data.get("short_description", ""))) > 60:
        wrong.append('"short_description" length must be less than or equal to 60 characters long')
    python = data.get("python_version", "3.10")
    if not isinstance(python, str) or not _PYTHON.fullmatch(python):
        wrong.append('"python_version" must be a version of Python 3')
    if not isinstance(data.get("pinned", False), bool):
        wrong.append('"pinned" must be a boolean')
    return wrong


def _license(data: dict[str, Any]) -> list[str]:
    named = data.get("license")
    names = named if isinstance(named, list) else [named]
    wrong = [f'"license" must be one of the Hub\'s, not {one!r}' for one in names
             if one is not None and one not in LICENSES]  # fmt: skip
    if named == "other" and not isinstance(data.get("license_name"), str):
        wrong.append('"license_name" is required where the license is other')
    return wrong


def _sizes(data: dict[str, Any]) -> list[str]:
    sizes = data.get("size_categories", [])
    if not isinstance(sizes, list) or not set(map(str, sizes)) <= SIZES:
        return [f'"size_categories" must be of the Hub\'s, not {sizes!r}']
    return []


def _texts(data: dict[str, Any]) -> list[str]:
    wrong = []
    if not isinstance(data.get("pretty_name", ""), str):
        wrong.append('"pretty_name" must be a string')
    tags = data.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(one, str) for one in tags):
        wrong.append('"tags" must be an array of strings')
    return wrong


def _configs(data: dict[str, Any]) -> list[str]:
    configs = data.get("configs", [])
    if not isinstance(configs, list):
        return ['"configs" must be an array']
    wrong, names = [], []
    for config in configs:
        if not isinstance(config, dict) or not isinstance(config.get("config_name"), str):
            wrong.append('each of "configs" must have a config_name')
            continue
        names.append(config["config_name"])
        files = config.get("data_files")
        each = files if isinstance(files, list) else [files]
        if not all(isinstance(one, str) or (isinstance(one, dict) and {"split", "path"} <= set(one))
                   for one in each):  # fmt: skip
            wrong.append(f"data_files of {config['config_name']!r} must have split and path")
    if len(names) != len(set(names)):
        wrong.append('"configs" must have names of their own')
    if sum(bool(one.get("default")) for one in configs if isinstance(one, dict)) > 1:
        wrong.append("one config at most is the default")
    return wrong
