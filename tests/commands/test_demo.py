"""The demo as a process: however it ends nothing stays behind, and what was in it is there the next time."""

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from settings import ROOT
from tests.commands.demo_process import (
    PASSWORD,
    SECONDS_TO_START,
    SECONDS_TO_STOP,
    Demo,
    demo_environment,
    demo_folder,
    fill,
    free_port,
    processes_of,
    run_module,
    start_demo,
    wait_until,
)

pytestmark = pytest.mark.xdist_group("the demo as a process")  # no more than two demos at a time

# Begins a command as a terminal's own: it leads the session that the terminal on its standard input controls.
IN_ITS_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.fixture
def empty() -> Iterator[Path]:
    with demo_folder() as made:
        yield made


@pytest.fixture
def folder(empty: Path) -> Path:
    """The folder of a demo that ran before."""
    fill(empty)
    return empty


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_the_demo_and_its_database(folder: Path, number: signal.Signals) -> None:
    demo = start_demo(folder)
    assert len(processes_of(folder)) > 1, "the embedded database is not among the demo's processes"

    assert demo.stop(number) == 0

    assert processes_of(folder) == []
    assert "Traceback" not in demo.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_while_it_starts_leaves_nothing_either(empty: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "commands.demo", str(free_port())],
        cwd=ROOT,
        env=demo_environment(empty),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until((empty / "pg" / "postmaster.pid").exists, SECONDS_TO_START)

    process.send_signal(number)
    process.wait(SECONDS_TO_START)

    assert processes_of(empty) == []


def test_ctrl_c_in_a_terminal_ends_litestar_demo(folder: Path) -> None:
    terminal, process = _in_a_terminal(folder, free_port())

    os.write(terminal, b"\x03")
    code = process.wait(SECONDS_TO_STOP)
    os.close(terminal)

    assert code == 0
    assert processes_of(folder) == []


def test_a_closed_terminal_ends_the_demo(folder: Path) -> None:
    terminal, process = _in_a_terminal(folder, free_port())

    os.close(terminal)
    process.wait(SECONDS_TO_STOP)

    assert processes_of(folder) == []


@pytest.mark.parametrize("killed", ["the demo", "the demo and its database"])
def test_after_kill_9_the_next_start_has_everything(folder: Path, killed: str) -> None:
    demo = start_demo(folder)
    with _ana(demo) as ana:
        _ask_for_pro(ana)
    doomed = [demo.process.pid] if killed == "the demo" else processes_of(folder)
    for process in doomed:
        os.kill(process, signal.SIGKILL)
    demo.process.wait(SECONDS_TO_STOP)
    wait_until(lambda: not set(doomed) & set(processes_of(folder)), SECONDS_TO_STOP)

    again = start_demo(folder)
    with _ana(again) as ana:
        assert "El cambio al plan Pro espera su pago" in ana.get("/servicios/1").text
    again.stop()

    assert processes_of(folder) == []


def test_fresh_begins_again(folder: Path) -> None:
    demo = start_demo(folder)
    with _ana(demo) as ana:
        _ask_for_pro(ana)
    demo.stop()

    again = start_demo(folder, "--fresh")
    with _ana(again) as ana:
        assert "El cambio al plan Pro" not in ana.get("/servicios/1").text
    again.stop()


def test_a_port_in_use_is_said_and_nothing_starts(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_module(["commands.demo", str(port)], demo_environment(folder))

    assert ended.returncode == 1
    assert ended.stdout == f"Port {port} is in use: choose another, for example `make demo PORT={port + 1}`.\n"
    assert processes_of(folder) == []


def test_a_second_demo_on_the_same_folder_is_turned_away(folder: Path) -> None:
    demo = start_demo(folder)

    ended = run_module(["commands.demo", str(free_port()), "--fresh"], demo_environment(folder))

    assert ended.returncode == 1
    assert ended.stdout == (
        f"A demo is running on {folder} already: end it first, or set PANEL_DATA_DIR to another folder.\n"
    )
    assert httpx.get(f"{demo.url}/ingresar").status_code == 200
    demo.stop()


def _in_a_terminal(folder: Path, port: int) -> tuple[int, subprocess.Popen[bytes]]:
    """``litestar demo`` in a terminal of its own, as `make demo` runs it; gives our end of the terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_ITS_TERMINAL, "-m", "litestar", "demo", "--port", str(port)],
        cwd=ROOT,
        env=demo_environment(folder),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while b"The panel runs." not in shown:
        shown += os.read(ours, 4096)  # fails once nobody is at the other end
    return ours, process


@contextlib.contextmanager
def _ana(demo: Demo) -> Iterator[httpx.Client]:
    """Ana, signed in."""
    with httpx.Client(base_url=demo.url, follow_redirects=True) as client:
        token = _hidden(client.get("/ingresar").text, "_token")
        answer = client.post("/ingresar", data={"_token": token, "email": "ana@example.com", "password": PASSWORD})
        assert answer.url.path == "/"
        yield client


def _ask_for_pro(client: httpx.Client) -> None:
    """An upgrade that waits for its payment."""
    offers = client.get("/servicios/1/cambiar-plan").text
    plan = re.findall(r'href="[^"]*\?plan=(\d+)[^>]*>Elegir Pro<', offers)[0]
    check = client.get("/servicios/1/cambiar-plan/revisar", params={"plan": plan}).text
    fields = {name: _hidden(check, name) for name in ("_token", "plan", "mostrado", "formulario")}
    assert "Pedimos el cambio al plan Pro" in client.post("/servicios/1/cambiar-plan", data=fields).text


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"the page has no hidden field {name}"
    return found[1]
