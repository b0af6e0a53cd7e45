"""Programs that a machine may lack: tests that need one are left out there, which is said at the end; in CI they fail.

A pytest plugin. A test names what it needs by an entry of `PROGRAMS`: `@pytest.mark.needs("chromium")`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pytest

from tests.cgroup import limited

SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
"""Where programs are looked for: not every user's PATH holds those of the system."""
LEFT_OUT = "left out"


@cache
def executables(*names: str) -> str:
    """Return those that are not found, by name; empty where all are."""
    return ", ".join(name for name in names if shutil.which(name, path=SEARCH_PATH) is None)


@cache
def as_root(*names: str) -> str:
    """Return what is not found, or what else keeps this user from making namespaces; empty where nothing does."""
    if missing := executables("unshare", *names):
        return missing
    if os.geteuid() != 0:
        return "root"
    tried = subprocess.run(["unshare", "--net", "--pid", "--mount", "--uts", "true"], capture_output=True, check=False)
    return "the right to make namespaces" if tried.returncode else ""


@cache
def compiler() -> str:
    """Return what PyTorch does not find to compile with; empty where it finds all."""
    has_headers = Path(sysconfig.get_path("include"), "Python.h").exists()
    return executables("g++") or ("" if has_headers else "Python.h")


@cache
def cgroups() -> str:
    """Return what keeps this user from limiting a process's memory; empty where nothing does."""
    try:
        with limited(memory_bytes=2**30, cpus=0.5):
            return ""
    except OSError as error:
        return f"control groups that this user may make ({error.strerror})"


@dataclass(frozen=True)
class Program:
    """What some tests need of the machine.

    Args:
        checks: what is checked with it, for the summary.
        packages: Debian's packages that bring it.
        missing: returns what this machine lacks of it; empty where it lacks nothing.
    """

    checks: str
    packages: str
    missing: Callable[[], str]


PROGRAMS = {
    "chromium": Program(
        checks="the report in a browser",
        packages="chromium chromium-driver",
        missing=partial(executables, "chromium", "chromedriver"),
    ),
    "c++": Program(
        checks="train.compile",
        packages="g++ python3-dev",
        missing=compiler,
    ),
    "namespaces": Program(
        checks="a machine without a network, or without another Ray",
        packages="iproute2 util-linux",
        missing=partial(as_root, "ip"),
    ),
    "cgroups": Program(
        checks="a container's limits",
        packages="util-linux",
        missing=cgroups,
    ),
    "ssh hosts": Program(
        checks="a cluster brought up over SSH",
        packages="iproute2 openssh-server openssh-client rsync procps util-linux curl",
        missing=partial(
            as_root, "ip", "ss", "sshd", "ssh", "ssh-keygen", "rsync", "pkill", "nsenter", "setpriv", "curl"
        ),
    ),
    "slurm": Program(
        checks="a sweep as a Slurm job",
        packages="slurm-wlm munge iproute2 util-linux",
        missing=partial(as_root, "slurmctld", "slurmd", "sbatch", "munged", "nsenter", "ip"),
    ),
}


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "needs(name): leave out where the machine lacks an entry of tests/programs.py")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave a test out whose program is missing; in CI, fail it."""
    for marker in item.iter_markers("needs"):
        (name,) = marker.args
        if missing := PROGRAMS[name].missing():
            reason = f"{missing} missing; apt-get install {PROGRAMS[name].packages}"
            if os.environ.get("CI"):
                pytest.fail(f"CI leaves no check out: {reason}", pytrace=False)
            item.user_properties.append((LEFT_OUT, name))
            pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out and how to get it; after a run of all tests, also of what only `make test-all` runs."""
    reports = terminalreporter.stats.get("skipped", [])
    skipped = Counter(name for report in reports for key, name in report.user_properties if key == LEFT_OUT)
    is_whole = config.args_source == config.ArgsSource.TESTPATHS
    names = [name for name, program in PROGRAMS.items() if skipped[name] or (is_whole and program.missing())]
    if names:
        terminalreporter.section("checks left out")
    for name in names:
        program, where = PROGRAMS[name], f"{skipped[name]} tests" if skipped[name] else "of make test-all"
        terminalreporter.line(
            f"{program.checks} ({where}): {program.missing()} missing; apt-get install {program.packages}"
        )
