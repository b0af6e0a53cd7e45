"""Hosts of a small network, made of namespaces on this machine: each has its own processes, /tmp, home and name.

Nothing of it is left after the test: a host's processes end with its first one, and its network with its processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import HANGS_AFTER_S, wait_until

ROOT = Path(__file__).parents[2]
SBIN = ("/usr/sbin", "/sbin")
ENTER = """
set -e
hostname {name}
mkdir -p {folder}/tmp {folder}/home {folder}/empty
{disk}
{kept}
mount --rbind {folder}/home /root
mount -t tmpfs tmpfs /run && mkdir /run/sshd
mount -t tmpfs tmpfs /dev/shm
{hidden}
mount --rbind {folder}/tmp /tmp
exec $(command -v sshd) -D -e -f {folder}/sshd_config
"""
SSHD = """
HostKey {key}
AuthorizedKeysFile {key}.pub
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
"""


@dataclass(frozen=True)
class Host:
    """A machine of its own, as far as its processes can tell.

    Args:
        name: its host name.
        ip: its address.
        port: its port on the switch.
        pid: of its first process, seen from outside.
        folder: holds its /tmp and home, seen from outside.
    """

    name: str
    ip: str
    port: str
    pid: int
    folder: Path

    def command(self, *command: object) -> list[str]:
        """Return the command that runs `command` on this host, in its home."""
        enter = ["nsenter", "--target", str(self.pid), "--net", "--pid", "--mount", "--uts", "env", "--chdir=/root"]
        return [*enter, *map(str, command)]

    def run(self, *command: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*command),
            capture_output=True,
            text=True,
            env=self.env(env),
            timeout=HANGS_AFTER_S,
            check=False,
        )

    def env(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a user who is logged in."""
        path = os.pathsep.join((str(Path(sys.executable).parent), "/usr/bin", "/bin", *SBIN))
        return {"HOME": "/root", "PATH": path, "LANG": "C.UTF-8", **(more or {})}

    def processes(self, name: str) -> list[str]:
        """Return the command lines on this host that contain `name`."""
        listed = self.run("ps", "-e", "-o", "args=").stdout.splitlines()
        return [line for line in listed if name in line]


class Network:
    """A switch, and the hosts that are connected to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts: list[Host] = []
        self._started = list[subprocess.Popen[bytes]]()
        self._switch = self._start("unshare", "--net", "--kill-child", "--fork", "sleep", "infinity")
        self._ip("link", "add", "switch", "type", "bridge")
        self._ip("link", "set", "switch", "up")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True)

    def host(self, name: str, *, sees_code: bool = False, disk: str | None = None) -> Host:
        """Start a host with sshd; it has the Python of this test, but this checkout's code only if it `sees_code`.

        Its /tmp is as large as `disk`, or a folder of this machine's.
        """
        folder, number = self.folder / name, len(self.hosts) + 1
        ip, port = f"10.77.0.{number}", f"port{number}"
        self._prepare(folder, name, sees_code, disk)
        spaces = ("--net", "--pid", "--mount", "--uts", "--mount-proc", "--fork", "--kill-child")
        pid = self._start("unshare", *spaces, "bash", str(folder / "enter.sh"), log=folder / "sshd.log")
        self._ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        self._ip("link", "set", port, "master", "switch", "up")
        host = Host(name, ip, port, pid, folder)
        for command in (
            f"link set lo up; ip addr add {ip}/24 dev eth0; ip link set eth0 up; ip route add default dev eth0"
        ).split("; ip "):
            subprocess.run(["nsenter", f"--target={pid}", "--net", "ip", *command.split()], check=True)
        wait_until(lambda: "listening" in (folder / "sshd.log").read_text().lower(), f"sshd on {name}")
        self.hosts.append(host)
        return host

    def disconnect(self, host: Host) -> None:
        """Disconnect a host from the switch."""
        self._ip("link", "set", host.port, "down")

    def reconnect(self, host: Host) -> None:
        """Connect it again."""
        self._ip("link", "set", host.port, "up")

    def serve(self, host: Host, *command: object, port: int) -> str:
        """Start a server on a host and wait until it listens; return its `host:port`."""
        process = subprocess.Popen(
            host.command(*command), env=host.env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._started.append(process)
        wait_until(lambda: f":{port} " in host.run("ss", "-Hltn").stdout, f"{command} to listen")
        return f"{host.ip}:{port}"

    def close(self) -> None:
        """End every process of every host."""
        for process in reversed(self._started):
            process.kill()
            process.wait()

    def _prepare(self, folder: Path, name: str, sees_code: bool, disk: str | None) -> None:
        """Write what the host's first process needs."""
        for kept in ("tmp", "home/.ssh", "empty"):
            (folder / kept).mkdir(parents=True)
        (folder / "sshd_config").write_text(SSHD.format(key=self.folder / "key"))
        python = Path(sys.prefix)
        (folder / "home/.bash_profile").write_text(
            f"export PATH=$HOME/.local/bin:{python}/bin:$PATH PYTHONDONTWRITEBYTECODE=1\n"
        )
        mounts = [
            f"mkdir -p {new / path.relative_to(old)} && mount --bind {path} {new / path.relative_to(old)}"
            for old, new in ((Path("/tmp"), folder / "tmp"), (Path("/root"), folder / "home"))
            for path in (python, Path(sys.base_prefix), self.folder, ROOT)
            if path.is_relative_to(old)
        ]
        hidden = [] if sees_code else [f"mount --bind {folder}/empty {ROOT / code}" for code in ("bnsweep", "analysis")]
        small = f"mount -t tmpfs -o size={disk} tmpfs {folder}/tmp" if disk else ""
        (folder / "enter.sh").write_text(
            ENTER.format(name=name, folder=folder, disk=small, kept="\n".join(mounts), hidden="\n".join(hidden))
        )

    def _start(self, *command: str, log: Path | None = None) -> int:
        """Start `unshare`, which ends with this process; return the pid of the first process inside."""
        with open(log or os.devnull, "ab") as file:
            process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdout=file, stderr=file)
        self._started.append(process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_until(lambda: children.read_text().split(), f"{command} to start")
        return int(children.read_text().split()[0])

    def _ip(self, *arguments: str) -> None:
        subprocess.run(["nsenter", f"--target={self._switch}", "--net", "ip", *arguments], check=True)


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """Make a network for the time of the block."""
    net = Network(folder)
    try:
        yield net
    finally:
        net.close()
