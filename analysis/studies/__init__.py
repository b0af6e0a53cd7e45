"""The studies of `docs/studies`: what was run, kept in little room, and every number and figure made of it."""
