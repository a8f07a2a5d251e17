"""The rooms of both packages: their order, which the layer test enforces, and the picture in docs/architecture.md.

python tools/architecture.py            # writes docs/img/architecture.svg from the imports as they are
python tools/architecture.py --check    # exit code 1 when the picture is not that of the imports
"""

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs/img/architecture.svg"

Order = Sequence[frozenset[str]]

ORDER: dict[str, Order] = {
    "aenbench": (
        frozenset({"cli"}),
        frozenset({"paper"}),
        frozenset({"analysis", "auto", "comparison", "track"}),
        frozenset({"runs", "tables"}),
        frozenset({"leaderboard"}),
        frozenset({"search"}),
        frozenset({"discovery"}),
        frozenset({"models"}),
        frozenset({"training"}),
        frozenset({"scoring", "tasks", "nn", "execution"}),
        frozenset({"statistics", "reports", "provenance"}),
        frozenset({"user_code"}),
        frozenset({"errors"}),
    ),
    "gdatasets": (
        frozenset({"cli"}),
        frozenset({"hub", "vision"}),
        frozenset({"folder"}),
        frozenset({"generation"}),
        frozenset({"sources"}),
        frozenset({"groups"}),
        frozenset({"registry", "journal"}),
        frozenset({"user_code", "files", "network", "processes", "deferred"}),
        frozenset({"errors", "visible_text"}),
    ),
}
"""Rooms from the top: a room imports the rooms below its row, and no other of its row. aenbench stands on gdatasets."""

COMING: frozenset[str] = frozenset()
"""Rooms of the plan that need not exist yet."""

Imports = Mapping[str, frozenset[str]]


def module_files(root: Path) -> dict[str, Path]:
    """The files of both packages by the name of their module."""
    files = {}
    for package in ORDER:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


def measured_imports(root: Path = ROOT) -> Imports:
    """Which modules each module imports, wherever in it: in functions and under `TYPE_CHECKING` too.

    The packages' own `__init__` count as importing nothing: they only say where public names live.
    """
    files = module_files(root)
    return {
        name: frozenset() if name in ORDER else frozenset(_imported(path, files)) - {name}
        for name, path in files.items()
    }


def _imported(path: Path, files: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}: relative import; name the module in full")
            names = [f"{node.module}.{name.name}" for name in node.names]
            names = [name if name in files else str(node.module) for name in names]
        else:
            continue
        for name in names:
            if name in files:
                yield name
            elif name.split(".")[0] in ORDER:
                raise ValueError(f"{path}: imports {name}, which does not exist")


def room(module: str) -> str:
    """`aenbench.nn` of `aenbench.nn.linear`; empty for a package itself."""
    return ".".join(module.split(".")[:2]) if "." in module else ""


def problems(root: Path = ROOT) -> list[str]:
    """What is wrong with the rooms and their imports, a line each."""
    imports = measured_imports(root)
    rows = {
        f"{package}.{name}": row
        for package, order in ORDER.items()
        for row, names in enumerate(order)
        for name in names
    }
    rooms = {room(module) for module in imports} - {""}
    found = [f"{name} has no place in tools/architecture.py" for name in sorted(rooms - set(rows))]
    found += [f"{name} does not exist" for name in sorted(set(rows) - rooms) if name.split(".")[1] not in COMING]
    for module, names in sorted(imports.items()):
        found += [f"{module} imports {name}, upwards" for name in sorted(names) if _climbs(module, name, rows)]
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found.append(f"import cycle: {' < '.join(error.args[1])}")
    return found


def _climbs(module: str, name: str, rows: Mapping[str, int]) -> bool:
    above, below = room(module), room(name)
    if module.split(".")[0] != name.split(".")[0]:
        return module.startswith("gdatasets")
    return above != below and above in rows and below in rows and rows[above] >= rows[below]


