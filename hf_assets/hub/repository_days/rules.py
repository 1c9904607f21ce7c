"""The rules that the series of every repository must pass."""

from collections.abc import Mapping

from hf_assets.hub.repository_days.facts import DayFacts, digest
from hf_assets.hub.repository_days.reading import day_of, days_in
from hf_assets.hub.repository_days.schemas import Kind
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import Lake


def has_stored_days(lake: Lake, kind: Kind) -> RuleResult:
    """Every stored day of its table is in the series, and no other."""
    known, stored = days_in(lake, kind.table.name), lake.days(kind.source.name)
    missing, more = sorted({*stored} - known.keys()), sorted(known.keys() - {*stored})
    problems = [
        *([f"{len(missing)} stored days are not in it, such as {missing[0]}"] if missing else []),
        *([_without_table(kind, known, more)] if more else []),
    ]
    repeated = sum(one.repeated for one in known.values())
    return RuleResult(
        passed=not problems,
        description="; ".join(problems) or f"all {len(known)} stored days are in it",
        metadata={
            "days": len(known),
            "missing": len(missing),
            "not stored": len(more),
            "repeated rows": repeated,
        },
    )


def _without_table(kind: Kind, known: Mapping[str, DayFacts], days: list[str]) -> str:
    text = f"{len(days)} of its days are not stored, such as {days[0]}"
    if alone := [day for day in days if known[day].only_here]:
        text += (
            f"; the rows of {', '.join(alone)} are in it alone: restore {kind.source.name} of "
            f"these days, or materialise {kind.table.name} with `withdraw` and them"
        )
    return text


def gives_newest_day_back(lake: Lake, kind: Kind) -> RuleResult:
    """The newest day, given back, has what its table had."""
    days = days_in(lake, kind.table.name)
    if not days:
        return RuleResult(passed=True, description="it has no day")
    day, facts = list(days.items())[-1]
    rows = day_of(lake, kind.table.name, day, kind.kept[1:])
    same = rows is not None and (rows.height, digest([rows], kind)) == (facts.rows, facts.digest)
    return RuleResult(
        passed=same,
        description=f"{day} is given back {'as' if same else 'otherwise than'} its table has it",
        metadata={"day": day, "rows": facts.rows},
    )
