"""A client that knows nothing of the Hub but HTTP."""

from typing import Any

import httpx2


def pages(url: str, **client_options: Any) -> list[httpx2.Response]:
    """Every page of a listing, in order, by its next links; raises for a status that is no 200."""
    answers = []
    with httpx2.Client(timeout=10, **client_options) as client:
        following: str | None = url
        while following is not None:
            answer = client.get(following)
            answer.raise_for_status()
            answers.append(answer)
            following = answer.links.get("next", {}).get("url")
            assert len(answers) < 100
    return answers


def rows(url: str) -> list[dict[str, Any]]:
    """Every row of a listing."""
    return [row for page in pages(url) for row in page.json()]
