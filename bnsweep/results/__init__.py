"""The result store: Parquet tables under one directory. Loads without torch and without ray."""

from bnsweep.results.schema import SCHEMAS
from bnsweep.results.store import Store

__all__ = ["SCHEMAS", "Store"]
