"""Files under `defs/` that cannot be read: all else loads, and a check says what is wrong."""

from pathlib import Path
from types import ModuleType

import dagster as dg
import pytest

from hf_assets.defs.common.broken import broken_component, without_broken_files

GOOD = "type: hf_assets.Corpus\nattributes: {source: question_dump, rare_share: 0.1}\n"


def load(defs: Path) -> dg.Definitions | None:
    module = ModuleType(defs.name)
    module.__file__, module.__path__ = None, [str(defs)]
    # Dagster itself loads nothing of it.
    with pytest.raises(Exception, match=r"."):
        dg.ComponentTree(defs_module=module, project_root=defs.parent).build_defs()
    return without_broken_files(module, defs.parent)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def checks(definitions: dg.Definitions) -> dict[str, str]:
    graph = definitions.resolve_asset_graph()
    specs = [graph.get_check_spec(key) for key in graph.asset_check_keys]
    return {
        spec.asset_key.to_user_string(): spec.description or ""
        for spec in specs
        if spec.name == "entry_valid"
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD.replace("}", ""), "while parsing a flow mapping"),
        (GOOD.replace("attributes", "attribute"), "Extra inputs are not permitted"),
        (GOOD.replace("Corpus", "Corpsu"), "Module `hf_assets` has no attribute `Corpsu`"),
        (GOOD.replace("hf_assets", "nowhere"), "No module named 'nowhere'"),
        (GOOD + "post_processing: {assetz: []}\n", "Extra inputs are not permitted"),
        ("type: hf_assets.Corpus\nattributes: [1]\n", "Input should be an object"),
        ("", "No components found in YAML file"),
        ("\0", "special characters are not allowed"),
    ],
    ids=lambda value: value[:40],
)
def test_what_can_be_read_loads(text: str, reason: str, tmp_path: Path) -> None:
    write(tmp_path / "birds" / "defs.yaml", text)
    write(tmp_path / "many" / "songs" / "defs.yaml", GOOD)
    write(tmp_path / "many" / "v 1.0" / "defs.yaml", text)
    definitions = load(tmp_path)
    assert definitions
    keys = {key.to_user_string() for key in definitions.resolve_all_asset_keys()}
    assert {"songs/corpus", "songs/tagger_space"} <= keys
    said = checks(definitions)
    assert len(said) == 2
    assert [name for name in said if name.startswith("component_many_v_1_0_")]
    assert reason in said["component_birds"]
    assert str(tmp_path / "birds" / "defs.yaml") in said["component_birds"]


def test_the_check_is_run_once_and_fails() -> None:
    definitions = broken_component("marine life[1]", "birds/defs.yaml", "no source")
    (sensor,) = definitions.sensors or []
    assert isinstance(sensor, dg.SensorDefinition)
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    with dg.DagsterInstance.ephemeral() as instance:
        repository = definitions.get_repository_def()
        asked = [
            sensor.evaluate_tick(
                dg.build_sensor_context(instance=instance, repository_def=repository)
            ).run_requests
            for _ in range(2)
        ]
        # Dagster makes one run of requests with one key.
        assert len({one.run_key for requests in asked for one in requests or []}) == 1
        job = definitions.resolve_job_def(sensor.job.name)
        (check,) = job.execute_in_process(instance=instance).get_asset_check_evaluations()
    assert (check.passed, check.description) == (False, "no source")


PLAIN = "import dagster as dg\n\n@dg.asset\ndef plain() -> None: ...\n"
LAZY = """\
import dagster as dg

@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(assets=[dg.AssetSpec("lazy")])
"""


def test_files_beside_the_folders_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    defs = tmp_path / "defs_beside"
    write(defs / "plain.py", PLAIN)
    write(defs / "lazy.py", LAZY)
    write(defs / "room" / "deeper.py", LAZY.replace('"lazy"', '"deeper"'))
    write(defs / "birds" / "defs.yaml", "")
    definitions = load(defs)
    assert definitions
    keys = {key.to_user_string() for key in definitions.resolve_all_asset_keys()}
    assert keys == {"plain", "lazy", "deeper", "component_birds"}


def test_a_broken_file_in_a_folder_of_python_stops_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`dg scaffold defs hf_assets.Corpus labels/birds` puts one there."""
    monkeypatch.syspath_prepend(str(tmp_path))
    defs = tmp_path / "defs_within"
    write(defs / "labels" / "plain.py", PLAIN)
    write(defs / "labels" / "deep" / "lazy.py", LAZY)
    write(defs / "labels" / "birds" / "defs.yaml", "")
    definitions = load(defs)
    assert definitions
    keys = {key.to_user_string() for key in definitions.resolve_all_asset_keys()}
    assert keys == {"plain", "lazy", *checks(definitions)}
    assert "No components found" in "".join(checks(definitions).values())


def test_an_error_in_python_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    defs = tmp_path / "defs_with_python"
    write(defs / "rooms" / "assets.py", "import nowhere_at_all\n")
    assert load(defs) is None
    write(defs / "birds" / "defs.yaml", GOOD)
    with pytest.raises(ModuleNotFoundError, match="nowhere_at_all"):
        load(defs)
