"""The demo as people run it: a process of its own, with its database, on a free port."""

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from settings import ROOT

PASSWORD = "demo-panel-2026"
SECONDS_TO_START = 90  # with two browsers beside it, on two cores
SECONDS_TO_STOP = 20

AT_THE_END = contextlib.ExitStack()  # closed by the test session; by the interpreter, where there is none
atexit.register(AT_THE_END.close)


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that runs. ``url`` has no slash at its end."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def said(self) -> str:
        """Everything it printed so far."""
        return (self.folder / "said").read_text()

    def stop(self, with_signal: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and wait for the end; gives the exit code."""
        self.process.send_signal(with_signal)
        return self.process.wait(SECONDS_TO_STOP)


@contextlib.contextmanager
def running_demo(**settings: str) -> Iterator[Demo]:
    """A demo as it is at its first start, stopped at the end as with Ctrl-C; of its processes none may be left."""
    with demo_folder() as folder:
        fill(folder)
        demo = start_demo(folder, **settings)
        try:
            yield demo
        finally:
            demo.stop()
        assert processes_of(folder) == []


@contextlib.contextmanager
def demo_folder() -> Iterator[Path]:
    """An empty folder for a demo, its path short enough for sockets. Whatever still runs there at the end is killed."""
    folder = Path(tempfile.mkdtemp(prefix="demo-"))
    try:
        yield folder
    finally:
        for process in processes_of(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def fill(folder: Path) -> None:
    """Put into an empty folder what the first start of a demo makes there: faster than making it again."""
    # Owners kept: where the tests run as root, the database belongs to a user of its own.
    subprocess.run(["cp", "-Rp", _made_once() / "pg", folder / "pg"], check=True)


@lru_cache(maxsize=1)
def _made_once() -> Path:
    folder = AT_THE_END.enter_context(demo_folder())
    assert start_demo(folder, "--fresh").stop() == 0
    with (folder / "pg" / "postgresql.auto.conf").open("a") as configuration:
        configuration.write("fsync = off\n")  # these tests kill processes, not machines
    return folder


def start_demo(folder: Path, *options: str, **settings: str) -> Demo:
    """Start a demo over a folder, with what the folder has already, and wait for its welcome."""
    port = free_port()
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "commands.demo", str(port), *options],
            cwd=ROOT,
            env=demo_environment(folder, **settings),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    demo = Demo(f"http://localhost:{port}", folder, process)
    wait_until(lambda: "The panel runs." in demo.said or process.poll() is not None, SECONDS_TO_START)
    assert process.poll() is None, demo.said
    return demo


def demo_environment(folder: Path, **settings: str) -> dict[str, str]:
    """This process's environment without what the tests set in it for themselves."""
    kept = {name: value for name, value in os.environ.items() if not _is_a_setting(name)}
    return {**kept, "PANEL_DATA_DIR": str(folder), **settings}


def run_module(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run ``python -m …`` in the checkout to its end; output and errors together in ``stdout``."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS_TO_START,
        check=False,
    )


def processes_of(folder: Path) -> list[int]:
    """The ids of what runs for a folder: its demo, its database, and whatever either of them started.

    Known by their environment, working folder or command line, since the database leaves its parent's process group
    and writes its title over its environment.
    """
    mark = str(folder).encode()
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _bears(entry, mark)]


def _bears(process: Path, mark: bytes) -> bool:
    if process.name == str(os.getpid()):
        return False
    with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
        if (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return False
        traces = (process / "environ").read_bytes(), (process / "cmdline").read_bytes(), os.readlink(process / "cwd")
        return any(mark in (trace if isinstance(trace, bytes) else trace.encode()) for trace in traces)
    return False


def _is_a_setting(name: str) -> bool:
    return name.startswith("PANEL_") or name in ("DATABASE_URL", "REDIS_URL")


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(holds: Callable[[], object], seconds: float) -> None:
    """Wait for something outside this process; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
