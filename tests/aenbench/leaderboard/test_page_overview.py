"""What the page shows of entries together, in a browser: the verdict, the matrix, the curves over training images."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from aenbench.leaderboard.render import write_generated
from aenbench.tasks.task import Task

pytestmark = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="no chromium on this machine: apt-get install chromium"
)

CONFIGURATIONS = ("d4", "aug1", "aug2", "c4", "none", "v4")  # as the matrix has them: most entries first
METHODS = {"cnn": 20, "aen": 21, "mlp": 150}
Open = Callable[..., Page]
DRAW_ALL = "for (const each of document.querySelectorAll('#tasks > .task')) each.style.contentVisibility = 'visible'"
"""Sections far from the view are drawn when they come near, and axe looks at what is drawn."""
NO_SHADOWS = "for (const box of document.querySelectorAll('.scroll')) box.style.backgroundImage = 'none'"
"""Before a gradient axe judges no contrast."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, make_entry: Callable[..., Path]) -> Path:
    base = tmp_path_factory.mktemp("board")
    for configuration in CONFIGURATIONS:
        for method, wrong in METHODS.items():
            make_entry(base, method, wrong, Task("g-digits", configuration), seeds=2)
    make_entry(base, "rare", 5, Task("g-digits", "d4"), seeds=2)
    for method, more in (("mlp", 20), ("aen", 0)):
        for images, wrong in {20: 150, 200: 60, 1_000: 20}.items():
            make_entry(base, f"{method}-open-n{images}", wrong + more, open_recipe={"images": images}, seeds=2)
    write_generated(base)
    return base / "index.html"


@pytest.fixture(autouse=True)
def _only_the_file(index: Path, open_page: Open) -> None:
    """Every test is held to `open_page`'s promise."""


def test_the_matrix_marks_the_best_and_leaves_cells_without_an_entry_empty(open_page: Open) -> None:
    page = open_page()
    region = page.get_by_role("region", name="Table: Methods and tasks")
    rows = {row.get_by_role("rowheader").inner_text(): row for row in region.locator("tbody tr").all()}
    assert list(rows) == ["aen", "cnn", "mlp", "rare"]
    assert region.locator("thead tr").last.locator("th").all_inner_texts() == list(CONFIGURATIONS)
    cells = {method: row.locator("td").all_text_contents() for method, row in rows.items()}
    assert cells["cnn"][2] == "94.31, best of the task"
    assert cells["aen"][2] == "94.03=, tied with the best"
    assert cells["mlp"][2] == "58.19"
    assert cells["rare"] == ["1 of 1", "98.47, best of the task", *["no entry"] * 5]
    assert rows["cnn"].locator("td.best").count() == 5
    weights = [
        rows["cnn"].locator("td").nth(place).evaluate("cell => getComputedStyle(cell).fontWeight") for place in (2, 1)
    ]
    assert weights == ["700", "400"]  # on d4 another one is the best


