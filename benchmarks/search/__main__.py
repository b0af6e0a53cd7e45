import argparse
from collections.abc import Callable, Iterator
from time import perf_counter

import benchmarks.search
from benchmarks.search.adaptive import adaptive_lines
from benchmarks.search.edges import edge_lines
from benchmarks.search.shares import share_lines
from benchmarks.search.tuning import tuning_lines
from benchmarks.search.worlds import Stored

PARTS: dict[str, Callable[[int, int, Stored | None, str], Iterator[str]]] = {
    "edges": edge_lines,
    "adaptive": lambda repeats, seed, _, world: adaptive_lines(repeats, seed, world),
    "tuning": tuning_lines,
    "share": share_lines,
}


def main() -> None:
    """Print a table for each part."""
    parser = argparse.ArgumentParser(
        description=benchmarks.search.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--grid", help="results of benchmarks/search/grid.yaml; without it what needs them is left out")
    parser.add_argument("--repeats", type=int, default=1000, help="replays of each world")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers")
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--world", default="", help="only worlds whose name holds this")
    arguments = parser.parse_args()
    stored = Stored.of(arguments.grid) if arguments.grid else None
    if stored:
        print(f"{arguments.grid}: {stored.worth.shape[2]} seeds have all their trials\n")
    for name in [arguments.only] if arguments.only else PARTS:
        started = perf_counter()
        for line in PARTS[name](arguments.repeats, arguments.seed, stored, arguments.world):
            print(line, flush=True)
        print(f"\n{arguments.repeats} replays of each in {perf_counter() - started:.0f} s\n")


if __name__ == "__main__":
    main()
