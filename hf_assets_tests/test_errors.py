"""Errors say whether a retry helps; foreign texts in them are short, inert, without secrets."""

import ast
import logging
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets import errors
from hf_assets.errors import CleanRecords, HfAssetsError, InputError, clean

TOKEN = "hf_" + "tOkEn0" * 6


def test_a_plain_text_stays_as_it_is() -> None:
    for text in (
        "Sorry, we can't find the page you are looking for.",
        "HTTP 503: Service Unavailable (hf_raise_for_status of huggingface_hub, hf_assets.hub)",
        "Bearer token is not valid; authorization failed for https://huggingface.co/api?limit=5",
        "größer als 5 €, 模型 🤗",
    ):
        assert clean(text) == text


def test_it_is_one_short_line() -> None:
    said = clean("a\n\tb\r\n" + "x" * 5_000_000)
    assert said == "a b " + "x" * 295 + "…"
    assert len(clean("é" * 1000, 80)) == 80
    assert clean(ValueError("no\nlist")) == "no list"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;ZXZpbA==\x9cafter", "after"),
        ("\x9b2Jgone\x90dcs\x9c", "gone"),
        ("\x1b[2J\x1b[Hhome\x1bc", "home"),
        ("never ended \x1b]0;title", "never ended"),
        ("a\u202eb\u2066c\u200bd\ufeffe", "abcde"),
        ("a\x00b\x08c\ud800d", "abcd"),
        ("a\u2028b\x85c", "a b c"),
    ],
)
def test_nothing_steers_a_terminal(text: str, said: str) -> None:
    assert clean(text).strip() == said


@given(st.text(max_size=60))
def test_any_text_is_printable_and_short(text: str) -> None:
    said = clean(text, 20)
    assert said.isprintable()
    assert len(said) <= 20


@pytest.mark.parametrize(
    "text",
    [
        f"authorization: Bearer {TOKEN}",
        f"{{'authorization': 'Bearer {TOKEN}'}}",
        f"token={TOKEN}&x=1",
        f"a {TOKEN}, b",
        f"hf_\x1b[0m{TOKEN[3:]}",
        f"hf_\u200b{TOKEN[3:]}",
        f"https://someone:{TOKEN}@mirror.example/api",
        f"https://{TOKEN}@mirror.example/api",
        f"Authorization: Basic {TOKEN[3:]}=",
        f"https://bucket.example/file?X-Amz-Signature={TOKEN[3:]}&x=1",
        f"https://api.example/2.3/questions?key={TOKEN[3:]}",
        "x" * 19_990 + TOKEN,
        "\x1b[0m" * 4996 + TOKEN,
    ],
)
def test_no_token_is_told(text: str) -> None:
    said = clean(text, 100_000)
    assert TOKEN[3:13] not in said


def test_the_rest_of_an_address_stays() -> None:
    said = clean("https://me:pw@mirror.example/api?key=abc&limit=5")
    assert said == "https://***@mirror.example/api?key=***&limit=5"


def test_what_this_process_holds_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "KAGGLE_KEY", "HF_ASSETS_STACKEXCHANGE_KEY"):
        monkeypatch.setenv(name, f"odd one {name}")
        assert clean(f"it holds 'odd one {name}'") == "it holds '***'"
    assert clean("the words sesame open", secrets=["sesame open"]) == "the words ***"


def test_records_of_a_library_are_clean() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "said %s", ("\x1b[2J" + TOKEN,), None)
    assert CleanRecords().filter(record)
    assert record.getMessage() == "said ***"


