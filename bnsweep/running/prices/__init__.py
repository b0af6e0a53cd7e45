"""What a sweep will take: time, GPU-hours, money and bytes, from trials that are timed for a few steps each."""

from bnsweep.running.prices.price import Price, price_sweep, why_untimed
from bnsweep.running.prices.text import lines

__all__ = ["Price", "lines", "price_sweep", "why_untimed"]