def test_the_matrix_scrolls_inside_its_box_on_a_phone_and_the_methods_stay(open_page: Open) -> None:
    page = open_page(width=390)
    region = page.get_by_role("region", name="Table: Methods and tasks")
    assert region.evaluate("box => box.scrollWidth > box.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    method = region.get_by_role("rowheader", name="cnn")
    before = method.bounding_box()
    region.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("box => box.scrollLeft > 20", arg=region.element_handle())
    after = method.bounding_box()
    assert before is not None
    assert after is not None
    assert after["x"] <= before["x"]
    assert after["x"] >= 0
    assert page.evaluate("scrollX") == 0


def test_numbers_of_the_matrix_are_seen_beside_the_methods_on_a_phone(open_page: Open) -> None:
    page = open_page(width=390)
    region = page.get_by_role("region", name="Table: Methods and tasks")
    region.evaluate("box => { box.scrollLeft = 200 }")
    method, box = region.get_by_role("rowheader").first.bounding_box(), region.bounding_box()
    assert method is not None
    assert box is not None
    assert method["width"] < 140
    assert box["width"] > 340


def test_a_long_name_does_not_push_a_table_out_of_its_box(open_page: Open) -> None:
    page = open_page()
    page.evaluate("document.querySelector('section.task .entry-name a').textContent = 'averylongname'.repeat(7)")
    page.evaluate("document.querySelector('.matrix tbody th').textContent = 'averylongname'.repeat(7)")
    for region in page.locator("section .scroll:has(caption)").all()[:3]:
        assert region.evaluate("box => box.scrollWidth") <= region.evaluate("box => box.clientWidth")


def test_an_edge_with_more_behind_it_has_a_shadow(open_page: Open) -> None:
    page = open_page(width=390, reduced_motion="reduce")
    region = page.get_by_role("region", name="Table: Methods and tasks")
    region.scroll_into_view_if_needed()
    box = region.bounding_box()
    assert box is not None
    edge = {"x": box["x"] + box["width"] - 8, "y": box["y"] + 13, "width": 6, "height": 2}  # nothing is written there
    at_start = page.screenshot(clip=edge)
    region.evaluate("box => { box.scrollLeft = box.scrollWidth }")
    at_end = page.screenshot(clip=edge)
    assert at_start != at_end
    region.evaluate("box => { box.scrollLeft = 0; box.style.backgroundImage = 'none' }")
    assert page.screenshot(clip=edge) == at_end


def test_a_task_of_the_matrix_leads_to_its_entries_by_the_keyboard(open_page: Open) -> None:
    page = open_page()
    link = page.get_by_role("link", name="g-digits / d4", exact=True)
    for _ in range(60):
        page.keyboard.press("Tab")
        if link.evaluate("link => link === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("4 entries in 1 task")
    expect(page.locator("#content")).to_be_focused()
    expect(page.locator("section.overview")).to_be_hidden()
    page.go_back()
    expect(page.locator("section.overview")).to_be_visible()


def test_curves_are_drawn_with_their_table_and_links(open_page: Open) -> None:
    page = open_page()
    section = page.locator("section.task", has_text="recipe: open")
    section.scroll_into_view_if_needed()
    chart = section.get_by_role("img", name=re.compile(r"^Accuracy against 20, 200, 1,000 training images\. Areas"))
    expect(chart).to_be_visible()
    expect(chart).to_have_attribute("aria-label", re.compile(r"aen [\d.]+ \[.*\]; mlp [\d.]+ \["))
    circles = chart.locator("circle.s0")
    places = [float(circle.get_attribute("cx") or "nan") for circle in circles.all()]
    assert len(places) == 3
    assert (places[1] - places[0]) / (places[2] - places[1]) == pytest.approx(1 / 0.69897, rel=1e-3)  # decades
    heights = [float(circle.get_attribute("cy") or "nan") for circle in circles.all()]
    assert heights == sorted(heights, reverse=True)
    table = section.get_by_role("region", name=re.compile("^Accuracy, %, against training images"))
    assert table.get_by_role("rowheader").all_inner_texts() == ["aen", "mlp"]
    table.get_by_role("row", name=re.compile("^mlp")).get_by_role("link").nth(1).click()
    expect(page.get_by_role("heading", level=1, name="mlp-open-n200")).to_be_visible()


def test_sections_far_from_the_view_are_drawn_when_they_come_near(open_page: Open) -> None:
    page = open_page()
    last = page.locator("section.task").last
    plots = last.locator("figure svg.plot")
    expect(page.get_by_role("status")).to_contain_text("entries")
    assert plots.count() == 0
    last.scroll_into_view_if_needed()
    expect(plots).to_have_count(2)


def test_how_to_read_it_opens_by_the_keyboard(open_page: Open) -> None:
    page = open_page()
    said = page.get_by_text(re.compile("^Over the 6 tasks that all 3 methods have an entry on: g-digits / aug1,"))
    expect(said).to_be_hidden()
    page.get_by_text("How to read it").focus()
    page.keyboard.press("Enter")
    expect(said).to_be_visible()


@pytest.mark.slow
def test_the_verdicts_picture_takes_the_theme(open_page: Open) -> None:
    page = open_page(theme="light")
    picture = page.locator("img.picture")
    light = picture.screenshot()
    page.get_by_role("button", name="Dark theme").click()
    page.wait_for_timeout(100)
    assert picture.screenshot() != light


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Open, theme: str, width: int) -> None:
    page = open_page(width=width, theme=theme, reduced_motion="reduce")
    page.evaluate(DRAW_ALL)
    page.evaluate(NO_SHADOWS)
    for summary in page.locator("summary").all():
        summary.click()
    expect(page.locator(".sizes svg.plot")).to_have_count(1)
    found = Axe().run(page).response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html']}" for each in found] == []


@pytest.mark.slow
def test_axe_would_find_something_in_the_matrix(open_page: Open) -> None:
    page = open_page()
    page.evaluate("document.querySelector('td.best').style.color = '#ddd'")
    page.evaluate("document.querySelector('section.overview .scroll').removeAttribute('aria-label')")
    assert "color-contrast" in {each["id"] for each in Axe().run(page).response["violations"]}
