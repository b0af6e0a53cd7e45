"""Write the generated parts of docs/ anew: `python -m bnsweep.docs`, in a clone."""

from __future__ import annotations

from pathlib import Path

from bnsweep.cli.schema import schema_text
from bnsweep.docs.pages import GENERATED, renewed

DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    for name, generate in GENERATED.items():
        page = DOCS / name
        page.write_text(renewed(page.read_text(encoding="utf-8"), generate()), encoding="utf-8")
    (DOCS / "sweep.schema.json").write_text(f"{schema_text()}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
