"""What a submitter typed stays within its field: 929b5b9 let a brace end the field, and add others."""

from pathlib import Path

import bibtexparser
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aenbench.leaderboard.entry import Entry
from aenbench.leaderboard.entry_folder import read_description
from aenbench.leaderboard.site.citation import entry_bibtex

FIELDS = {"title", "author", "year", "howpublished", "note", "url"}
ATTACKS = (
    "Eve}, title = {Mine",
    "Eve} } @article{other, title = {Mine}",
    "Eve\\",
    "Eve\\}",
    "{Eve",
    "Eve}",
    "%Eve",
    "@string{a = 1}",
    "Eve and Mallory",
    '"',
)


@pytest.fixture(scope="module")
def entry(make_entry, tmp_path_factory: pytest.TempPathFactory) -> Entry:
    folder: Path = make_entry(tmp_path_factory.mktemp("board"), "one", 40)
    return read_description(folder)


def closes(text: str) -> int:
    """Where the first brace finds its partner, as BibTeX counts: a backslash before a brace changes nothing."""
    depth = 0
    for position, letter in enumerate(text):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "}" and not depth:
            return position
    return len(text)


def test_an_escaped_brace_counts() -> None:
    assert closes(r"{a\}b}") == 3


def fields(entry: Entry) -> dict[str, str]:
    """The fields of the one entry that a parser reads."""
    text = entry_bibtex(entry)
    assert closes(text) == len(text.rstrip()) - 1
    assert all(
        closes(line[line.index("{") :]) == len(line.rstrip(",")) - line.index("{") - 1
        for line in text.rstrip().split("\n")[1:-1]  # to BibTeX no other character ends a line
    )
    library = bibtexparser.parse_string(text)
    assert not library.failed_blocks
    assert not library.strings
    assert not library.preambles
    [parsed] = library.entries
    assert parsed.entry_type == "misc"
    assert parsed.key == f"{entry.dataset}-{entry.configuration}-{entry.name}"
    return {field.key: field.value for field in parsed.fields}


@pytest.mark.parametrize("author", ATTACKS)
def test_no_author_leaves_the_field(entry: Entry, author: str) -> None:
    honest = fields(entry.model_copy(update={"authors": ("Eve",)}))
    found = fields(entry.model_copy(update={"authors": (author,)}))
    assert found.keys() == honest.keys() == FIELDS - {"url"}
    assert {**found, "author": ""} == {**honest, "author": ""}


@given(author=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60))
@example(author="\u2028")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_text_at_all_leaves_the_field(entry: Entry, author: str) -> None:
    assert fields(entry.model_copy(update={"authors": (author, "Bob")})).keys() == FIELDS - {"url"}


@pytest.mark.parametrize("url", ["https://example.org/}{", "https://example.org/a}, title = {Mine", "https://a.org/\\"])
def test_no_address_leaves_the_field(entry: Entry, url: str) -> None:
    found = fields(entry.model_copy(update={"links": {"paper": url}}))
    assert found.keys() == FIELDS
    assert not set("{}\\") & set(found["url"])
