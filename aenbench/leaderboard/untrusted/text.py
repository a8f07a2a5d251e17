"""Text that strangers wrote: what may be in it, and how it is shown so that it stays text."""

import re
import unicodedata

from gdatasets.visible_text import visible

# Control characters, line and paragraph separators, the byte order mark, and what is not seen or turns the direction of
# what follows: bidirectional marks, zero-width space, soft hyphen, tags. Joiners (U+200C, U+200D) are part of words and
# emoji, and stay.
_UNSEEN = (
    "\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
_NOT_PLAIN = {False: re.compile(f"[{_UNSEEN}\ud800-\udfff]"), True: re.compile(f"(?!\n)[{_UNSEEN}\ud800-\udfff]")}

_NOT_IN_NAMES = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2064\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e0fff]"
)

LINE_PATTERN = f"^[^{_UNSEEN}]*$"
TEXT_PATTERN = f"^([^{_UNSEEN}]|\n)*$"


def plain_line(text: str) -> str:
    """The text, if it is one line of visible characters; raises ValueError, which names the first that is not."""
    return _plain(text, newlines=False)


def plain_name(text: str) -> str:
    """The text, if it is one line that looks like no other name; raises ValueError, which says what to write.

    Refused are spaces around it and two in a row, characters that are not seen even within words (joiners, fillers,
    variation selectors), and what Unicode's normal form NFKC writes in another way: full width, ligatures, accents
    apart from their letters, spaces of other widths.
    """
    unseen = _NOT_IN_NAMES.search(text)
    if unseen:
        raise ValueError(f"holds the invisible character U+{ord(unseen[0]):04X} at position {unseen.start()}")
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    if plain != text:
        raise ValueError(f'looks like another name; write it as "{plain}"' if plain else "is empty; give a name")
    return plain_line(text)


def plain_text(text: str) -> str:
    """The text, if it consists of visible characters and newlines; raises ValueError as `plain_line` does."""
    return _plain(text, newlines=True)


def _plain(text: str, newlines: bool) -> str:
    found = _NOT_PLAIN[newlines].search(text)
    if found:
        raise ValueError(
            f"holds the control or invisible character U+{ord(found[0]):04X} at position {found.start()}; "
            "write plain text"
        )
    return text


def plain_markdown(text: str) -> str:
    """Markdown (in a table's cell, too) and HTML that shows this text as it is.

    A backslash before any ASCII punctuation makes it literal (CommonMark 2.4), a pipe in a table too; what HTML could
    read becomes a character reference. A newline becomes a space.
    """
    line = " ".join(text.split())
    return re.sub(r"[!-/:-@\[-`{-~]", lambda mark: _REFERENCES.get(mark[0], f"\\{mark[0]}"), line)


_REFERENCES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;", "'": "&#39;"}


def printable(text: object, length: int = 200) -> str:
    """A name or value from a file that is not trusted, for a message: one line, escaped, cut."""
    return visible(text, length)
