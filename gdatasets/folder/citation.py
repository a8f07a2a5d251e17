"""How to cite a version of a dataset: BibTeX, CITATION.cff and APA, each with version and digest."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gdatasets.errors import UnknownNameError
from gdatasets.generation.specs import DatasetSpec, dataset_spec, is_pinned, pinned_digests
from gdatasets.sources.source import Source

Format = Literal["bibtex", "cff", "apa"]
FORMATS: tuple[Format, ...] = ("bibtex", "cff", "apa")

METHOD_CITATION = (
    "Basu, S., Magesh, A., Yadav, H., Varshney, L. R.: Autoequivariant Network Search via Group Decomposition. "
    "arXiv:2104.04848, 2021."
)


@dataclass(frozen=True)
class Cited:
    """What is cited.

    Attributes:
        spec: the dataset, at the cited version.
        source: the original data.
        digest: SHA-256 over the `content_sha256` of every configuration and split of the version; empty of a version
            that has no published digest.
    """

    spec: DatasetSpec
    source: Source
    digest: str


def version_digest(digests: Mapping[str, Mapping[str, str]]) -> str:
    """One digest for a whole version: SHA-256 of `{configuration: {split: content_sha256}}` as sorted, compact JSON."""
    text = json.dumps(digests, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def parse_reference(reference: str) -> DatasetSpec:
    """The version that `NAME` or `NAME@VERSION` names; a leading v of the version is ignored.

    Raises:
        UnknownNameError: no such dataset or version; it lists the known ones.
    """
    name, _, version = reference.partition("@")
    spec = dataset_spec(name.removeprefix("aen/"))
    chosen = version.removeprefix("v") or spec.version
    if chosen != spec.version or is_pinned(spec):
        pinned_digests(spec.name, chosen)  # an unknown version is an error here
    return spec.at(chosen)


def cite(reference: str, form: str = "bibtex") -> str:
    """The citation of a version; it has no digest where none was published.

    Args:
        reference: `g-mnist` or `g-mnist@1.0.0`.
        form: `bibtex`, `cff` or `apa`.

    Raises:
        UnknownNameError: no such dataset, version or form.
    """
    spec = parse_reference(reference)
    digest = version_digest(pinned_digests(spec.name, spec.version)) if is_pinned(spec) else ""
    cited = Cited(spec, spec.source, digest)
    return render_citation(cited, form)


def render_citation(cited: Cited, form: str) -> str:
    """A citation as text, with a final newline."""
    if form not in FORMATS:
        raise UnknownNameError("citation format", form, FORMATS)
    return {"bibtex": _bibtex, "cff": _cff, "apa": _apa}[form](cited)


def _bibtex(cited: Cited) -> str:
    spec = cited.spec
    year = spec.released[:4]
    fields = {
        "title": f"{{{escape_latex(spec.title)}}}, version {spec.version}",
        "author": "{The AEN benchmark authors}"
        if is_pinned(spec)
        else f"{{The authors of {escape_latex(spec.title)}}}",
        **({"year": year} if year else {}),
        "version": spec.version,
        "howpublished": f"\\url{{https://huggingface.co/datasets/aen/{spec.name}}}" if is_pinned(spec) else "",
        "note": f"{_identity(cited)}. Derived from: {escape_latex(cited.source.citation + _terms(cited))}",
    }
    lines = [f"  {key} = {{{value}}}" for key, value in fields.items() if value]
    key = f"{spec.name}-{spec.version}"
    return f"@misc{{{key},\n" + ",\n".join(lines) + "\n}\n"


def _terms(cited: Cited) -> str:
    """The license of the original images, where whoever cites must know it."""
    return f"; license of the original images: {cited.source.terms}" if cited.source.restriction else ""


def _identity(cited: Cited) -> str:
    return f"version SHA-256 {cited.digest}" if cited.digest else "no published digest"


_LATEX = {letter: f"\\{letter}" for letter in "&%$#_"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "{": r"\textbraceleft{}",  # BibTeX counts braces, escaped ones too
    "}": r"\textbraceright{}",
}


def escape_latex(text: str) -> str:
    """A text as LaTeX that shows it, also as the value of a BibTeX field: every brace in the result has its partner."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _apa(cited: Cited) -> str:
    spec = cited.spec
    author = "The AEN benchmark authors" if is_pinned(spec) else f"The authors of {spec.title}"
    where = f" https://huggingface.co/datasets/aen/{spec.name}" if is_pinned(spec) else ""
    year = spec.released[:4] or "n.d."
    identity = f"SHA-256 {cited.digest}" if cited.digest else "no published digest"
    known = f"{identity}{_terms(cited)}"
    return f"{author}. ({year}). {spec.title} (Version {spec.version}) [Data set; {known}].{where}\n"


def _cff(cited: Cited) -> str:
    import yaml

    spec = cited.spec
    author = "The AEN benchmark authors" if is_pinned(spec) else f"The authors of {spec.title}"
    content: dict[str, object] = {
        "cff-version": "1.2.0",
        "message": "Please cite this dataset with its version and digest, and the data it was made from.",
        "type": "dataset",
        "title": spec.title,
        "version": spec.version,
        "authors": [{"name": author}],
        **({"identifiers": [_identifier(cited.digest)]} if cited.digest else {}),
        "references": [
            {
                "type": "data",
                "title": cited.source.title,
                "authors": [{"name": f"The authors of {cited.source.title}"}],
                "notes": (cited.source.citation or "no citation was given") + _terms(cited),
            },
            {
                "type": "article",
                "title": "Autoequivariant Network Search via Group Decomposition",
                "authors": [
                    {"family-names": "Basu", "given-names": "Sourya"},
                    {"family-names": "Magesh", "given-names": "Akshayaa"},
                    {"family-names": "Yadav", "given-names": "Harshit"},
                    {"family-names": "Varshney", "given-names": "Lav R."},
                ],
                "url": "https://arxiv.org/abs/2104.04848",
                "year": 2021,
            },
        ],
    }
    if spec.released:
        content["date-released"] = spec.released
    if is_pinned(spec):
        content["url"] = f"https://huggingface.co/datasets/aen/{spec.name}"
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return text


def _identifier(digest: str) -> dict[str, str]:
    return {"type": "other", "value": f"sha256:{digest}", "description": "content digest of this version"}
