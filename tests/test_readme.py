"""The README's first screen is true."""

import re
from pathlib import Path

import numpy as np

from gdatasets.sources import load_source

ROOT = Path(__file__).parents[1]


def test_the_python_lines_of_the_readme_run_and_show_what_they_say(capsys) -> None:
    [block] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert np.array_equal(names["upright"], load_source("digits", "test").images)
    assert names["d4"].order == 8
    assert "errors=" in capsys.readouterr().out


def test_every_local_link_of_the_readme_leads_somewhere() -> None:
    text = (ROOT / "README.md").read_text()
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", text) if not target.startswith("http")]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
