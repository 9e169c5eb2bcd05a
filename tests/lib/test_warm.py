import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# a stage like the real ones: hands itself over where it can
PROBE = """
import os, signal, sys, time
from stages.lib import warm

def main():
    print("tensorflow" in sys.modules, os.getcwd(), sys.argv[1:], os.environ.get("COLOUR"), flush=True)
    if sys.argv[1] == "wait":
        open("pid", "w").write(str(os.getpid()))
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            sys.exit(130)
    if sys.argv[1] == "fail":
        sys.exit("error: a line")
    if sys.argv[1] == "vanish":
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[1] == "crash":
        raise ZeroDivisionError("a bug")

if __name__ == "__main__":
    warm.hand_over({"probe"})
    main()
"""

RUN = """
import os, signal, subprocess, sys, time
def probe(*arguments, **options):
    return subprocess.Popen([sys.executable, "-m", "probe", *arguments], **options)
for case in ("end", "fail", "vanish", "crash"):
    print("status", case, probe(case).wait(), flush=True)
def waiting():
    if os.path.exists("pid"):
        os.remove("pid")
    stage = probe("wait")
    while not (os.path.exists("pid") and open("pid").read()):
        time.sleep(0.02)
    return stage, int(open("pid").read())
stage, pid = waiting()
print("another process", pid != stage.pid)
stage.send_signal(signal.SIGINT)
print("status interrupted", stage.wait(), flush=True)
stage, pid = waiting()
stage.kill()
for _ in range(500):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        break
    time.sleep(0.02)
else:
    pid = None
print("gone with it", pid is not None, flush=True)
os.environ["COLOUR"] = "blue"
os.makedirs("elsewhere", exist_ok=True)
os.rename("probe.py", "elsewhere/probe.py")
os.chdir("elsewhere")
probe("end").wait()
sys.exit(7)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[subprocess.CompletedProcess, Path]:
    folder = tmp_path_factory.mktemp("warm")
    (folder / "probe.py").write_text(PROBE)
    (folder / "run.py").write_text(RUN)
    command = [sys.executable, "-m", "tools.warm", sys.executable, "run.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120), folder


def test_the_commands_status_and_the_stages_statuses_come_through(run):
    done, _ = run
    assert done.returncode == 7
    statuses = [line for line in done.stdout.splitlines() if line.startswith("status")]
    assert statuses == [
        "status end 0", "status fail 1", "status vanish 1", "status crash 1", "status interrupted 130",
    ]  # fmt: skip


def test_a_stage_runs_in_another_process_with_the_libraries_its_folder_and_its_environment(run):
    done, folder = run
    lines = done.stdout.splitlines()
    assert f"True {folder} ['end'] None" in lines
    assert "another process True" in lines
    assert f"True {folder / 'elsewhere'} ['end'] blue" in lines


def test_what_a_stage_writes_to_stderr_comes_through(run):
    done, _ = run
    assert "error: a line" in done.stderr.splitlines()
    assert "ZeroDivisionError: a bug" in done.stderr
    assert "the stage's process was killed" in done.stderr


def test_a_killed_stage_takes_its_process_along(run):
    assert "gone with it True" in run[0].stdout


def test_a_stage_on_its_own_starts_as_usual(tmp_path):
    (tmp_path / "probe.py").write_text(PROBE)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "FITZPATRICK_WARM_SOCKET": str(tmp_path / "gone")}
    done = subprocess.run(
        [sys.executable, "-m", "probe", "fail"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stdout.startswith("False")


def test_the_warm_process_ends_with_a_killed_run(tmp_path):
    marker = tmp_path / "address"
    script = f"import os, time; open({str(marker)!r}, 'w').write(os.environ['FITZPATRICK_WARM_SOCKET']); time.sleep(60)"
    command = [sys.executable, "-m", "tools.warm", sys.executable, "-c", script]
    running = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        while not (marker.exists() and marker.read_text()):
            time.sleep(0.05)
        address = marker.read_text()
        running.kill()
        running.wait()
        deadline = time.monotonic() + 10
        while address.encode() in b"".join(_unix_sockets()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert address.encode() not in b"".join(_unix_sockets())
    finally:
        os.killpg(running.pid, signal.SIGKILL)


def _unix_sockets() -> list[bytes]:
    table = Path("/proc/net/unix")
    if not table.exists():
        pytest.skip("open sockets are listed on Linux only")
    return table.read_bytes().splitlines()


def test_no_command_is_told():
    done = subprocess.run([sys.executable, "-m", "tools.warm"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "error: no command to run: python -m tools.warm dvc repro\n")
