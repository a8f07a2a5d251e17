"""The page as a file: what may run in it, what it may fetch, and that text stays text."""

import base64
import hashlib
import json
import re
from pathlib import Path

import numpy as np

from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.markdown import render
from aenbench.leaderboard.site.citation import dataset_citation, entry_bibtex
from aenbench.leaderboard.site.render import page
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task

LABELS = Images(Task("g-digits", "aug1")).test_labels()
HOSTILE = "</script><script>alert(1)</script>\u2028&lt;{}\\"


def data(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)[1])


def test_the_policy_names_the_only_script_and_style(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "one", 40)
    html = page(read_board(tmp_path))
    [script] = re.findall(r"<script>(.*?)</script>", html, re.S)
    [style] = re.findall(r"<style>(.*?)</style>", html, re.S)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert html.count("<script") == 2
    assert not re.search(r"\s(style|on[a-z]+)=", re.sub(r"<(script|style)[^>]*>.*?</\1>", "", html, flags=re.S))
    assert "%" + "DATA%" not in html


def test_no_text_ends_the_data(tmp_path: Path, make_entry, entries_of) -> None:
    text = HOSTILE.replace("\u2028", " ")
    make_entry(tmp_path, "one", 40, description=text, origin="submission", method=text)
    html = page(read_board(tmp_path))
    [entry] = entries_of(data(html))
    assert entry["description"] == text
    inside = re.search(r'id="data">(.*)\n<script>', html, re.S)[1].removesuffix("</script>")
    assert not set(inside) & set("<>&\u2028\u2029")


def test_the_data_are_those_of_the_board(tmp_path: Path, make_entry, entries_of) -> None:
    make_entry(tmp_path, "one", 36, searches=((0.5, 0.25),), with_logits=True)
    make_entry(tmp_path, "grouped", 36, Task("g-digits", "d4"))
    found = data(page(read_board(tmp_path)))
    one, grouped = entries_of(found)
    assert dict(zip(found["seedColumns"], one["seeds"][0], strict=True))["accuracy"] == 0.9
    assert one["progress"] == [[0, [0.5, 0.25]]]
    assert [images for _, images in found["tasks"][0]["heads"]["classes"]] == np.bincount(LABELS).tolist()
    assert [len(part) for part in one["classes"]] == [3] * 10
    assert sum(map(sum, one["confusion"])) == 3 * 360
    assert {name for name, _, _ in grouped["facets"]} >= {"element", "rotation", "hflip"}
    assert all(
        len(parts) == values == len(found["tasks"][1]["heads"][name]) for name, values, parts in grouped["facets"]
    )
    assert one["calibration"]["bins"]
    assert found["tasks"][0]["samples"]["source"].startswith("data:image/png;base64,")
    assert found["tasks"][0]["samples"]["classes"] == list("0123456789")


def test_open_recipes_are_a_table_of_their_own(tmp_path: Path, make_entry, entries_of) -> None:
    make_entry(tmp_path, "fixed", 36)
    make_entry(tmp_path, "opened", 20, open_recipe={"epochs": 30})
    make_entry(tmp_path, "sent", 40, origin="submission", method="a network")
    found = data(page(read_board(tmp_path)))
    assert [task["recipe"] for task in found["tasks"]] == ["fixed", "open"]
    shown = {entry["name"]: (entry["task"], entry["rank"], entry["recipe"]) for entry in entries_of(found)}
    assert shown["opened"] == (1, 1, "open: 30 epochs")
    assert shown["fixed"] == (0, 1, "fixed")
    assert shown["sent"][::2] == (0, "")


def test_the_page_shows_the_numbers_of_the_markdown_tables(tmp_path: Path, make_entry, entries_of) -> None:
    for wrong in (17, 20, 53):  # Wilson's low end for 20 of 360 is 91.5752 %: of 91.575 a browser would make 91.57
        make_entry(tmp_path, f"wrong-{wrong}", wrong, seeds=1)
        make_entry(tmp_path, f"twice-{wrong}", wrong, seeds=2)
    board = read_board(tmp_path)
    for entry in entries_of(data(page(board))):
        mean, low, high = (f"{100 * share:.2f}" for share in entry["accuracy"])
        assert f"[{entry['name']}]({entry['id']}/) | {mean} [{low}, {high}] |" in render(board)
        assert all(len(str(share)) <= len("0.9158") for share in entry["accuracy"])


def test_facets_with_many_values_are_cut_to_the_lowest(tmp_path: Path, make_entry, entries_of) -> None:
    make_entry(tmp_path, "rolled", 36, Task("g-digits", "d4-roll"))
    [entry] = entries_of(data(page(read_board(tmp_path))))
    _, values, parts = entry["facets"][0]
    assert values > len(parts) == 60
    shares = [part[2] for part in parts]
    assert shares == sorted(shares)


def test_citations_are_escaped_and_name_the_version(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "one", 40, authors=["A & B_c {d}\\", "E"], links={"paper": "https://example.org/a"})
    entry = read_board(tmp_path).rows[0].entry
    text = entry_bibtex(entry)
    assert r"{A \& B\_c \textbraceleft{}d\textbraceright{}\textbackslash{}} and {E}" in text
    assert entry.predictions_sha256 in text
    assert "url = {https://example.org/a}" in text
    assert "version = {1.0.0}" in dataset_citation("g-digits", "1.0.0")
    assert "Krizhevsky" in dataset_citation("cifar10", "as-published")
    assert dataset_citation("mine", "as-published") == ""
