"""The data of the interactive page: `payload` packs them, `analysis/browser/data` reads them."""

from analysis.report.payload.build import make_payload

__all__ = ["make_payload"]
