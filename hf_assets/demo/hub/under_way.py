"""How many requests the embedded Hub has had under way at once."""

from collections import Counter

from starlette.types import ASGIApp, Receive, Scope, Send


class UnderWay:
    """Requests from their first byte to the last of their answers.

    Attributes:
        most: at once.
        most_listings: different listings at once, as `/api/models` is one.
    """

    def __init__(self) -> None:
        self._now: Counter[str] = Counter()
        self.most = self.most_listings = 0

    def counted(self, app: ASGIApp) -> ASGIApp:
        """That application, with its requests counted."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path", "")
            self._now[path] += 1
            listings = sum(
                count > 0 for path, count in self._now.items() if path.startswith("/api/")
            )
            self.most = max(self.most, self._now.total())
            self.most_listings = max(self.most_listings, listings)
            try:
                await app(scope, receive, send)
            finally:
                self._now[path] -= 1

        return answer
