import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_table_of_the_theorem_page_is_what_the_code_finds():
    command = [sys.executable, "benchmarks/theorem.py", "--check"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    assert finished.returncode == 0, finished.stderr
    assert "NO" not in (ROOT / "docs/theorem.md").read_text(encoding="utf-8")
