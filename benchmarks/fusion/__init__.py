"""Trials that train as one, against one at a time and against processes that share the device.

    python -m benchmarks.fusion                                          # this machine's CPU: some ten minutes
    python -m benchmarks.fusion --members 16 --rounds 3 --norms none     # two
    python -m benchmarks.fusion --device cuda --members 1 2 4 16 64 256 --processes 4 [--measured]

Times are ms of a step and trial, medians over rounds in which the sides take turns; ratios have their quartiles. On a
CPU each process has one thread, as workers do, and there are as many as cores: one process against one, and all
against all, each with a company of its own; times are of the processor, so that other work on the machine counts less.
On a GPU the processes of one trial each share it with each other, and the company has it alone; times are by the clock.
Busy is processor time over time by the clock. Memory is that of all processes of a side at its peak, on a GPU
what PyTorch allocated. The floor of a step is the larger of two times: of its products and convolutions at the rate of
a product of large matrices here, one thread, and of its least traffic at the rate of a large copy, in which parameters
are read twice and written, their gradients written and read, and what the backward needs written and read.
"""
