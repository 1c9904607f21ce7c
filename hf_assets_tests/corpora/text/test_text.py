"""What is markup in a text by its format, and which texts say the same."""

import itertools
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.corpora.near_duplicates import NearTexts
from hf_assets.corpora.text.elements import BLOCKS, INLINE
from hf_assets.corpora.text.formats import FORMATS, TextFormat
from hf_assets.corpora.text.plain import near, plain, shingles, squeezed, text_key, words


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (None, ""),
        ("", ""),
        ("  \n\t ", ""),
        ("\x00\u200b\ufeff", ""),
        ("<p></p><br/>", ""),
        ("<p>one</p><p>two</p>", "one two"),
        ("one<br>two<BR />three", "one two three"),
        ("<ul><li>one<li>two</ul>three", "one two three"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("bo<b>l</b>d H<sub>2</sub>O", "bold H2O"),
        ("<p>use <code>x = 1</code> here</p>", "use x = 1 here"),
        ("a<script>if (x < 1) { evil('</p>') }</script>b", "a b"),
        ("a<style>p > b {}</style>b", "a b"),
        ("a<!-- <p>c</p> -->b", "a b"),
        ("<!DOCTYPE html><html><head><title>T</title></head><body>B</body></html>", "T B"),
        ("<p>AT&amp;T &lt;b&gt; &#8217; &eacute; &amp;lt;</p>", "AT&T <b> \u2019 é &lt;"),
        ("<a href='x' title=\"<b> > \">link</a>", "link"),
        ("<p\nclass=x>text</p\n>", "text"),
        ("<P>UPPER</P>", "UPPER"),
    ],
)
def test_html_becomes_text(source: str | None, expected: str) -> None:
    assert plain(source, "html") == expected


@pytest.mark.parametrize(
    "source",
    [
        "a < b and c > d",
        "a<b",
        "if x<y: return vector<int>()",
        "<user@example.com> wrote",
        "# Title * one * two [link](https://x.example/?a=1&copy=2) **bold** `code`",
        "AT&T & co",
        "the <script> tag, never closed",
        "an <!-- unfinished comment",
        "1 <= 2 >= 0 -> <- <> </ > <3",
        'a torn <a href="https://x.example',
        "List<String> and </String>",
    ],
)
@pytest.mark.parametrize("text_format", FORMATS)
def test_plain_text_and_markdown_stay(source: str, text_format: TextFormat) -> None:
    assert plain(source, text_format) == source


def test_plain_text_beside_markup_stays() -> None:
    assert (
        plain("<p>if a < b, vector<int> or <x@y.z></p>", "html")
        == "if a < b, vector<int> or <x@y.z>"
    )


def test_references_without_markup_are_decoded() -> None:
    source = "AT&amp;T &lt;p&gt; &#x41; &nosuch; &copy=1"
    assert plain(source, "html") == "AT&T <p> A &nosuch; &copy=1"
    assert plain(source, "markdown") == "AT&T <p> A &nosuch; &copy=1"
    assert plain(source, "text") == source


def test_blocks_of_code_are_kept_or_dropped() -> None:
    source = "<p>before</p><pre><code>x  = 1\nif a &lt; b:</code></pre><p>after <code>y</code></p>"
    assert plain(source, "html") == "before after y"
    assert plain(source, "html", code=True) == "before x = 1 if a < b: after y"


def test_a_block_of_code_without_end_takes_nothing_along() -> None:
    assert plain("<pre>x = 1<p>after", "html") == "x = 1 after"


def test_what_is_no_unicode_does_not_stop_it() -> None:
    assert plain("a\ud800b <b>c</b>", "html") == "a?b c"


# Each was read without the words in angle brackets, as if it were HTML.
KEPT = ["a <b and c> d", "Vec<String> and <code>", "List<I>", "Map<a, b>", "cp <source> <link>",
        "<p> opens", "the <!DOCTYPE html> line", "Vec<b> uses <i>"]  # fmt: skip


