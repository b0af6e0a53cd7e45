"""The claims of Santurkar et al. 2018, each as statements fixed before any data were seen, and the verdict on each.

Directions and margins come from the paper and from what would matter, never from a sweep. A statement is supported or
contradicted only where its whole interval lies on one side of its bound. No claim has more than two statements, and
every interval is at the level at which two hold at once at 95 % (Bonferroni): the same contrast has the same interval
in every table and figure.
"""

from analysis.claims.paper import CLAIMS
from analysis.claims.verdicts import Verdicts, judge

__all__ = ["CLAIMS", "Verdicts", "judge"]
