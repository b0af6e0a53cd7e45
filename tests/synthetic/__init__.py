"""A results directory of known truth, written through the store as a real run writes it."""

from tests.synthetic.rows import rows_of
from tests.synthetic.sweep import commit_rows, joined, make_specs, write_sweep
from tests.synthetic.truth import CHANCE, accuracy_of

__all__ = ["CHANCE", "accuracy_of", "commit_rows", "joined", "make_specs", "rows_of", "write_sweep"]