def room_edges(imports: Imports) -> set[tuple[str, str]]:
    """Which rooms import which."""
    pairs = {(room(module), room(name)) for module, names in imports.items() for name in names}
    return {(above, below) for above, below in pairs if above and below and above != below}


def essential(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those that no way through other rooms implies: the transitive reduction."""
    below: dict[str, set[str]] = {}
    for above, name in edges:
        below.setdefault(above, set()).add(name)

    def reach(name: str) -> set[str]:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            for next_name in below.get(waiting.pop(), set()) - seen:
                seen.add(next_name)
                waiting.append(next_name)
        return seen

    return {(a, b) for a, b in edges if not any(b in reach(other) for other in below[a] - {b})}


_WIDTH, _HEIGHT, _ROW, _MARGIN = 96, 26, 52, 16
_STYLE = (
    "text{font:12px sans-serif;text-anchor:middle;fill:#1b1b1b}.head{font-weight:bold}"
    "rect{fill:#f1f4f8;stroke:#5b6b7b}path{fill:none;stroke:#9aa7b4}marker path{fill:#9aa7b4}"
    "@media(prefers-color-scheme:dark){text{fill:#e8e8e8}rect{fill:#2a323c;stroke:#8fa1b3}path{stroke:#6d7c8b}"
    "marker path{fill:#6d7c8b}}"
)


def picture(imports: Imports) -> str:
    """An SVG of the rooms, a column for each package, and of the imports that no others imply."""
    places: dict[str, tuple[float, float]] = {}
    existing = {room(module) for module in imports}
    left, bottom, heads = float(_MARGIN), 0.0, []
    for package, order in ORDER.items():
        widest = max(len(names) for names in order)
        width = widest * (_WIDTH + 12)
        heads.append(f'<text class="head" x="{left + width / 2:.0f}" y="18">{package}</text>')
        y = 30.0
        for names in order:
            shown = [name for name in sorted(names) if f"{package}.{name}" in existing]
            start = left + (width - len(shown) * (_WIDTH + 12)) / 2
            for number, name in enumerate(shown):
                places[f"{package}.{name}"] = (start + number * (_WIDTH + 12), y)
            y += _ROW if shown else 0
        left, bottom = left + width + 2 * _MARGIN, max(bottom, y)
    arrows, boxes = [], []
    for above, below in sorted(essential(room_edges(imports))):
        if above in places and below in places and above.split(".")[0] == below.split(".")[0]:
            (x, y), (u, v) = places[above], places[below]
            x, y, u, v = x + _WIDTH / 2, y + _HEIGHT, u + _WIDTH / 2, v - 3
            bend = (v - y) / 2
            arrows.append(
                f'<path marker-end="url(#tip)" d="M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {u:.0f} {v - bend:.0f} '
                f'{u:.0f} {v:.0f}"/>'
            )
    for name, (x, y) in sorted(places.items()):
        boxes.append(f'<rect x="{x:.0f}" y="{y:.0f}" width="{_WIDTH}" height="{_HEIGHT}" rx="4"/>')
        boxes.append(f'<text x="{x + _WIDTH / 2:.0f}" y="{y + 17:.0f}">{name.split(".")[1]}</text>')
    tip = '<marker id="tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" orient="auto">'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left:.0f} {bottom:.0f}" role="img">',
            "<title>The rooms of aenbench and gdatasets; an arrow means: imports</title>",
            f"<style>{_STYLE}</style>",
            f'<defs>{tip}<path d="M0 0L6 3L0 6z"/></marker></defs>',
            *heads,
            *arrows,
            *boxes,
            "</svg>\n",
        ]
    )


def main(arguments: Sequence[str]) -> int:
    found = problems()
    drawn = picture(measured_imports())
    if "--check" in arguments:
        if not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != drawn:
            found.append(f"{PICTURE.relative_to(ROOT)} is outdated; run `python tools/architecture.py`")
    else:
        PICTURE.write_text(drawn, encoding="utf-8", newline="\n")
    sys.stderr.writelines(f"{problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