@pytest.mark.parametrize("source", KEPT)
def test_words_in_angle_brackets_are_words(source: str) -> None:
    assert plain(source, "text") == source
    if not source.startswith("<p>"):  # a block that opens a line is markup to CommonMark, too
        assert plain(source, "markdown") == source


def test_plain_text_has_no_markup_at_all() -> None:
    source = "<p>one</p> &amp; <b>two</b> <!-- x --> <script>y</script>"
    assert plain(source, "text") == source


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a <b>bold</b> word", "a bold word"),
        ("H<sub>2</sub>O", "H2O"),
        ("one<br>two<br />three", "one two three"),
        ('<img src="x.png" alt=y> shown', "shown"),
        ('<p align="center">\n<a href="#x">top</a>\n</p>', "top"),
        ('<a name="top"/>title', "title"),
        ("<li>one\n<li>two", "one two"),
        ("a<p>b</p>c", "a b c"),
        ("<details open><summary>s</summary>t</details>", "s t"),
        ("a<!-- <p>c</p> `x -->b", "a b"),
        ("<!DOCTYPE html>\n<html><body>B</body></html>", "B"),
        ("a\n<script>if (x < 1) { evil() }</script>\nb", "a b"),
        ("the <script> and </script> tags", "the <script> and </script> tags"),
        ("a\n<pre>x = 1</pre>\nb", "a b"),
        (
            "`List<I>` and `<b>x</b>` and ``a ` &lt; b``",
            "`List<I>` and `<b>x</b>` and ``a ` &lt; b``",
        ),
        ("```html\n<b>x</b> &amp;\n```\n<b>y</b>", "```html <b>x</b> &amp; ``` y"),
        ("~~~~\n<i>x</i>\n~~~\n<i>y</i>\n~~~~\n<i>z</i>", "~~~~ <i>x</i> ~~~ <i>y</i> ~~~~ z"),
        ("```\n<b>open</b>", "``` <b>open</b>"),
        ("it`s <b>x</b>\n\nit`s", "it`s x it`s"),
        ("\\<b>x\\</b> \\&amp;", "\\<b>x\\</b> \\&amp;"),
        ("<B>x</b> and List<B>", "x and List<B>"),
        ("</b> x <b>", "</b> x <b>"),
        (
            "<https://x.example/?a&amp;b> <user@x.example>",
            "<https://x.example/?a&b> <user@x.example>",
        ),
    ],
)
def test_of_markdown_only_html_that_means_nothing_else_goes(source: str, expected: str) -> None:
    assert plain(source, "markdown") == expected


def test_blocks_of_code_in_markdown_are_kept_on_request() -> None:
    source = "a\n<pre><code>x &lt; <b>1</b></code></pre>\nb"
    assert plain(source, "markdown", code=True) == "a x < 1 b"
    assert plain(source, "markdown") == "a b"


@given(st.lists(st.from_regex(r"<?/?[a-zA-Z]{1,4}[ >]?", fullmatch=True), max_size=12))
def test_markdown_never_loses_a_word_outside_of_a_tag(parts: list[str]) -> None:
    source = "".join(parts)
    found = plain(source, "markdown")
    for word in re.sub(r"<[^<>]*>", " ", source).split():
        assert word in found


DEEP = ["<div>", "<b>", "<pre>", "<!--", "<a ", '<a t="', "<p", "<u><a>", "<script>", "<table><b>",
        "<li><ul>", "<a x ", "&lt;", "<!doctype ", "<select>", "<i><p>", "</b>"]  # fmt: skip


# Time that grows with the square of these would keep the suite for minutes.
@pytest.mark.parametrize(
    ("text_format", "depth"),
    [
        ("html", 10_000),
        ("markdown", 2_000),
        pytest.param("html", 100_000, marks=pytest.mark.heavy),
        pytest.param("markdown", 20_000, marks=pytest.mark.heavy),
    ],
)
@pytest.mark.parametrize("part", DEEP)
def test_nesting_without_end_neither_crashes_nor_loses_text(
    part: str, text_format: TextFormat, depth: int
) -> None:
    deep = "before " + part * depth
    assert plain(deep, text_format).startswith("before")
    assert "needle" in plain(deep + "needle", text_format)
    assert plain(deep + "</pre></script>-->", text_format).startswith("before")


