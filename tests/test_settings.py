"""What a user's code changes of the process is put back, whatever it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bnsweep import settings
from bnsweep.errors import InputError
from bnsweep.plugins import load_callable

CHANGES = {
    "torch's default dtype": "torch.set_default_dtype(torch.float64)",
    "torch's default device": "torch.set_default_device('meta')",
    "torch's gradient mode": "torch.set_grad_enabled(False)",
    "torch's number of threads": "torch.set_num_threads(torch.get_num_threads() + 1)",
    "torch's matmul precision": "torch.set_float32_matmul_precision('medium')",
    "torch's deterministic algorithms": "torch.use_deterministic_algorithms(True, warn_only=True)",
    "torch's anomaly detection": "torch.autograd.set_detect_anomaly(True)",
    "torch's stream": "torch.manual_seed(17)",
    "torch's sharing strategy": "torch.multiprocessing.set_sharing_strategy('file_system')",
    "cudnn.benchmark": "torch.backends.cudnn.benchmark = True",
    "deterministic.fill_uninitialized_memory": "torch.utils.deterministic.fill_uninitialized_memory ^= True",
    "the working folder": "os.chdir('/')",
    "os.environ": "os.environ['OMP_NUM_THREADS'] = '77'; os.environ['HOME'] = '/nowhere'",
    "sys.path": "sys.path.insert(0, '/nowhere')",
    "the recursion limit": "sys.setrecursionlimit(4321)",
    "sys.excepthook": "sys.excepthook = print",
    "warnings.filters": "warnings.simplefilter('ignore')",
    "the level of logging": "logging.getLogger().setLevel(5)",
    "logging.disable": "logging.disable(50)",
    "the locale": "locale.setlocale(locale.LC_ALL, 'C.UTF-8'); locale.setlocale(locale.LC_NUMERIC, 'C')",
    "garbage collection": "gc.disable(); gc.set_threshold(7)",
    "the stream of random": "random.seed(1)",
    "numpy's error state": "np.seterr(all='raise')",
    "numpy's print options": "np.set_printoptions(precision=2)",
    "numpy's global stream": "np.random.seed(1)",
    "signal handlers": "signal.signal(signal.SIGINT, signal.SIG_IGN)",
    "the way processes are started": "multiprocessing.set_start_method('forkserver', force=True)",
}
IMPORTS = (
    "import gc, locale, logging, multiprocessing, os, random, signal, sys, warnings\nimport numpy as np\nimport torch\n"
)


def now() -> dict[str, object]:
    return {name: setting.get() for name, setting in settings.all_settings().items()}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / f"own_{abs(hash(tmp_path))}.py"


@pytest.mark.parametrize("name", CHANGES)
def test_a_setting_that_an_import_changes_is_put_back(name: str, module: Path) -> None:
    module.write_text(f"{IMPORTS}{CHANGES[name]}\ndef net():\n    pass\n")
    before = now()
    load_callable(f"{module.stem}:net", "model.name")
    after = now()
    if name == "sys.path":
        assert after.pop(name) == [*before.pop(name), "/nowhere"]
    assert after == before


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_one(name: str) -> None:
    with settings.settings_kept():
        before = now()[name]
        exec(IMPORTS + CHANGES[name])
        assert name == "the locale" or now()[name] != before


def test_they_are_put_back_where_the_import_fails(module: Path) -> None:
    module.write_text(f"{IMPORTS}torch.set_default_dtype(torch.float64)\nraise ValueError('no')\n")
    before = now()
    with pytest.raises(InputError, match="ValueError: no"):
        load_callable(f"{module.stem}:net", "model.name")
    assert now() == before


def test_variables_of_the_users_own_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIN", "1")
    with settings.settings_kept():
        os.environ["OWN_FOLDER"] = "x"
        del os.environ["PLAIN"]
    assert os.environ.pop("OWN_FOLDER") == "x"
    assert os.environ["PLAIN"] == "1"
