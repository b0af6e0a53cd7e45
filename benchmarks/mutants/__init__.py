"""Would the tests notice? Mistakes made on purpose, one at a time, in what decides whether results are lost or doubled.

    python -m benchmarks.mutants                     # all, some minutes each where they survive long
    python -m benchmarks.mutants --only store --jobs 2
    python -m benchmarks.mutants --named fence       # those whose description holds a word

Each is made in a copy of the code and the tests, in which the tests of its part then run until one fails. Goal: at
least 95 % are caught. A mistake that no longer applies, since the code has changed, is an error: mend the list.
"""
