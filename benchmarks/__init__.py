"""Each number that the pages of docs/ claim, as a command."""
