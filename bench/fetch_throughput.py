"""Images per second from one server on loopback: stage fetch, and img2dataset on the same list.

    python -m bench.fetch_throughput --img2dataset /path/to/an/environment/bin/python

Both write one file per image and check each MD5; neither decodes or re-encodes; caps and delays are lifted. The rate
is taken by the server, from the first request to the last, so imports cost neither of them anything; the whole
command's wall time stands beside it. The server shares the machine, so both are held back alike.

The ratio is that of two rates: the best of fetch over all numbers of connections and repeats, and the best of
img2dataset over all numbers of processes, threads and repeats. Runs alternate, so that a busy minute falls on both.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.fetch_setup import ROOT, draw_jpegs, fetched, md5, prepare, run

IMG2DATASET = """
import sys
from img2dataset import download
if __name__ == "__main__":
    download(url_list=sys.argv[1], output_folder=sys.argv[2], processes_count=int(sys.argv[3]),
             thread_count=int(sys.argv[4]), input_format="csv", url_col="url", output_format="files",
             disable_all_reencoding=True, compute_hash="md5", verify_hash=["md5hash", "md5"], extract_exif=False,
             number_sample_per_shard=int(sys.argv[5]), enable_wandb=False, timeout=30)
"""


def measure(base: str, command) -> tuple[float, float, float]:
    """Runs a command; returns images per second as the server saw them, and wall and CPU time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start_s = time.perf_counter()
    command()
    wall_s = time.perf_counter() - start_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{base}/rate") as answer:
        served, took_s = answer.read().split()
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return int(served) / float(took_s), wall_s, cpu_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--img2dataset", help="a Python that can import img2dataset")
    parser.add_argument("--images", type=Path, help="a folder of images to serve instead of drawn ones")
    parser.add_argument("-n", type=int, default=3000, help="how many images")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="+", default=[4, 16, 32])
    arguments = parser.parse_args()

    if arguments.images:
        bodies = [path.read_bytes() for path in sorted(arguments.images.iterdir())[: arguments.n]]
    else:
        bodies = draw_jpegs(arguments.n)
    best: dict[str, tuple[float, float, float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        site = Path(temporary, "site")
        site.mkdir()
        for body in bodies:
            (site / f"{md5(body)}.jpg").write_bytes(body)
        server = subprocess.Popen(
            [sys.executable, "-m", "bench.loopback", str(site)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        base = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        urls = {md5(body): f"{base}/{md5(body)}.jpg" for body in bodies}
        folder, other, script = Path(temporary, "fetch"), Path(temporary, "other"), Path(temporary, "others.py")
        script.write_text(IMG2DATASET)

        def fetch() -> None:
            run(folder)
            assert set(fetched(folder)["status"]) == {"ok"}

        def img2dataset() -> None:
            size = -(-len(urls) // processes)
            catalog = str(folder / "catalog.csv")
            command = [arguments.img2dataset, str(script), catalog, str(other), str(processes), str(n), str(size)]
            done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"NO_PROXY": "127.0.0.1"})
            if done.returncode != 0:
                sys.exit(f"img2dataset failed:\n{done.stderr[-2000:]}")
            assert len(list(other.rglob("*.jpg"))) == len(urls)

        for _ in range(arguments.repeats):
            for n in arguments.connections:
                shutil.rmtree(folder, ignore_errors=True)
                prepare(folder, urls, connections_per_host=n, delay_s=0.0)
                name = f"fetch, {n} connections"
                best[name] = max(best.get(name, (0, 0, 0)), measure(base, fetch))
                for processes in (1, 2) if arguments.img2dataset else ():
                    shutil.rmtree(other, ignore_errors=True)
                    name = f"img2dataset, {processes} x {n} threads"
                    best[name] = max(best.get(name, (0, 0, 0)), measure(base, img2dataset))
        server.terminate()
        server.wait()
    size_kb = sum(map(len, bodies)) / len(bodies) / 1000
    print(f"{len(urls):,} images of {size_kb:.0f} kB, best of {arguments.repeats}")
    print(f"{'':32} {'images/s':>9} {'wall s':>7} {'CPU s':>7}")
    for name, (rate, wall_s, cpu_s) in sorted(best.items()):
        print(f"{name:32} {rate:9.0f} {wall_s:7.1f} {cpu_s:7.1f}")
    ours = max(rate for name, (rate, *_) in best.items() if name.startswith("fetch"))
    theirs = max((rate for name, (rate, *_) in best.items() if name.startswith("img2dataset")), default=0)
    if theirs:
        print(f"images/s, best of fetch / best of img2dataset: {ours / theirs:.2f}")
    else:
        print("img2dataset: not compared; name an environment that has it with --img2dataset")


if __name__ == "__main__":
    main()
