"""Cards of a published model."""

from pathlib import Path
from typing import Any

import yaml

MODEL = "all-minilm-l6-v2"


def front(path: Path) -> dict[str, Any]:
    _, matter, _ = path.read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(matter)
