"""Code that docs show runs, and prints what they say."""

import re
import runpy
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?", re.M | re.S)
_BLOCKS = [
    pytest.param(code, shown, id=f"{page.name}-{i}")
    for page in _PAGES
    for i, (code, shown) in enumerate(_BLOCK.findall(page.read_text()))
    # What goes on with an estimator of somebody's own is not whole.
    if "import" in code
]


def _words(text):
    """What is printed, less digits beyond the second and where lines are left out."""
    text = re.sub(r"(\d\.\d\d)\d+", r"\1", text)
    return text.split()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("code", "shown"), _BLOCKS)
def test_code_of_a_page_runs(code, shown, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "block.py"
    script.write_text(code)
    runpy.run_path(str(script), run_name="__main__")
    printed = _words(capsys.readouterr().out)
    for part in shown.split("...\n"):
        words = _words(part)
        starts = range(len(printed) - len(words) + 1)
        assert any(printed[i : i + len(words)] == words for i in starts), printed
