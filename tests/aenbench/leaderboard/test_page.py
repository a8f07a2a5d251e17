"""The page in a browser: Debian's Chromium, driven by Playwright, from a file."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from aenbench.leaderboard.render import write_generated
from aenbench.tasks.task import Task
from aenbench.training.history import Pass, history_csv
from gdatasets.generation.load import load_arrays

BOARD = Path(__file__).parents[3] / "leaderboards"
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")

HTML = "<img src=x onerror='hacked=1'><script>hacked=1</script><b>bold</b>\"'&amp;"
SEARCHES = ((0.5, 0.75), (0.25, 0.5, 0.625))
LARGEST = {
    "parameters": 10**13,
    "networks_trained": 10**9,
    "states_visited": 10**9,
    "search_seconds": 10 * 366 * 86_400.0,
    "training_seconds": 5e-324,
}
Open = Callable[..., Page]


@pytest.fixture(autouse=True)
def _only_the_file(index: Path, open_page: Open) -> None:
    """Every test is held to `open_page`'s promise."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, make_entry: Callable[..., Path]) -> Path:
    base = tmp_path_factory.mktemp("board")
    for name, wrong in (("first", 20), ("as-good", 21), ("middle", 90), ("last", 200)):
        make_entry(base, name, wrong)
    history = history_csv([[Pass(1.0, 0.25, 1e-3), Pass(0.5, 0.5, 1e-3)]] * 3)
    extras = {"history.csv": history}
    make_entry(base, "searched", 60, Task("g-digits", "d4"), searches=SEARCHES, with_logits=True, extras=extras)
    make_entry(base, "turned", 100, Task("g-digits", "d4-roll"))
    make_entry(base, "papers", 5, Task("g-digits", "aug1", "paper"))
    make_entry(base, "opened", 5, open_recipe={"epochs": 30, "all_images": True})
    make_entry(
        base,
        "hostile",
        120,
        origin="submission",
        method=HTML,
        description=HTML + "\n" + HTML,
        authors=[HTML],
        links={HTML: "https://example.org/'onmouseover='hacked=1'"},
        budget=HTML,
        command=HTML,
        code_revision=HTML,
        hardware=HTML,
        outside_data=HTML,
        software={HTML: HTML},
        created=HTML,
        stated=LARGEST,
    )
    make_entry(base, "perfect", 0, Task("g-digits", "d4"), seeds=1)
    make_entry(base, "seen", 0, Task("g-digits", "d4-roll"), seeds=1)
    review = {"g-digits/d4-roll/seen": {"label-leak": "trained by us"}}
    (base / "reviews.json").write_text(json.dumps(review))
    write_generated(base)
    return base / "index.html"


def names(page: Page, section: int = 0) -> list[str]:
    return page.locator("section.task:visible").nth(section).locator("tbody .entry-name > a").all_inner_texts()


def test_it_shows_every_task_and_entry(open_page: Open) -> None:
    page = open_page()
    expect(page.get_by_role("status")).to_have_text("11 entries in 5 tasks, sorted by rank, ascending.")
    assert page.locator("section.task").count() == 5
    assert names(page)[:2] == ["first", "as-good"]
    assert page.locator("tbody .place").all_inner_texts()[:3] == ["1=", "1=", "3"]
    expect(
        page.get_by_alt_text(re.compile("^Test images of g-digits . aug1, .*Columns, from the left: 0, 1, "))
    ).to_have_count(3)


def test_open_recipes_have_a_table_of_their_own(open_page: Open) -> None:
    page = open_page()
    section = page.locator("section.task", has_text="recipe: open")
    expect(section).to_have_count(1)
    assert section.locator("tbody .entry-name > a").all_inner_texts() == ["opened"]
    expect(section.locator("tbody .network")).to_contain_text("open: 30 epochs, all images")
    assert "opened" not in names(page, 0)
    section.get_by_role("link", name="opened", exact=True).first.click()
    expect(page.locator("#entry")).to_contain_text("protocol standard, recipe open")
    expect(page.locator("#entry")).to_contain_text("quick, recipe open: 30 epochs, all images")
    expect(page.locator("#entry .standing")).to_contain_text("Rank 1 of 1 entry.")


