"""What a sweep will take: time, GPU-hours, money and bytes, from trials that are timed for a few steps each."""

from bnsweep.running.prices.price import Price
from bnsweep.running.prices.pricing import price_sweep, why_untimed

__all__ = ["Price", "price_sweep", "why_untimed"]
