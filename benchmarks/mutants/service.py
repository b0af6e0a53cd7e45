"""Mistakes in what workers and the service say to each other, and in how the service commits."""

from benchmarks.mutants.mutant import Mutant

GROWING, OUTGOING, SERVICE = "running/growing.py", "running/outgoing.py", "running/service.py"

SERVING = (
    Mutant(
        "a worker forgets what is not committed",
        OUTGOING,
        "for delivery in self._kept if delivery.number > self._receipt.committed]",
        "for delivery in self._kept if delivery.number > self._number]",
    ),
    Mutant(
        "a successor is not told what was delivered",
        OUTGOING,
        "self._say(self._renumbered(unsaid))",
        "pass",
    ),
    Mutant(
        "a successor is not told of the pack under way",
        OUTGOING,
        "                self._pack = self._desk.resume(self._whereabouts, self._pack)\n",
        "                pass\n",
    ),
    Mutant(
        "old deliveries keep their numbers",
        OUTGOING,
        "            self._number += 1\n            again.append(",
        "            again.append(",
    ),
    Mutant(
        "a checkpoint outlives its trial",
        SERVICE,
        "            writer.checkpoints.drop(map(self._key, outdated))\n",
        "            pass\n",
    ),
    Mutant(
        "what was delivered is thrown away where the driver ends by an error",
        SERVICE,
        "        self._has_committed(writer, is_end=True)",
        "        pass",
    ),
    Mutant(
        "what a run that ends was not given is kept",
        GROWING,
        "            keep_widening(files, run, self._sweep_files)\n",
        "",
    ),
    Mutant(
        "a stop before the take-over is forgotten",
        SERVICE,
        "            if self._must_stop:\n                coordinator.stop()\n        return writer",
        "        return writer",
    ),
    Mutant(
        "an error of the store ends nothing",
        SERVICE,
        "                self._coordinator.abort()\n",
        "                pass\n",
    ),
    Mutant("code in a checkpoint is run", "training/checkpoint.py", "weights_only=True", "weights_only=False"),
    Mutant(
        "objects go into checkpoints", "training/checkpoint.py", "    _check_plain(state)\n    buffer", "    buffer"
    ),
)
