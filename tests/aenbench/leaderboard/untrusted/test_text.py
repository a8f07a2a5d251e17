"""What plain text is, and how it stays text."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aenbench.leaderboard.untrusted.text import (
    LINE_PATTERN,
    TEXT_PATTERN,
    plain_line,
    plain_markdown,
    plain_name,
    plain_text,
    printable,
)

EVERY = [chr(number) for number in range(sys.maxunicode + 1)]
JOINERS = "\u200c\u200d"
BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def accepted(text: str) -> bool:
    try:
        return plain_line(text) == text
    except ValueError:
        return False


def test_no_control_surrogate_separator_or_bidirectional_character_is_plain() -> None:
    for character in EVERY:
        category = unicodedata.category(character)
        if category in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(character) in BIDIRECTIONAL:
            assert not accepted(character), f"U+{ord(character):04X}"
        if category[0] in "LMNPS" or category == "Zs":
            assert accepted(character) or character in "\u180e", f"U+{ord(character):04X}"
    assert all(accepted(f"a{joiner}b") for joiner in JOINERS)


def test_the_published_patterns_say_the_same() -> None:
    for character in EVERY:
        if unicodedata.category(character) != "Cs":  # no JSON text holds one
            assert accepted(character) == bool(re.fullmatch(LINE_PATTERN, character))
    assert re.fullmatch(TEXT_PATTERN, "a\nb\n")
    assert not re.fullmatch(TEXT_PATTERN, "a\rb")


def test_only_text_takes_newlines() -> None:
    assert plain_text("one\ntwo") == "one\ntwo"
    with pytest.raises(ValueError, match=r"U\+000A at position 3"):
        plain_line("one\ntwo")
    with pytest.raises(ValueError, match=r"U\+202E at position 4"):
        plain_text("one\n\u202etwo")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a plain sentence of 2 lines", "a plain sentence of 2 lines"),
        ("<script>", "&lt;script&gt;"),
        ("[a](javascript:b)", r"\[a\]\(javascript\:b\)"),
        ("a|b", r"a\|b"),
        ("\\|", r"\\\|"),
        ("# one\n- two", r"\# one \- two"),
        ("&lt;", r"&amp;lt\;"),
        ("`*_~", r"\`\*\_\~"),
    ],
)
def test_markdown_shows_text_as_it_is(text: str, shown: str) -> None:
    assert plain_markdown(text) == shown


@given(st.text(st.characters(codec="utf-8")))
def test_markdown_has_nothing_left_to_read(text: str) -> None:
    left = re.sub(r"\\[!-/:-@\[-`{-~]|&(lt|gt|amp|quot|#39);", "", plain_markdown(text))
    assert not re.search(r"[!-/:-@\[-`{-~\n]", left)


@given(st.text())
def test_a_message_is_one_printable_line(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) <= 6 * 200 + 10


_UNSEEN_NAMES = {
    "zero-width space": "deep\u200bnet",
    "joiner": "deep\u200dnet",
    "non-joiner": "deep\u200cnet",
    "right to left": "deep\u202enet",
    "mark": "deep\u200fnet",
    "word joiner": "deep\u2060net",
    "soft hyphen": "deep\u00adnet",
    "byte order mark": "\ufeffdeepnet",
    "grapheme joiner": "deep\u034fnet",
    "Hangul filler": "deep\u3164net",
    "half-width filler": "deep\uffa0net",
    "Braille blank": "deep\u2800net",
    "variation selector": "deepnet\ufe0f",
    "tag": "deepnet\U000e0041",
    "trailing space": "deepnet ",
    "leading space": " deepnet",
    "two spaces": "deep  net",
    "only spaces": "   ",
    "no-break space": "deep\u00a0net",
    "ideographic space": "deep\u3000net",
    "thin space": "deep\u2009net",
    "full width": "ｄeepnet",
    "ligature": "ﬁnenet",
    "accent apart": "re\u0301seau",
    "superscript": "net²",
    "mathematical": "𝐝eepnet",
    "Kelvin sign": "300 \u212a",
    "tab": "deep\tnet",
    "newline": "deepnet\n",
}


@pytest.mark.parametrize("name", _UNSEEN_NAMES.values(), ids=_UNSEEN_NAMES)
def test_names_that_look_like_others_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"invisible|looks like another name|is empty") as refused:
        plain_name(plain_line(name))
    assert str(refused.value).isprintable() or "write it as" in str(refused.value)


@pytest.mark.parametrize("name", ["deepnet", "Réseau d'Été", "深層網", "Ångström (2026)", "aen:dqn", "a_b.C-1", "شبكة"])
def test_names_of_all_languages_are_taken(name: str) -> None:
    assert plain_name(name) == name
