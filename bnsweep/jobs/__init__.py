"""Sweeps as jobs of a remote cluster, through Ray's Jobs API: submitted, watched and stopped from a laptop.

The driver runs on the cluster's head, so the laptop may be closed.
"""

from __future__ import annotations
