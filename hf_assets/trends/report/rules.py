"""Rules of the report's page."""

import datetime
import re
from html.parser import HTMLParser

from hf_assets.charts.axes import day_name
from hf_assets.rule_result import RuleResult

HUB = "https://huggingface.co/"
# Attributes that a browser fetches by itself, and elements that run or embed something.
FETCHED = ("src", "srcset", "poster", "data", "background", "action", "formaction", "xlink:href")
ACTIVE = frozenset(("script", "iframe", "object", "embed", "base", "form"))
_ADDRESS_OF_STYLE = re.compile(r"url\(|@import", re.IGNORECASE)


class _Page(HTMLParser):
    """What a page fetches, links to, and offers as targets."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.images = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values.get("id", "")} - {""}
        self.images += tag == "img"
        if tag in ACTIVE or any(name.startswith("on") for name in values):
            self.fetched.append(f"<{tag}>")
        if tag == "link":
            self.fetched.append(values.get("href", "<link>"))
        self.fetched += [
            values[name] for name in FETCHED if not values.get(name, "data:").startswith("data:")
        ]
        if _ADDRESS_OF_STYLE.search(values.get("style", "")):
            self.fetched.append(values["style"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])


def self_contained(page: str) -> RuleResult:
    """The page fetches nothing; its links lead to its own sections or to models on the Hub."""
    read = _Page(page)
    style = "".join(re.findall(r"<style>(.*?)</style>", page, re.DOTALL))
    fetched = read.fetched + _ADDRESS_OF_STYLE.findall(style)
    targets = {f"#{name}" for name in read.ids}
    broken = [one for one in read.links if one not in targets and not one.startswith(HUB)]
    metadata = {"pictures": read.images, "links": len(read.links), "broken links": len(broken)}
    faults = [
        *(f"it fetches {one[:80]!r}" for one in fetched[:5]),
        *(f"the link {one[:80]!r} leads nowhere" for one in broken[:5]),
    ]
    if faults:
        return RuleResult(False, f"{'; '.join(faults)}.", metadata)
    text = f"{read.images} pictures and {len(read.links)} links; nothing is fetched."
    return RuleResult(True, text, metadata)


def names_newest_day(page: str, newest: datetime.date | None) -> RuleResult:
    """The page is of the newest trusted day: later days were not trusted, or it is out of date.

    Args:
        page: the HTML.
        newest: the newest trusted day of `day_quality`; None where there is none.
    """
    if newest is None:
        return RuleResult(True, "No day can be trusted yet.")
    day = day_name(newest)
    if f"trusted is {day};" in page:
        return RuleResult(True, f"The numbers are of {day}, the newest trusted day.")
    text = f"The newest trusted day is {day}, and the page is of another: materialise it again."
    return RuleResult(False, text, severity="WARN")
