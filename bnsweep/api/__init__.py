"""What one calls from Python and the commands call: plan, run, load. `import bnsweep` gives each when asked for."""
