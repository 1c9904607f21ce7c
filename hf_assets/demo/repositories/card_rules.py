"""What the Hub checks of the front matter of a dataset card."""

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
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)


def card_errors(text: str) -> tuple[list[str], list[str]]:
    """Errors, and warnings, of a card."""
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
    return [*_license(data), *_sizes(data), *_configs(data), *_texts(data)], []


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
