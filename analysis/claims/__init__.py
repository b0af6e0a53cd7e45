"""The claims of Santurkar et al. 2018, each as statements fixed before any data were seen, and the verdict on each.

Directions and margins come from the paper and from what would matter, never from a sweep. A statement is supported or
contradicted only where its whole interval lies on one side of its bound; the statements of one claim share its error
of 5 % (Bonferroni), so that a claim of many parts is no easier to support.
"""

from analysis.claims.paper import CLAIMS
from analysis.claims.verdicts import Verdicts, judge

__all__ = ["CLAIMS", "Verdicts", "judge"]
