"""How to cite an entry, and the dataset version that it was scored on."""

from urllib.parse import quote

from aenbench.leaderboard.entry import Entry
from gdatasets.folder.citation import cite, escape_latex
from gdatasets.generation.specs import DATASETS
from gdatasets.sources.catalog import SOURCES

_URL = ":/?#[]@!$&'()*+,;=-._~%"
"""What a URL may hold; braces and backslashes in it are percent-encoded."""
_PROJECT = "The AEN benchmark authors"


def entry_bibtex(entry: Entry) -> str:
    """The entry as BibTeX, with the digest of its predictions."""
    authors = " and ".join(f"{{{escape_latex(author)}}}" for author in entry.authors) or f"{{{_PROJECT}}}"
    place = f"{entry.dataset}/{entry.configuration}"
    fields = {
        "title": f"{{{escape_latex(entry.name)}}} on {escape_latex(place)}, protocol {entry.protocol}",
        "author": authors,
        "year": escape_latex(entry.created[:4]),
        "howpublished": "Entry of the AEN benchmark leaderboard",
        "note": f"{escape_latex(entry.dataset)} {escape_latex(entry.dataset_version)}; "
        f"SHA-256 of its predictions {entry.predictions_sha256}",
        **({"url": quote(entry.links[next(iter(entry.links))], safe=_URL)} if entry.links else {}),
    }
    lines = ",\n".join(f"  {key} = {{{value}}}" for key, value in fields.items())
    return f"@misc{{{entry.dataset}-{entry.configuration}-{entry.name},\n{lines}\n}}\n"


def dataset_citation(name: str, version: str) -> str:
    """The version as BibTeX where this project publishes it, else how its publisher asks to be cited."""
    if name in DATASETS:
        return cite(f"{name}@{version}")
    return f"{SOURCES[name].citation}\n" if name in SOURCES else ""
