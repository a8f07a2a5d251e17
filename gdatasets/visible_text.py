"""Text from anywhere (names of files, values in them, a server's words) as characters that only stand there."""


def visible(text: object, length: int | None = None) -> str:
    r"""One line in which every character is seen: ESC as `\x1b`, a newline as `\n`, U+202E as `\u202e`.

    A terminal then shows it and does nothing else, and no part of it can pass for a line of its own.

    Args:
        text: what is to be shown.
        length: cut after this many characters, shown by `...`.
    """
    whole = str(text)
    shown = whole if length is None else whole[:length]
    if not shown.isprintable():
        shown = "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in shown)
    return shown if length is None or len(whole) <= length else f"{shown}..."