def test_paper_entries_have_a_table_of_their_own(open_page: Open) -> None:
    page = open_page()
    sections = page.locator("section.task", has_text="Protocol paper")
    expect(sections).to_have_count(1)
    sections.scroll_into_view_if_needed()
    expect(sections.locator("tbody .entry-name > a")).to_have_text(["papers"], use_inner_text=True)
    assert "papers" not in names(page, 0)


def test_columns_sort_both_ways_by_mouse_and_keyboard(open_page: Open) -> None:
    page = open_page()
    table = page.get_by_role("table").first
    table.get_by_role("button", name="Entry").click()
    assert names(page) == ["as-good", "first", "hostile", "last", "middle"]
    expect(table.get_by_role("columnheader", name="Entry")).to_have_attribute("aria-sort", "ascending")
    expect(table.locator("th[aria-sort]")).to_have_count(1)
    page.keyboard.press("Enter")
    assert names(page) == ["middle", "last", "hostile", "first", "as-good"]
    expect(table.get_by_role("columnheader", name="Entry")).to_have_attribute("aria-sort", "descending")
    expect(page.get_by_role("status")).to_contain_text("sorted by entry, descending")
    page.reload()
    assert names(page) == ["middle", "last", "hostile", "first", "as-good"]


def test_filters_are_kept_by_the_link(open_page: Open) -> None:
    page = open_page()
    page.get_by_label("Configuration").select_option("d4")
    page.get_by_label("Find").fill("search")
    expect(page.get_by_role("status")).to_contain_text("1 entry in 1 task")
    assert names(page) == ["searched"]
    again = open_page("#" + page.url.partition("#")[2])
    assert names(again) == ["searched"]
    assert again.get_by_label("Configuration").input_value() == "d4"
    again.get_by_role("button", name="Clear").click()
    expect(again.get_by_role("status")).to_contain_text("11 entries in 5 tasks")
    again.get_by_label("Find").fill("no such thing")
    expect(again.get_by_role("status")).to_have_text("No entry fits these filters.")


def test_recipe_family_and_parameters_are_filters_that_the_link_keeps(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("combobox", name="Recipe").select_option("open")
    assert names(page) == ["opened"]
    assert page.url.endswith("#recipe=open")
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Model family").select_option("submission")
    assert names(page) == ["hostile"]
    page.get_by_label("Parameters, at most").fill("300000")
    expect(page.get_by_role("status")).to_have_text("No entry fits these filters.")
    page.get_by_label("Model family").select_option("aen")
    expect(page.get_by_role("status")).to_contain_text("10 entries")
    again = open_page("#" + page.url.partition("#")[2])
    assert again.get_by_label("Model family").input_value() == "aen"
    assert again.get_by_label("Parameters, at most").input_value() == "300000"
    expect(again.get_by_role("status")).to_contain_text("10 entries")
    expect(open_page("#parameters=1e5").get_by_role("status")).to_have_text("No entry fits these filters.")
    expect(open_page("#parameters=-5e3").get_by_role("status")).to_contain_text("11 entries")


def test_the_footer_leads_to_files_that_exist(open_page: Open) -> None:
    links = open_page().get_by_role("navigation", name="Documentation and data").get_by_role("link")
    addresses = [link.get_attribute("href") or "" for link in links.all()]
    assert {"../docs/index.md", "../docs/weights.md", "results.parquet"} <= set(addresses)
    assert [address for address in addresses if not (BOARD / address).is_file()] == []


def test_an_entry_opens_and_back_returns_to_its_link(open_page: Open) -> None:
    page = open_page("#configuration=d4")
    page.get_by_role("link", name="searched", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="searched")).to_be_focused()
    assert page.url.endswith("#/g-digits/d4/searched")
    assert page.title().startswith("g-digits/d4/searched")
    for name in (
        "Facts",
        "Seeds",
        "By group element",
        "Confusion",
        "By class",
        "The search’s progress",
        "The final training",
        "Calibration",
    ):
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("seed 1 reaches 62.50 % with 3 distinct networks"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("seed 2 reaches 50.00 % with 2 passes"))).to_be_visible()
    expect(page.locator(".flag").first).to_contain_text("not converged: validation accuracy still rose by 25.0 points")
    expect(page.get_by_role("img", name=re.compile("Accuracy by group element: highest"))).to_be_visible()
    expect(page.locator("pre").first).to_contain_text("@misc{g-digits-d4-searched")
    page.go_back()
    expect(page.get_by_role("status")).to_contain_text("2 entries in 1 task")
    expect(page.get_by_role("link", name="searched", exact=True)).to_be_focused()


