"""A report as Markdown and as a page: whatever its parts hold stays text, and the page asks for nothing."""

import base64
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from markdown_it import MarkdownIt
from playwright.sync_api import Page, sync_playwright

from aenbench.leaderboard.site.render import page_style
from aenbench.reports.figures import encode_png
from aenbench.reports.page import Code, Heading, Paragraph, Part, Picture, Table, policy_digest, to_html, to_markdown

CHROMIUM = shutil.which("chromium")
HOSTILE = "<script>document.title='hacked'</script>`*a*_b_[c](javascript:0)|d ~~e~~ &lt; \\"
CODE = "print('```')\n# `<b>` & 'so on'"


def picture() -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3))
    figure.subplots().plot([0, 1])
    return encode_png(figure)


def parts() -> list[Part]:
    return [
        Paragraph(f"It pays. {HOSTILE}"),
        Heading(f"What {HOSTILE}"),
        Table(("move", "effect", "says"), [("half turn", "-0.010", "symmetry"), (HOSTILE, "0.5", HOSTILE)]),
        Picture("effects.png", f"Effects {HOSTILE}", picture()),
        Code(CODE, "python"),
    ]


def test_the_markdown_shows_what_the_parts_hold() -> None:
    rendered = MarkdownIt("commonmark").enable("table").render(to_markdown(HOSTILE, parts()))
    assert "<script" not in rendered
    assert not re.search("<(em|strong|s|a)[ >]", rendered)
    text = re.sub("<[^>]*>", "", rendered)
    shown = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert text.count(shown) == 5, "title, paragraph, heading and two cells; the picture's words are an attribute"
    assert '<img src="effects.png"' in rendered
    assert "print('```')\n# `&lt;b&gt;` &amp; 'so on'" in rendered
    assert rendered.count("<tr>") == 3


def test_the_html_holds_its_pictures_and_names_its_style() -> None:
    html = to_html("Report", parts(), "p { color: red }", "the end")
    assert f"style-src '{policy_digest('p { color: red }')}'" in html
    assert f"data:image/png;base64,{base64.b64encode(picture()).decode()}" in html
    assert "<script" not in html
    assert not re.search(r"(?:src|href)=\"(?!data:)", html)
    assert '<th scope="col" class="number">effect</th><th scope="col">says</th>' in html


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """The page at the width of a phone; afterwards nothing but the file was asked for."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    file = tmp_path / "report.html"
    file.write_text(to_html("Report", parts(), page_style(), "the end"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        opened = browser.new_page(viewport={"width": 390, "height": 800})
        asked: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        said: list[str] = []
        opened.on("console", lambda message: said.append(message.text))
        opened.goto(file.as_uri())
        yield opened
        browser.close()
    assert [address for address in asked if not address.startswith("data:")] == [file.as_uri()]
    assert not said


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_fits_a_phone_in_both_themes(page: Page, theme: str) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    assert page.title() == "Report"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(re.findall(r"\d+", background)[0])
    assert (red > 200) == (theme == "light")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
