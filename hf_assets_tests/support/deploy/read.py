"""The processes of a service, read out of the units and the compose file of deploy/."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[3]
DEPLOY = PROJECT / "deploy"
UNITS = DEPLOY / "systemd"
SECONDS = re.compile(r"(\d+)(?:s|sec)?")


@dataclass(frozen=True)
class Process:
    """A process: its command, its whole environment, and how it is restarted.

    pause: seconds between its end and its next start; None where nobody starts it again.
    grace: seconds that what it leaves behind has after SIGTERM; 0 where all is killed at once.
    """

    name: str
    command: list[str]
    environment: dict[str, str] = field(repr=False)
    pause: float | None
    grace: float


def unit(path: Path) -> dict[str, dict[str, list[str]]]:
    """The values of each key of each section; systemd's `KEY=` may come more than once."""
    sections: dict[str, dict[str, list[str]]] = {}
    keys: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            keys = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            keys.setdefault(key, []).append(value)
    return sections


def _variables(text: str) -> dict[str, str]:
    return dict(word.partition("=")[::2] for word in text.split())


def of_units(home: Path) -> list[Process]:
    """The services that the target wants, as the manager of a user with that home starts them."""
    # What systemd.unit(5) says of a user's manager.
    places = {"%h": home, "%S": home / ".local" / "state", "%E": home / ".config"}

    def placed(text: str) -> str:
        return re.sub("%[a-zA-Z]", lambda found: str(places[found[0]]), text)

    wanted = unit(UNITS / "hf-assets.target")["Unit"]["Wants"][0].split()
    processes = []
    for name in wanted:
        service = unit(UNITS / name)["Service"]
        environment = {"HOME": str(home)}
        for line in service["Environment"]:
            environment |= _variables(placed(line))
        for line in service["EnvironmentFile"]:
            path = Path(placed(line).removeprefix("-"))
            if path.exists():
                lines = path.read_text("utf-8").splitlines()
                environment |= dict(one.partition("=")[::2] for one in lines if one)
        for folder in service["StateDirectory"]:
            (places["%S"] / folder).mkdir(parents=True, exist_ok=True)
        (restart,), (pause,) = service["Restart"], service["RestartSec"]
        (stop,) = service["TimeoutStopSec"]
        processes.append(
            Process(
                name.removesuffix(".service").removeprefix("hf-assets-"),
                placed(service["ExecStart"][0]).split(),
                environment,
                float(pause) if restart == "always" else None,
                float(stop),
            )
        )
    return processes


def compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """The compose file with its variables filled in: `${NAME:-default}`, `${NAME:?message}`."""

    def filled(found: re.Match[str]) -> str:
        value = variables.get(found["name"]) or found["default"]
        assert value is not None, found["message"]
        return value

    pattern = r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?(?P<message>[^}]*))?\}"
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    return yaml.safe_load(re.sub(pattern, filled, text))


def of_compose(variables: Mapping[str, str], entry: str, base: Mapping[str, str]) -> list[Process]:
    """The containers of our image, in the order in which they depend on each other.

    Args:
        variables: of the file `.env`.
        entry: stands for the image's entry point.
        base: stands for the image's environment.
    """
    services = compose(variables)["services"]
    ours = [name for name, service in services.items() if "command" in service]
    ours.sort(key=lambda name: len(services[name]["depends_on"].keys() & {*ours}))
    return [
        Process(
            name,
            [entry, *services[name]["command"]],
            {
                **base,
                **(variables if "env_file" in services[name] else {}),
                **services[name]["environment"],
            },
            1.0 if services[name]["restart"] == "unless-stopped" else None,
            0.0,
        )
        for name in ours
    ]
