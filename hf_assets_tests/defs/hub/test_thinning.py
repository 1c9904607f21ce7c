"""The job that makes old days small says what it did with each."""

from typing import Any

from hf_assets_tests.defs.conftest import Make, World, failures
from hf_assets_tests.hub.repository_days.lake_of_days import DAYS, UNTRUSTED
from hf_assets_tests.hub.test_emptied_days import FIRST, fill

STAYS = {FIRST, *UNTRUSTED}
GONE = 3 * len({*DAYS} - STAYS)


def thinned(hub: World, **config: Any) -> dict[str, Any]:
    """What a run of the job reports."""
    result = hub.definitions.resolve_job_def("thin_old_days").execute_in_process(
        instance=hub.instance,
        run_config={"ops": {"thin_days": {"config": config}}},
        raise_on_error=False,
    )
    assert not failures(result)
    (output,) = [
        event.step_output_data
        for event in result.filter_events(lambda one: one.event_type_value == "STEP_OUTPUT")
    ]
    assert output is not None
    return {name: value.value for name, value in output.metadata.items()}


def test_it_empties_what_the_series_give_back(world: Make) -> None:
    here = world()
    fill(here.lake)
    said = thinned(here, dry=True)
    assert (said["emptied"], said["thinned"], said["pages deleted"]) == (GONE, 0, 0)
    assert said["bytes after"] == "unknown: dry run"
    assert not any(here.lake.read("models", day).emptied for day in DAYS)
    said = thinned(here)
    assert said["emptied"] == said["days"] == GONE
    assert said["bytes after"] < said["bytes before"]
    assert {day for day in DAYS if not here.lake.read("models", day).emptied} == STAYS
    assert thinned(here)["last 100 days"] == "no day is old enough"


def test_an_age_below_a_day_is_refused(world: Make) -> None:
    hub = world()
    fill(hub.lake, DAYS[:1])
    result = hub.definitions.resolve_job_def("thin_old_days").execute_in_process(
        instance=hub.instance,
        run_config={"ops": {"thin_days": {"config": {"tables": 0}}}},
        raise_on_error=False,
    )
    assert "1 day or more" in failures(result)["thin_days"]
