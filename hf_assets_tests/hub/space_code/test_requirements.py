import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.hub.space_code.requirements import Requirements, count_requirements


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("", (0, 0, 0)),
        ("torch\ngradio==4.1\n", (2, 0, 0)),
        ("# a comment\n\n   \ntorch  # of torch\n", (1, 0, 0)),
        ("torch\nTorch==2\nhuggingface_hub\nhuggingface-hub>=1\n", (2, 0, 0)),
        ("-r other.txt\n--requirement more.txt\n-c limits.txt\n", (0, 3, 0)),
        ("--index-url https://example.org\n-f ./wheels\n--pre\n", (0, 0, 0)),
        ("-e .\n-e git+https://a.org/b.git#egg=b\n--editable=./c\n", (3, 0, 0)),
        ("git+https://a.org/b.git@main\nhttps://a.org/c-1.0-py3-none-any.whl\n", (2, 0, 0)),
        ("b @ git+https://a.org/b.git\nb\n", (1, 0, 0)),
        ("torch==2.1 --hash=sha256:aa \\\n    --hash=sha256:bb\n", (1, 0, 0)),
        ("torch>=2 ; python_version < '3.12'\nx[extra,more]~=1.0\n", (2, 0, 0)),
        ("./local\n../other\n/abs/path\nfile:///x\n", (4, 0, 0)),
        ("torch>=\n==2\n&&& nothing\nname with blanks\n", (0, 0, 4)),
        ("torch\r\ngradio\r\n", (2, 0, 0)),
    ],
)
def test_packages_are_counted_as_pip_reads_the_file(text: str, counts: tuple) -> None:
    assert count_requirements(text.encode()) == Requirements(*counts)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_files_of_windows_are_read(encoding: str) -> None:
    text = "torch\ngradio  # für alle\n"
    assert count_requirements(text.encode(encoding)) == Requirements(2, 0, 0)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_have_counts(content: bytes) -> None:
    packages, includes, invalid = count_requirements(content)
    assert min(packages, includes, invalid) >= 0
    assert packages + includes + invalid <= len(content) + 1
