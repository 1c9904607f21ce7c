"""Groups and sides: duplicates stay together, and nothing changes side as a corpus grows."""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.corpora.groups import SplitAssignment, Text, assign_splits, placeholders, split_of
from hf_assets.corpora.schemas import SPLITS, SplitName
from hf_assets.corpora.text.plain import near, shingles, text_key, words

Assignments = list[SplitAssignment | None]


def assigned(
    texts: list[Text],
    current: Mapping[str, SplitAssignment],
    away: Mapping[str, SplitAssignment] | None = None,
) -> Assignments:
    return assign_splits(texts, current, away).assignments


def texts_of(count: int, seed: int, kinds: int) -> list[Text]:
    """Texts of so many kinds; two of one kind are the same, near, or just too far apart."""
    draw = random.Random(seed)
    moulds = [[f"w{draw.randrange(10**6)}" for _ in range(30)] for _ in range(kinds)]
    found = []
    for number in range(count):
        said = list(draw.choice(moulds))
        for _ in range(draw.randrange(4)):
            said[draw.randrange(30)] = f"x{draw.randrange(3)}"
        found.append(Text(f"t:{number:03}", " ".join(said)))
    return found


def torn(texts: list[Text], assignments: dict[str, SplitAssignment]) -> list[tuple[str, str]]:
    """Pairs of texts that are nearly the same and lie on different sides."""
    sets = [(text.id, shingles(words(text.text))) for text in texts if text.id in assignments]
    return [
        (one, other)
        for at, (one, first) in enumerate(sets)
        for other, second in sets[:at]
        if assignments[one].split != assignments[other].split and near(first, second)
    ]


def sides_of_groups(assignments: dict[str, SplitAssignment]) -> dict[str, set[SplitName]]:
    found = defaultdict(set)
    for at in assignments.values():
        found[at.group].add(at.split)
    return found


