"""Sweeps as jobs of a cluster elsewhere, through Ray's Jobs API: submitted, watched, stopped from a laptop.

The driver runs on the cluster's head, so the laptop may close. Only `client` imports ray.
"""

from __future__ import annotations
