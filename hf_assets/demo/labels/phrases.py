"""How a generated question or dataset puts its topics into sentences.

Wording and mark-up belong here; what the topics' own words are is in `topics` and `subjects`.
"""

import html
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hf_assets.demo.labels.topics import Topic

# (draw, topics that get a voice, index) → title, subtitle, body.
Maker = Callable[[random.Random, Sequence[Topic], int], tuple[str, str, str]]


@dataclass(frozen=True)
class Wording:
    """How texts of one kind are put together; `copies` are the endings of near copies."""

    text: Maker
    placeholder: tuple[str, str, str]
    empty: str
    copies: tuple[str, ...]
    foreign: tuple[str, ...]


_TITLES = (
    "How to {doing}?",
    "How can I {doing}?",
    "What is the best way to {doing}?",
    "Why is it that {trouble}?",
    "Is the {thing} to blame when {trouble}?",
    "{Trouble}: what am I doing wrong?",
    "{Thing} or {other}?",
    "What is the difference between {thing} and {other}?",
    "How does the {thing} depend on the {other}?",
    "{Thing} gives wrong results",
    "Understanding the {thing}",
    "Do I need a {thing} to {doing}?",
    "Beginner's question about {thing}",
)
_VAGUE_TITLES = (
    "Where should I start?",
    "Is this approach sound?",
    "Strange results in my project, any idea?",
    "Need advice for my thesis",
    "What does \"it depends\" mean here & why?",
)  # fmt: skip
_SENTENCES = (
    "I am trying to {doing}, and {trouble}.",
    "So far I have looked at the {thing} and at the {other}.",
    "My problem is that {trouble}.",
    "As far as I understand, the {thing} should take care of that.",
    "I would like to {doing} without buying anything new.",
    "Has anybody managed to {doing}?",
    "When I change the {thing}, {trouble}.",
    "The documentation says little about the {thing}.",
    "Is there a rule of thumb for the {other}?",
    "A colleague told me to {doing} first.",
    "The {thing} gives other values than the {other}.",
    "I print the {thing} in every step, and it looks fine.",
    "What would you change in the {thing}?",
    "Somewhere between the {thing} and the {other} something gets lost.",
    "Below is how I set up the {thing}.",
    "Without the {other} it is just the same.",
    "I took the {thing} from an older project.",
    "Since yesterday {trouble}, although I did not touch the {other}.",
)
_GENERAL = (
    "I am new to this, so please bear with me.",
    "I have searched this site and read two books, without success.",
    "Any pointer to a paper or to an example would help.",
    "It worked last week and I do not know what changed.",
    "This is for a course project with a small budget.",
    "I can post more details if they are needed.",
    "The numbers below are from one run; others look alike.",
    "My question is whether this is normal.",
)
_FORMULAS = (
    r"$$x_{k+1} = A x_k + B u_k$$",
    r"$y = f(x) + \epsilon$ with $\epsilon \sim N(0, \sigma^2)$",
    r"$\theta = \arctan(y / x)$",
    r"$$L = -\sum_i y_i \log p_i$$",
    r"$v = \omega r$",
)
_SNIPPETS = {
    "learning": (
        "model.fit(X_train, y_train)\nprint(model.score(X_test, y_test))  # 0.{number}",
        "for x, y in data:\n    if x < {number} and y > 0:\n        kept.append((x, y))",
    ),
    "code": (
        "import numpy as np\nvalues = np.zeros({number})\nvalues[values < 1] = 1",
        "Traceback (most recent call last):\n  File \"run.py\", line {number}, in <module>",
    ),
    "systems": (
        "void loop() {{\n  int value = read({number});\n  if (value > 10 && value < 90) act();\n}}",
        "$ ./start.sh --rate {number}\nerror: no device",
    ),
    "motion": (
        "angle = {number}\nwhile error(angle) > 0.01:\n    angle += step(angle)",
        "u = kp * e + ki * sum_e + kd * (e - last)  # kp = {number}",
    ),
    "perception": (
        "for reading in readings:\n    if reading.range < {number}:\n        update(reading)",
        "pose = [0, 0, {number}]\npose = move(pose, dt=0.1)",
    ),
}  # fmt: skip


# How people name things in their programs: one thing has many names, and most are seen once.
_IDENTIFIERS = ("my_{}", "{}_{n}", "{}_config", "test_{}", "{}_old", "new_{}", "{}_node", "run_{}")
NAMED = 0.7


def _named(draw: random.Random, thing: str) -> str:
    """A thing, or what someone's program calls it."""
    if draw.random() >= NAMED:
        return thing
    name = thing.replace(" ", "_").replace("-", "_")
    return draw.choice(_IDENTIFIERS).format(name, n=draw.randint(2, 40))


def _words(draw: random.Random, topic: Topic, *, named: bool = True) -> dict[str, str]:
    thing, other = draw.sample(topic.things, 2)
    if named:
        thing, other = _named(draw, thing), _named(draw, other)
    doing, trouble = draw.choice(topic.doing), draw.choice(topic.trouble)
    return {
        "thing": thing,
        "Thing": thing[0].upper() + thing[1:],
        "other": other,
        "doing": doing,
        "Doing": doing[0].upper() + doing[1:],
        "trouble": trouble,
        "Trouble": trouble[0].upper() + trouble[1:],
    }


