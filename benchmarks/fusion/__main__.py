"""The command."""

from __future__ import annotations

import argparse

import benchmarks.fusion
from benchmarks.fusion.models import ON_A_GPU, PROGRAMS
from benchmarks.fusion.table import lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=benchmarks.fusion.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--members", type=int, nargs="+", default=[4, 16], help="up to 4096")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--norms", nargs="+", default=["none", "batch"])
    parser.add_argument("--models", nargs="+", choices=PROGRAMS, metavar="NAME", help="; ".join(PROGRAMS))
    parser.add_argument("--processes", type=int, help="on a CPU as many as cores, else 4")
    parser.add_argument(
        "--measured", action="store_true", help="three evaluations and measurements of each probe among the steps"
    )
    given = parser.parse_args()
    models = given.models or [name for name in PROGRAMS if given.device == "cuda" or name not in ON_A_GPU]
    for line in lines(given.device, given.members, given.rounds, given.norms, models, given.processes, given.measured):
        print(line, flush=True)


if __name__ == "__main__":
    main()