def test_an_entry_that_does_not_exist_says_so(open_page: Open) -> None:
    page = open_page("#/g-digits/d4/%E0%A4%A")
    expect(page.get_by_role("heading", name="No such entry")).to_be_visible()
    page.get_by_role("link", name="All entries").click()
    expect(page.get_by_role("status")).to_contain_text("11 entries")


def test_flags_and_ties_are_told(open_page: Open) -> None:
    page = open_page("#/g-digits/d4/perfect")
    expect(page.locator(".flag").first).to_contain_text("no history")
    expect(page.locator(".flag").last).to_contain_text("label-leak")
    page = open_page("#/g-digits/aug1/first")
    expect(page.locator(".standing")).to_have_text(
        "Rank 1= of 5 entries. A paired test cannot tell it apart from as-good."
    )


def badges(page: Page, entry: str) -> list[str]:
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=entry, exact=True))
    return row.locator(".badge").all_inner_texts()


def test_badges_tell_how_it_was_trained_and_which_flags_are_reviewed(open_page: Open) -> None:
    page = open_page("#q=d4")
    assert badges(page, "searched") == ["scored", "not converged", "other recipe"]  # of a few passes
    assert badges(page, "perfect") == ["scored", "no history", "1 flag"]
    assert badges(page, "seen") == ["scored", "no history", "1 flag, reviewed"]
    expect(page.locator(".badge.flagged")).to_have_text("1 flag")
    expect(page.get_by_text("not converged", exact=True)).to_have_attribute("title", re.compile("still rose"))
    expect(page.locator("caption:visible").first).to_contain_text("Not converged: validation accuracy still rose")
    page = open_page("#/g-digits/d4-roll/seen")
    expect(page.locator(".flag.reviewed").first).to_contain_text(
        re.compile(r"\(reviewed\): .* A maintainer has looked: ")
    )


def test_below_each_caption_stands_what_a_rank_is(open_page: Open) -> None:
    page = open_page("#configuration=aug1&protocol=standard&recipe=fixed")
    expect(page.locator("caption .how:visible")).to_contain_text("entries that a paired test finds better")


def test_shifts_are_a_map_with_numbers_of_images(open_page: Open) -> None:
    page = open_page("#/g-digits/d4-roll/turned")
    table = page.get_by_role("region", name="Accuracy by both shifts").get_by_role("table")
    steps = [f"{shift} px" for shift in range(0, 28, 4)]
    assert table.get_by_role("columnheader").all_text_contents() == [f"htrans {step}" for step in steps]
    assert table.get_by_role("rowheader").all_text_contents() == [f"vtrans {step}" for step in steps]
    cells = table.locator("tbody td").all_text_contents()
    assert len(cells) == 49
    assert sum(int(cell.rpartition(", ")[2].split()[0]) for cell in cells) == 360
    moves = load_arrays("g-digits", "d4-roll", "test").elements
    last = np.sum((moves["hshift"] == 24) & (moves["vshift"] == 20))
    assert cells[5 * 7 + 6].endswith(f", {last} images")
    page.locator("summary", has_text="values of element with the lowest accuracy").click()
    expect(page.get_by_role("rowheader", name=re.compile("htrans .* vtrans")).first).to_be_visible()


def test_points_of_a_plot_are_links_with_their_numbers(open_page: Open) -> None:
    page = open_page("#configuration=aug1&protocol=standard")
    plot = page.locator("figure").first
    point = plot.get_by_role("link", name=re.compile(r"^first: 94.17 %, 235k parameters, on the Pareto front$"))
    expect(plot.get_by_role("link")).to_have_count(5)
    expect(plot.get_by_role("link", name=re.compile("^last:"))).not_to_have_attribute(
        "aria-label", re.compile("Pareto")
    )
    point.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="first")).to_be_visible()


