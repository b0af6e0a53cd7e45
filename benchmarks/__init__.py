"""Each number that the README claims, as a command."""
