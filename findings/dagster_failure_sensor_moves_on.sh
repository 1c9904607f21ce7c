#!/usr/bin/env bash
# A run_failure_sensor whose body raises (the webhook it posts to is down, say) does not see that failure again: the
# tick stores a cursor past it, with the body's error beside it, and the next tick finds nothing. One outage of the
# receiver while a run fails, and nobody is ever told, although the sensor itself looks healthy on its next tick.
#
# dagster 1.13.27, Python 3.11. Seen, with two failed runs and a body that always raises:
#   tick 1   both bodies called, both raised, the cursor moves past both
#   tick 2   no body called, "Sensor function returned an empty result"
# An ordinary sensor that raises keeps its cursor, and is called with the same one again. What works is a sensor that
# reads the failures itself, stores what is to be sent, and sends what it has stored.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27 typer==0.25.1 protobuf==6.33.6 \
  grpcio-health-checking==1.81.1
mkdir "$folder/home"
export DAGSTER_HOME="$folder/home"
cd "$folder"
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON'
import dagster as dg

called: list[str] = []


@dg.op
def fails() -> None:
    raise ValueError("no such file")


@dg.job
def nightly() -> None:
    fails()


@dg.run_failure_sensor(monitored_jobs=[nightly])
def alarm(context: dg.RunFailureSensorContext) -> None:
    called.append(context.dagster_run.run_id)
    raise ConnectionError("the webhook is down")


repository = dg.Definitions(jobs=[nightly], sensors=[alarm]).get_repository_def()
with dg.DagsterInstance.get() as instance:

    def tick(cursor: str | None) -> tuple[str | None, int, int, str | None]:
        """The new cursor, bodies called, bodies that raised, and why nothing was done."""
        context = dg.build_sensor_context(instance, cursor=cursor, repository_def=repository)
        before, result = len(called), alarm.evaluate_tick(context)
        raised = [one for one in result.dagster_run_reactions or () if one.error]
        return result.cursor, len(called) - before, len(raised), result.skip_message

    cursor = tick(None)[0]  # a new sensor begins with what fails from now on
    for _ in range(2):
        nightly.execute_in_process(instance=instance, raise_on_error=False)
    first = tick(cursor)
    second = tick(first[0])

print("tick 1:", first[1:])
print("tick 2:", second[1:])
assert first[1:3] == (2, 2), "it has changed"
assert first[0] != cursor, "it has changed"
assert second[1:] == (0, 0, "Sensor function returned an empty result"), "it has changed"
assert second[0] == first[0], "it has changed"
PYTHON
