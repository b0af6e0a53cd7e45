"""Santurkar et al. 2018 on two cores: each of its figures, what it says, and what was found."""
