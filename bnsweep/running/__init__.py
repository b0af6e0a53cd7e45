"""A run of a sweep: what is missing, who trains it, and what became of it; all that is neither Ray nor arithmetic."""
