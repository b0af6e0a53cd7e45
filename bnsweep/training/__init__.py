"""One trial, from its spec to its rows: the loop, and what it is made of. Knows nothing of Ray or files."""
