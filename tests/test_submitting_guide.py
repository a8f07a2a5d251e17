"""The guide docs/submitting.md is true: its script and its commands, as a new user would run them."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from aenbench.cli import main as cli

GUIDE = (Path(__file__).parents[1] / "docs" / "submitting.md").read_text()


def test_the_guide_leads_to_an_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    [script] = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    exec(compile(script, "train.py", "exec"), {})
    commands = [shlex.split(line) for line in re.findall(r"^aenbench .*$", GUIDE, flags=re.MULTILINE)]
    assert [command[1] for command in commands] == ["template", "submit", "verify", "leaderboard"]
    for command in commands:
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code, capsys.readouterr().err
    printed = capsys.readouterr().out
    assert "parameters: 25450" in printed
    assert "1 entry verified." in printed
    assert "my network" in (tmp_path / "leaderboards" / "README.md").read_text()


def test_the_limits_of_the_guide_are_those_of_the_code() -> None:
    from aenbench.leaderboard.entry_folder import MAX_BYTES, MAX_KEPT_WEIGHTS, weights_file
    from aenbench.leaderboard.submit import MAX_META_BYTES
    from aenbench.leaderboard.untrusted.npz import MAX_ARRAY_BYTES, MAX_NPZ_BYTES

    stated = {}
    for files, size, unit in re.findall(r"^\| (`.*?) \| (\d+) (MiB|KiB)(?: each)? \|$", GUIDE, flags=re.MULTILINE):
        stated |= {name: int(size) << {"MiB": 20, "KiB": 10}[unit] for name in re.findall(r"`(.*?)`", files)}
    others = {"preds.npz": MAX_NPZ_BYTES, "entry.yaml": MAX_META_BYTES, weights_file(0): MAX_KEPT_WEIGHTS}
    assert stated == {**MAX_BYTES, **others}
    assert MAX_ARRAY_BYTES == MAX_NPZ_BYTES
