import argparse
from collections import Counter
from time import perf_counter

import benchmarks.verdicts
from benchmarks.verdicts.advice import advice_lines
from benchmarks.verdicts.contrasts import contrast_lines
from benchmarks.verdicts.correlations import correlation_lines
from benchmarks.verdicts.robustness import robustness_lines
from benchmarks.verdicts.tally import HEAD

PARTS = {
    "robustness": robustness_lines,
    "contrasts": contrast_lines,
    "correlations": correlation_lines,
    "advice": advice_lines,
}


def main() -> None:
    """Print a line for each world, and then which goals are missed."""
    parser = argparse.ArgumentParser(
        description=benchmarks.verdicts.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=50, help="sweeps of each world")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers")
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--world", default="", help="only worlds whose name holds this")
    arguments = parser.parse_args()
    started, missed, count = perf_counter(), list[str](), 0
    print(HEAD)
    for name in [arguments.only] if arguments.only else PARTS:
        for line in PARTS[name](arguments.repeats, arguments.seed, arguments.world):
            print(line, flush=True)
            count += 1
            missed += [f"{goal}: {line}" for goal in line.missed]
    print("", *missed, sep="\n")
    goals = ", ".join(f"{times} of {goal}" for goal, times in Counter(one.split(":")[0] for one in missed).items())
    took = f"{count} lines of {arguments.repeats} sweeps each in {perf_counter() - started:.0f} s"
    print(f"\n{'All goals are met' if not missed else f'Goals missed: {goals}'}: {took}.")


if __name__ == "__main__":
    main()