PACKAGE = Path(errors.__file__).parent
# Every error of the package, and whether it is permanent where the code that raises it does not
# say. A class with arguments of its own says so itself: see `WITH_ARGUMENTS`.
PERMANENT: dict[str, bool | None] = {
    "errors.HfAssetsError": True,
    "errors.InputError": True,
    "settings.SettingsError": True,
    "alarms.alarm.AlarmError": True,
    "demo.cluster.processes.ClusterError": True,
    "demo.plan.NotADemo": True,
    "object_store.address.AddressError": True,
    "object_store.errors.CommitConflict": False,
    "object_store.errors.StoreError": None,
    "object_store.versions.DamagedFolder": True,
    "storage.durable.StorageError": True,
    "storage.folders.ReplacedFolder": False,
    "storage.locks.BusyError": False,
    "object_store.errors.ReplacedError": False,
    "object_store.listing.ChangedEntry": False,
    "copying.transfer.NotWhatWasSent": False,
    "storage.postgres_locks.LockServerError": None,
    "storage.postgres_locks.LostLock": False,
    "hub.archive.base.ArchiveError": True,
    "hub.capture_store.attempt_files.TakenOver": False,
    "hub.capture_store.manifest.CorruptCapture": True,
    "hub.client.connection.HubError": None,
    "hub.client.listing.ListingError": None,
    "hub.providers.rows.RouterError": True,
    "hub.space_code.asking.TreesError": None,
    "publishing.repository.PublishError": True,
    "publishing.repository.HeadMoved": False,
    "corpora.building.CorpusTooSmall": True,
    "corpora.building.WrongSite": True,
    "corpora.corpus.CorpusError": True,
    "corpora.kaggle.client.KaggleError": True,
    "corpora.kaggle.client.NoAccount": True,
    "corpora.entries.EntryError": True,
    "corpora.stackexchange.client.StackExchangeError": None,
    "corpora.stackexchange.dumps.DumpError": True,
    "corpora.stackexchange.sites.NoSite": True,
    "corpora.stackexchange.unpacking.UnpackError": True,
    "corpora.tables.records.TableError": True,
    "classifiers.export.parts.NotExact": True,
    "classifiers.export.quantize.TooMuchLost": True,
    "classifiers.export.to_onnx.ParityError": True,
    "classifiers.training.base_models.NoEncoder": None,
    "classifiers.encoders.reading.NetworkError": True,
    "classifiers.training.objective.TrainingError": True,
}
WITH_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "errors.HfAssetsError": ("a message",),
    "alarms.alarm.AlarmError": ("a message",),
    "demo.plan.NotADemo": (Path("lake"),),
    "object_store.errors.CommitConflict": (Path("lake"),),
    "hub.capture_store.attempt_files.TakenOver": (Path("lake"),),
    "object_store.versions.DamagedFolder": (Path("lake"), "torn"),
    "storage.durable.StorageError": (Path("lake"), 28),
    "storage.folders.ReplacedFolder": (Path("lake"),),
    "storage.locks.BusyError": ("training", 5.0),
    "object_store.errors.ReplacedError": (Path("lake"),),
    "object_store.listing.ChangedEntry": (Path("lake"),),
    "copying.transfer.NotWhatWasSent": (Path("lake"),),
    "storage.postgres_locks.LostLock": ("training",),
    "publishing.repository.HeadMoved": (),
}


@pytest.fixture(scope="module")
def nodes() -> list[tuple[str, ast.AST]]:
    """Classes and calls of every module that names an error, none of them imported."""
    pattern = re.compile("|".join(rf"\b{name.rpartition('.')[2]}\b" for name in PERMANENT))
    return [
        (".".join(path.relative_to(PACKAGE).with_suffix("").parts), node)
        for path in sorted(PACKAGE.rglob("*.py"))
        if pattern.search(text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef | ast.Call)
    ]


@pytest.fixture(scope="module")
def classes(nodes: list[tuple[str, ast.AST]]) -> dict[str, ast.ClassDef]:
    """Every class of the package that descends from the root, by its bases' names."""
    candidates = [(module, node) for module, node in nodes if isinstance(node, ast.ClassDef)]
    found: dict[str, ast.ClassDef] = {}
    names, before = {"HfAssetsError"}, -1
    while before < len(found):
        before = len(found)
        for module, node in candidates:
            bases = {ast.unparse(base).split(".")[-1] for base in node.bases}
            if names & {node.name, *bases}:
                found[f"{module}.{node.name}"] = node
                names.add(node.name)
    return found


def test_every_error_is_in_the_table(classes: dict[str, ast.ClassDef]) -> None:
    assert classes.keys() == PERMANENT.keys()
    own = {
        name
        for name, node in classes.items()
        if any(isinstance(one, ast.FunctionDef) and one.name == "__init__" for one in node.body)
    }
    # Their arguments have no defaults.
    without = {"hub.client.connection.HubError", "object_store.errors.StoreError"}
    assert own == WITH_ARGUMENTS.keys() | without


@pytest.mark.parametrize("name", WITH_ARGUMENTS)
def test_an_error_with_arguments_of_its_own_is_permanent_or_not(name: str) -> None:
    module, _, cls = name.rpartition(".")
    error = getattr(import_module(f"hf_assets.{module}"), cls)(*WITH_ARGUMENTS[name])
    assert isinstance(error, HfAssetsError)
    assert error.permanent is PERMANENT[name]


@pytest.mark.parametrize("name", [name for name, value in PERMANENT.items() if value is None])
def test_an_error_that_is_permanent_or_not_says_so_where_it_is_raised(
    name: str, nodes: list[tuple[str, ast.AST]]
) -> None:
    calls = {
        f"{module}:{node.lineno}": {keyword.arg for keyword in node.keywords}
        for module, node in nodes
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name.rpartition(".")[2]
    }
    assert calls
    assert [place for place, keywords in calls.items() if "permanent" not in keywords] == []


def test_an_error_is_permanent_by_default() -> None:
    assert InputError("a message").permanent
    assert not InputError("a message", permanent=False).permanent
