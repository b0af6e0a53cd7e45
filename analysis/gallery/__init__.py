"""One script per figure, to copy: `python -P -m analysis.gallery.accuracy results/mini accuracy.png`.

Each loads what it needs of a results directory, writes a picture, and prints the numbers behind it.
"""