def _question(draw: random.Random, topics: Sequence[Topic], index: int) -> tuple[str, str, str]:
    # Nine in ten titles say something of the first topic that has a voice.
    if topics and draw.random() < 0.9:
        title = draw.choice(_TITLES).format(**_words(draw, topics[0]))
    else:
        title = draw.choice(_VAGUE_TITLES)
    sentences = [
        draw.choice(_SENTENCES).format(**_words(draw, topic))
        for at, topic in enumerate(topics)
        for _ in range(draw.randint(1, 2 if at else 3))
    ]
    sentences += draw.sample(_GENERAL, draw.randint(1, 3))
    draw.shuffle(sentences)
    paragraphs: list[str] = []
    while sentences:
        count = draw.randint(1, 3)
        paragraphs.append(f"<p>{html.escape(' '.join(sentences[:count]), quote=False)}</p>\n")
        del sentences[:count]
    if draw.random() < 0.25:
        paragraphs.append(f"<p>{draw.choice(_FORMULAS)}</p>\n")
    if topics and draw.random() < 0.45:
        snippet = draw.choice(_SNIPPETS[topics[0].group]).format(number=draw.randint(2, 99))
        paragraphs.append(f"<pre><code>{html.escape(snippet, quote=False)}\n</code></pre>\n")
    if draw.random() < 0.2:
        link = f"https://example.org/notes/{index}?a=1&amp;b=2"
        paragraphs.append(f'<p>See <a href="{link}" rel="nofollow">my notes</a>.</p>\n')
    if draw.random() < 0.15 and topics:
        items = "".join(f"<li>{html.escape(thing)}</li>\n" for thing in topics[0].things[:3])
        paragraphs.append(f"<ul>\n{items}</ul>\n")
    draw.shuffle(paragraphs)
    return title, "", "\n".join(paragraphs)


_PLACES = (
    "Norway", "Brazil", "Kenya", "Vietnam", "Ontario", "Kraków", "Île-de-France", "Osaka",
    "Chile", "the Alps", "Lagos", "New Zealand", "the Baltic", "Türkiye",
)  # fmt: skip
_DATASET_TITLES = (
    "{Thing} of {place}",
    "{Thing} and {other}, {year}-{until}",
    "{count} {thing} from {place}",
    "{place}: {other} by month",
    "Small collection of {thing}",
    "{Doing} with {thing}",
)
_VAGUE_DATASETS = ("train and test csv", "My first dataset", "data_v2 (final)", "Project files")
_SUBTITLES = (
    "{Thing} in one clean table",
    "To {doing}, from {year} to {until}",
    "Raw and cleaned, with notes",
    "Collected in {place} over {count} days",
)
_DATASET_SENTENCES = (
    "These {thing} were put together to {doing}.",
    "Each row has one of the {thing}, with the {other} where known.",
    "Beware: {trouble}.",
    "One can use the {other} to {doing}.",
    "The {thing} come from public notices in {place}.",
    "Mind that {trouble}; the {other} are not affected.",
)
_DATASET_GENERAL = (
    "The file has {count} rows and is encoded in UTF-8.",
    "Missing values are left empty.",
    "Please tell me what you find.",
    "Updated every now and then.",
    "A second file explains the columns.",
)


def _dataset(draw: random.Random, topics: Sequence[Topic], _index: int) -> tuple[str, str, str]:
    year = draw.randint(1995, 2018)
    facts = {
        "place": draw.choice(_PLACES),
        "year": year,
        "until": year + draw.randint(2, 7),
        "count": draw.choice((50, 120, 365, 900, 2500, 40_000)),
    }

    def said(templates: Sequence[str], topic: Topic) -> str:
        return draw.choice(templates).format(**_words(draw, topic, named=False), **facts)

    if topics and draw.random() < 0.9:
        title, subtitle = said(_DATASET_TITLES, topics[0]), said(_SUBTITLES, topics[0])
    else:
        title, subtitle = draw.choice(_VAGUE_DATASETS), ""
    context = [
        said(_DATASET_SENTENCES, topic)
        for at, topic in enumerate(topics)
        for _ in range(draw.randint(1, 2 if at else 3))
    ]
    content = [text.format(**facts) for text in draw.sample(_DATASET_GENERAL, draw.randint(1, 3))]
    parts = ["## Context", " ".join(context), "## Content", " ".join(content)]
    if topics and draw.random() < 0.4:
        columns = [f"- `{thing.replace(' ', '_').lower()}`" for thing in topics[0].things[:4]]
        parts.append("\n".join(columns))
    if draw.random() < 0.3:
        parts += ["### Acknowledgements", "Thanks to [the volunteers](https://example.org/a?b=1)."]
    return title, subtitle, "\n\n".join(parts)


QUESTIONS = Wording(
    text=_question,
    placeholder=("Title of the question", "", "<p>Put the details of your question here.</p>\n"),
    empty="<p><br></p>\n",
    copies=("\n<p>Thanks in advance!</p>\n", "\n<p><em>Edit:</em> still open.</p>\n"),
    foreign=(
        "\n<p>도와주세요 Ωμέγα</p>\n",
        "\n<p>谢谢大家 🙏🤖</p>\n",
        "\n<p>Ångström, naïve, Δθ ≈ 0.5°, 25&nbsp;µs</p>\n",
        "\n<p>شكرا جزيلا</p>\n",
    ),
)
DATASETS = Wording(
    text=_dataset,
    placeholder=("Untitled dataset", "", "No description available"),
    empty="",
    copies=("\n\nVersion 2.", "\n\n*Re-uploaded with a licence.*"),
    foreign=("\n\n데이터 모음", "\n\n数据集 📊", "\n\nTemperatura média: 25 °C ± 0,5"),
)
