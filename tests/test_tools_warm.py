import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import warm, warm_client

ROOT = Path(__file__).parents[1]

# a stage with the name of a real one
PROBE = """
import os, signal, sys, time

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
    main()
"""

RUN = """
import os, signal, subprocess, sys, time
os.chdir(sys.argv[1])
def probe(*arguments):
    return subprocess.Popen(["python", "-m", "stages.train", *arguments])
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
os.mkdir("elsewhere")
os.rename("stages", "elsewhere/stages")
os.chdir("elsewhere")
probe("end").wait()
subprocess.run(["python", "-c", "import sys; print(sys.executable, sys.argv)", "a b"])
sys.exit(7)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[subprocess.CompletedProcess, Path]:
    folder = tmp_path_factory.mktemp("warm")
    (folder / "stages").mkdir()
    (folder / "stages/__init__.py").touch()
    (folder / "stages/train.py").write_text(PROBE)
    (folder / "run.py").write_text(RUN)
    command = [sys.executable, "-m", "tools.warm", sys.executable, str(folder / "run.py"), str(folder)]
    # as on a cluster: a folder for temporary files whose path is longer than a socket's may be
    temporary = folder / ("long" * 30)
    temporary.mkdir()
    environment = os.environ | {"TMPDIR": str(temporary)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120), folder


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


def test_any_other_python_is_the_real_one(run):
    assert f"{sys.executable} ['-c', 'a b']" in run[0].stdout.splitlines()


def test_the_warm_process_ends_with_a_killed_run(tmp_path):
    marker = tmp_path / "address"
    script = f"import os, time; open({str(marker)!r}, 'w').write(os.environ['PATH']); time.sleep(60)"
    command = [sys.executable, "-m", "tools.warm", sys.executable, "-c", script]
    running = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        while not (marker.exists() and marker.read_text()):
            time.sleep(0.05)
        address = f"{marker.read_text().split(os.pathsep)[0]}/{warm.SOCKET}"
        assert warm_client.connected(address) is not None
        running.kill()
        running.wait()
        deadline = time.monotonic() + 10
        while warm_client.connected(address) is not None and time.monotonic() < deadline:
            time.sleep(0.1)
        assert warm_client.connected(address) is None
    finally:
        os.killpg(running.pid, signal.SIGKILL)


def test_no_command_is_told():
    done = subprocess.run([sys.executable, "-m", "tools.warm"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "error: no command to run: python -m tools.warm dvc repro\n")
