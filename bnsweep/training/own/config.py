"""What a loop of the user's own is told of its trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from bnsweep.errors import did_you_mean
from bnsweep.spec import TrialSpec
from bnsweep.spec.own_trial import OF_EVERY_TRIAL, OwnTrialSpec


@dataclass(frozen=True)
class Config(Mapping[str, Any]):
    """norm, init, init_gain, lr, seed, the section `train`, and the options in `trial`: `config.lr`, `config["lr"]`.

    Args:
        fields: each by its name.
    """

    fields: Mapping[str, Any]

    @classmethod
    def of(cls, spec: TrialSpec, own: OwnTrialSpec) -> Self:
        """Return what `own`, the section `trial` of `spec`, and the rest of `spec` say."""
        return cls({**{name: getattr(spec, name) for name in OF_EVERY_TRIAL}, **own.options})

    def __getitem__(self, name: str) -> Any:
        try:
            return self.fields[name]
        except KeyError:
            raise KeyError(self._unknown(name)) from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self.fields:
            raise AttributeError(self._unknown(name))
        return self.fields[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return the field of this name, or `default` where the sweep file does not give it."""
        return self.fields.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def _unknown(self, name: str) -> str:
        return f"config has no {name!r}; {did_you_mean(name, self.fields)}; give it in the sweep file as trial.{name}"