_TAGS = sorted(BLOCKS | INLINE)
_WORDS = st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=4)


@st.composite
def html(draw: st.DrawFn, depth: int = 3) -> tuple[str, list[str]]:
    """Well-formed HTML of known elements, and its words."""
    if depth == 0 or draw(st.booleans()):
        found = draw(_WORDS)
        return " ".join(found), found
    name = draw(st.sampled_from(_TAGS))
    inner = [draw(html(depth - 1)) for _ in range(draw(st.integers(1, 3)))]
    said = draw(st.sampled_from(["", ' class="a > b"', " id=x", " hidden", " t='<p>'"]))
    text = f"<{name}{said}> {' '.join(part for part, _ in inner)} </{name}>"
    return text, [word for _, part in inner for word in part]


@given(html())
def test_of_well_formed_html_the_words_stay_and_no_tag(case: tuple[str, list[str]]) -> None:
    source, expected = case
    found = plain(source, "html")
    # Tables may put what is no cell before them, so the order of words is not asked for.
    assert sorted(found.split()) == sorted(expected)
    assert plain(found, "html") == found


@given(st.text(alphabet=st.characters()) | st.text(alphabet="<>/ab \"'=!-&;p\x00"))
def test_any_text_gives_one_line_that_can_be_stored(source: str) -> None:
    for code, text_format in itertools.product((True, False), FORMATS):
        found = plain(source, text_format, code=code)
        found.encode()
        assert found == " ".join(found.split())


@given(st.text(alphabet=st.characters(exclude_characters="<&", exclude_categories=["Cs"])))
def test_text_without_markup_is_only_squeezed(source: str) -> None:
    for text_format in FORMATS:
        found = plain(source, text_format)
        assert found == squeezed(source)
        assert plain(found, text_format) == found


# --- near duplicates -----------------------------------------------------------------------------


def alike(one: str, other: str) -> bool:
    return near(shingles(words(one)), shingles(words(other)))


def test_signs_of_a_words_own_tell_texts_apart() -> None:
    assert text_key(words("What is C++?")) == text_key(words("what is  c++"))
    assert text_key(words("What is C++?")) != text_key(words("What is C#?"))
    assert text_key(words("??")) != text_key(words("!!"))


@pytest.mark.parametrize("text", ["two words", "one", "?", "", "now three words"])
def test_a_short_text_is_like_itself_alone(text: str) -> None:
    assert alike(text, text.upper())
    assert not alike(text, f"{text} more")
    assert not alike(text, "other words")


def test_one_word_of_many_makes_no_other_text() -> None:
    long = [f"w{number}" for number in range(60)]
    assert alike(" ".join(long), " ".join([*long[:30], "other", *long[31:]]))
    assert not alike(
        " ".join(long), " ".join(["x", *long[:20], "y", *long[21:40], "z", *long[41:]])
    )


def jaccard(one: str, other: str) -> float:
    first, second = shingles(words(one)), shingles(words(other))
    return len(first & second) / len(first | second)


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 60))
def test_every_near_pair_is_found_and_no_other(seed: int, count: int, length: int) -> None:
    draw = random.Random(seed)
    mould = [f"w{draw.randrange(200)}" for _ in range(length)]
    texts = []
    for _ in range(count):
        said = list(mould)
        for _ in range(draw.randrange(4)):
            said[draw.randrange(length)] = f"x{draw.randrange(5)}"
        texts.append(" ".join(said[: draw.choice([length, length - 1])] or said))
    index = NearTexts(texts)
    numbers: dict[int, str] = {}
    for text in texts:
        number, candidates = index.put(text)
        found = {other for other in candidates if index.near(number, other)}
        numbers.setdefault(number, text)
        assert found == {
            other
            for other, known in numbers.items()
            if jaccard(text, known) >= 0.85 or other == number
        }