def test_numbers_that_only_the_authors_know_are_marked(open_page: Open) -> None:
    page = open_page("#configuration=aug1&protocol=standard")
    heads = page.get_by_role("table").first.get_by_role("columnheader").all_inner_texts()
    assert [head for head in heads if "†" in head] == ["Networks †", "Seconds †"]
    cells = {
        name: page.get_by_role("row", name=re.compile(f"^\\S+ {name}")).locator("td.number").nth(1).inner_text()
        for name in ("first", "hostile")
    }
    assert cells == {"first": "234,818", "hostile": "10,000,000,000,000 †"}
    expect(page.get_by_role("table").first.locator("caption")).to_contain_text("† as stated by the authors")
    for name, parameters in (("first", "234,818"), ("hostile", "10,000,000,000,000 †")):
        page = open_page(f"#/g-digits/aug1/{name}")
        facts = page.locator("dl").first
        shown = dict(zip(facts.locator("dt").all_inner_texts(), facts.locator("dd").all_inner_texts(), strict=True))
        assert shown["Parameters"] == parameters
        assert all(shown[fact].endswith(" †") for fact in ("Search", "Time", "Network"))


def test_the_largest_numbers_that_can_be_stated_are_drawn(open_page: Open) -> None:
    """929b5b9: an entry with `training_seconds` 1e300 stopped the tab."""
    page = open_page("#configuration=aug1&protocol=standard&cost=seconds")
    for number in (0, 1):
        expect(page.locator("figure").nth(number).get_by_role("link", name=re.compile("^hostile: "))).to_be_visible()
    page = open_page("#/g-digits/aug1/hostile")
    expect(page.get_by_role("heading", name="Facts", exact=True)).to_be_visible()


def test_the_theme_switches_and_is_remembered(open_page: Open) -> None:
    page = open_page(theme="light")
    button = page.get_by_role("button", name="Dark theme")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(background) == dark
    assert open_page(theme="dark").evaluate(background) == dark


def test_the_keyboard_alone_reaches_an_entry(open_page: Open) -> None:
    page = open_page("#q=searched")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
        if reached[-1] == "searched":
            break
    assert reached[0] == "Skip to the content"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="searched")).to_be_visible()


DRAW_ALL = "for (const each of document.querySelectorAll('#tasks > .task')) each.style.contentVisibility = 'visible'"
"""Sections far from the view are drawn when they come near, and axe looks at what is drawn."""
NO_SHADOWS = "for (const box of document.querySelectorAll('.scroll')) box.style.backgroundImage = 'none'"
"""Before a gradient axe judges no contrast."""

VIEWS = {
    "table": "",
    "entry": "#/g-digits/d4/searched",
    "flagged": "#/g-digits/d4/perfect",
    "shifts": "#/g-digits/d4-roll/turned",
}


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(open_page: Open, view: str, theme: str, width: int) -> None:
    page = open_page(VIEWS[view], width=width, theme=theme, reduced_motion="reduce")
    page.evaluate(DRAW_ALL)
    page.evaluate(NO_SHADOWS)
    found = Axe().run(page).response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html']}" for each in found] == []


@pytest.mark.slow
def test_axe_would_find_something(open_page: Open) -> None:
    page = open_page()
    page.evaluate("document.getElementById('count').style.color = '#ddd'; document.documentElement.lang = ''")
    found = {each["id"] for each in Axe().run(page).response["violations"]}
    assert {"color-contrast", "html-has-lang"} <= found


@pytest.mark.parametrize("view", [*VIEWS.values(), "#/g-digits/aug1/hostile"])
def test_a_phone_scrolls_only_down(open_page: Open, view: str) -> None:
    page = open_page(view, width=390)
    expect(page.locator("h1:visible")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for region in page.get_by_role("region").all():
        assert region.get_attribute("aria-label") or region.get_attribute("aria-labelledby")


def test_text_from_entries_is_shown_as_text(open_page: Open) -> None:
    page = open_page("#/g-digits/aug1/hostile")
    shown = page.locator("#entry").inner_text()
    assert shown.count(HTML) >= 9
    assert page.evaluate("document.querySelectorAll('#entry img, #entry script, #entry b').length") == 0
    link = page.get_by_role("link", name=HTML)
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    link.hover()
    page.goto(page.url.partition("#")[0])
    expect(page.get_by_role("row", name=re.compile("hostile"))).to_contain_text(HTML)
    assert page.evaluate("typeof hacked") == "undefined"


@pytest.mark.slow
def test_the_policy_stops_what_would_get_in(browser: Browser, index: Path) -> None:
    """Were text taken for HTML after all, nothing of it would run."""
    page = browser.new_page()
    page.goto(index.as_uri())
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate("html => { document.body.insertAdjacentHTML('beforeend', html) }", HTML)
    page.wait_for_timeout(100)
    assert page.evaluate("typeof hacked") == "undefined"
    page.close()
