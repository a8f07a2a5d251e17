"""How to cite an entry, and the dataset version that it was scored on."""

from aenbench.leaderboard.entry import Entry
from gdatasets.folder.citation import cite
from gdatasets.generation.specs import DATASETS
from gdatasets.sources.catalogue import SOURCES

_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    letter: f"\\{letter}" for letter in "&%$#_{}"
}
_PROJECT = "The AEN benchmark authors"


def entry_bibtex(entry: Entry) -> str:
    """The entry as BibTeX, with the digest of its predictions."""
    authors = " and ".join(f"{{{_escaped(author)}}}" for author in entry.authors) or f"{{{_PROJECT}}}"
    place = f"{entry.dataset}/{entry.configuration}"
    fields = {
        "title": f"{{{_escaped(entry.name)}}} on {_escaped(place)}, protocol {entry.protocol}",
        "author": authors,
        "year": _escaped(entry.created[:4]),
        "howpublished": "Entry of the AEN benchmark leaderboard",
        "note": f"{_escaped(entry.dataset)} {_escaped(entry.dataset_version)}; "
        f"SHA-256 of its predictions {entry.predictions_sha256}",
        **({"url": entry.links[next(iter(entry.links))]} if entry.links else {}),
    }
    lines = ",\n".join(f"  {key} = {{{value}}}" for key, value in fields.items())
    return f"@misc{{{entry.dataset}-{entry.configuration}-{entry.name},\n{lines}\n}}\n"


def dataset_citation(name: str, version: str) -> str:
    """The version as BibTeX where this project publishes it, else how its publisher asks to be cited."""
    if name in DATASETS:
        return cite(f"{name}@{version}")
    return f"{SOURCES[name].citation}\n" if name in SOURCES else ""


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)
