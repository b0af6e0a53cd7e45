"""Are verdicts right as often as they say? Worlds of known truth, judged through the code that the report runs.

    python -m benchmarks.verdicts                    # some ten minutes on one core
    python -m benchmarks.verdicts --repeats 500      # hours, a third of the Monte-Carlo error
    python -m benchmarks.verdicts --only advice      # one part: robustness, contrasts, correlations, advice
    python -m benchmarks.verdicts --only robustness --world skewed

A world draws sweeps as tables of trials, of which `analysis.claims.evidence` makes a grid and the statements of
`analysis.claims.CLAIMS` their effects, intervals and verdicts. What is true is the expectation over seeds and, where a
measure is about a range of learning rates, over all of that range: of thousands of seeds at rates so dense that the
grid leaves nothing open. Counted are intervals that hold it, verdicts that it makes false, and verdicts that there are.

Goals: no statement false more often than its interval's level says, whatever the world and the number of seeds, also
for who adds seeds from 3 to 10 until it resolves; coverage of at least 93 %, or no interval; a power of 0.9 for a true
difference of one decade at 3 gains, 17 rates and 5 seeds. A goal is missed where a count is further from it than two of
its standard errors.
"""
