"""A Hub whose models come and go."""

from collections.abc import Callable
from typing import Any

from hf_assets.demo.world.recorded import RecordedHub
from hf_assets.demo.world.source import Kind, Listing, Where


class ChangingHub(RecordedHub):
    """A Hub whose models change before each page: `changes` are applied one at a time."""

    def __init__(self, models: list[dict[str, Any]]) -> None:
        super().__init__()
        self.models = models
        self.changes: list[Callable[[list[dict[str, Any]]], list[dict[str, Any]]]] = []
        self.replace("models", models)

    def listing(self, kind: Kind, sort: str, where: Where) -> Listing:
        if self.changes:
            self.models = self.changes.pop()(self.models)
            self.replace("models", self.models)
        return super().listing(kind, sort, where)