@given(st.integers(0, 2**32), st.integers(1, 5))
def test_a_growing_corpus_moves_no_row_and_tears_no_group(seed: int, steps: int) -> None:
    texts = texts_of(40, seed, kinds=12)
    arriving = random.Random(seed).sample(texts, len(texts))
    known: dict[str, SplitAssignment] = {}
    for step in range(1, steps + 1):
        there = sorted(arriving[: len(arriving) * step // steps])
        made = assign_splits(there, known)
        now = {text.id: at for text, at in zip(there, made.assignments, strict=True) if at}
        assert {name: now.get(name) for name in known} == known
        assert all(len(sides) == 1 for sides in sides_of_groups(now).values())
        assert not torn(there, now)
        known = now
    assert len(known) >= 12  # one of each kind at least has a place


@given(st.integers(0, 2**32), st.integers(2, 6))
def test_rows_that_come_and_go_stay_on_their_sides(seed: int, steps: int) -> None:
    texts, draw = texts_of(40, seed, kinds=10), random.Random(seed)
    known: dict[str, SplitAssignment] = {}
    away: dict[str, SplitAssignment] = {}
    for _ in range(steps):
        there = sorted(draw.sample(texts, draw.randrange(10, 40)))
        made = assign_splits(there, known, away)
        now = {text.id: at for text, at in zip(there, made.assignments, strict=True) if at}
        ever = away | known
        assert all(ever[name] == at for name, at in now.items() if name in ever)
        # Who was there the last time is never sent away for one who comes or comes back.
        assert {name for name in known if name in {text.id for text in there}} <= now.keys()
        assert all(len(sides) == 1 for sides in sides_of_groups(now).values())
        assert not torn(there, now)
        known, away = now, {name: at for name, at in (ever | now).items() if name not in now}


def test_one_who_comes_back_yields_to_what_took_its_place() -> None:
    first, second = Text(on("train"), "one text"), Text(on("test"), "one text")
    lay = {first.id: SplitAssignment(first.id, "train")}
    lies = {second.id: SplitAssignment(second.id, "test")}
    assert assigned([first, second], lies, lay) == [None, lies[second.id]]
    assert assigned([first], {}, lay) == [lay[first.id]]


@given(st.integers(0, 2**32))
def test_texts_that_are_edited_are_left_out_rather_than_torn(seed: int) -> None:
    texts = texts_of(30, seed, kinds=8)
    known = {t.id: at for t, at in zip(texts, assigned(texts, {}), strict=True) if at}
    draw = random.Random(seed)
    edited = [t._replace(text=draw.choice(texts).text) if draw.random() < 0.3 else t for t in texts]
    now = {t.id: at for t, at in zip(edited, assigned(edited, known), strict=True) if at}
    assert all(known[name].split == at.split for name, at in now.items() if name in known)
    assert not torn(edited, now)


def test_the_group_is_named_after_the_earliest_row() -> None:
    said = " ".join(f"w{number}" for number in range(40))
    texts = [Text("b", said), Text("a", said + " more"), Text("c", said.upper())]
    assert [at and at.group for at in assigned(texts, {})] == ["b", "b", "b"]
    late = [Text("older", said), *texts]
    known = {"b": SplitAssignment("b", split_of("b"))}
    assert [at and at.group for at in assigned(late, known)] == [
        "b",
        "b",
        "b",
        "b",
    ]


def on(split: SplitName, prefix: str = "g") -> str:
    """An id whose own side that is."""
    return next(name for n in range(1000) if split_of(name := f"{prefix}{n}") == split)


def test_what_is_like_texts_of_two_sides_is_left_out() -> None:
    words_of = [f"w{number}" for number in range(80)]
    one, other = [*words_of], [*words_of]
    for at in (10, 30):
        one[at] = f"x{at}"
    for at in (50, 70):
        other[at] = f"y{at}"
    first, last = Text(on("train"), " ".join(one)), Text(on("test"), " ".join(other))
    between = Text("between", " ".join(words_of))
    made = assign_splits([first, last, between], {})
    assert made.assignments == [
        SplitAssignment(first.id, "train"),
        SplitAssignment(last.id, "test"),
        None,
    ]
    # On one side it joins the earlier of the two.
    last = last._replace(id=on("train", "h"))
    made = assign_splits([first, last, between], {})
    assert made.assignments[2] == SplitAssignment(first.id, "train")
    # What was left out holds no place: a copy of it is judged by itself.
    assert assigned([between, first], {}) == [SplitAssignment("between", split_of("between"))] * 2


def test_sides_are_80_10_10_and_the_same_everywhere() -> None:
    counts = Counter(split_of(f"question:{number}") for number in range(20_000))
    shares = {name: counts[name] / 20_000 for name in SPLITS}
    assert shares == pytest.approx({"train": 0.8, "validation": 0.1, "test": 0.1}, abs=0.01)
    # Pinned: another hash would move every row of every corpus there is.
    ids = ("a", "b", "stackexchange:datascience:1", "kaggle:7", "")
    assert [split_of(name) for name in ids] == [
        "train", "validation", "train", "test", "train",
    ]  # fmt: skip


def numbered(count: int, published: SplitName | None, prefix: str) -> list[Text]:
    return [Text(f"{prefix}{n}", f"text {prefix} number {n}", published) for n in range(count)]


def test_published_sides_stay_and_a_missing_one_is_carved_out_of_train() -> None:
    texts = numbered(300, "train", "a") + numbered(50, "test", "b")
    made = assigned(texts, {})
    assert {at.split for at in made[300:] if at} == {"test"}
    carved = Counter(at.split for at in made[:300] if at)
    assert set(carved) == {"train", "validation"}
    assert 15 <= carved["validation"] <= 45
    assert carved["validation"] == sum(split_of(t.id) == "validation" for t in texts[:300])
    whole = [*texts, *numbered(5, "validation", "c")]
    assert [at and at.split for at in assigned(whole, {})] == [t.published for t in whole]


def test_duplicates_that_straddle_published_sides_are_counted_not_moved() -> None:
    texts = [Text("a", "the very same text", "train"), Text("b", "The very same text.", "test"),
             Text("c", "the very same text", "train"), Text("d", "the very same text", "test"),
             Text("e", "another one", "validation")]  # fmt: skip
    made = assign_splits(texts, {})
    assert [at and at.split for at in made.assignments] == [
        "train",
        "test",
        "train",
        "test",
        "validation",
    ]
    assert [at and at.group for at in made.assignments] == ["a", "b", "a", "b", "e"]
    assert made.straddling == 3
    # A row that was published on no side is like rows of two.
    assert assigned([*texts, Text("f", "the very same text")], {})[5] is None
    assert assigned([texts[0], texts[4], Text("f", texts[0].text)], {})[2] == SplitAssignment(
        "a", "train"
    )


def test_a_group_whose_founder_moves_gets_another_name() -> None:
    first, second = Text(on("train"), "one text"), Text("b", "one text")
    was = assigned([first, second], {})
    known = {t.id: at for t, at in zip([first, second], was, strict=True) if at}
    assert known["b"].group == first.id
    now = assign_splits(
        [first._replace(published="test", text="all new"), second], known
    ).assignments
    groups = {at.group: at.split for at in now if at}
    assert len(groups) == 2


def test_placeholders_are_many_and_of_many_labels() -> None:
    def rows(text: str, count: int, *labels: str) -> list[tuple[bytes, list[str]]]:
        return [(text_key(words(text)), [labels[at % len(labels)]]) for at in range(count)]

    found = [*rows("Add a plot", 5, "drama", "comedy"), *rows("four", 4, "a", "b"),
             *rows("bot", 50, "same")]  # fmt: skip
    assert placeholders(found, 1000) == {text_key(["add", "a", "plot"])}
    assert placeholders(found, 5000) == {text_key(["add", "a", "plot"])}
    assert not placeholders(found, 5001)
