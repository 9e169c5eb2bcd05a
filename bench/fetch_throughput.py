"""Images per second from one server on loopback: stage fetch, and img2dataset on the same list.

    python -m bench.fetch_throughput --img2dataset /path/to/an/environment/bin/python

Both write one file per image and check each MD5; neither decodes or re-encodes; caps and delays are lifted. The rate
is taken by the server, from the first request to the last, so imports cost neither of them anything; the whole
command's wall time stands beside it. The server shares the machine, so both are held back alike.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.fetch_setup import draw_jpegs, fetched, md5, prepare, run
from tests.faulty_server import FaultyServer, serving

IMG2DATASET = """
import sys
from img2dataset import download
if __name__ == "__main__":
    download(url_list=sys.argv[1], output_folder=sys.argv[2], processes_count=int(sys.argv[3]),
             thread_count=int(sys.argv[4]), input_format="csv", url_col="url", output_format="files",
             disable_all_reencoding=True, compute_hash="md5", verify_hash=["md5hash", "md5"], extract_exif=False,
             number_sample_per_shard=int(sys.argv[5]), enable_wandb=False, timeout=30)
"""


def measure(server: FaultyServer, command) -> tuple[float, float]:
    """Runs the command; returns images per second as the server saw them, and the wall time in seconds."""
    server.starts_s.clear()
    start_s = time.perf_counter()
    command()
    wall_s = time.perf_counter() - start_s
    return len(server.starts_s) / (max(server.starts_s) - min(server.starts_s)), wall_s


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
    pages = {f"/{md5(body)}.jpg": body for body in bodies}
    best: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as temporary, serving() as server:
        server.default = lambda handler, seen: handler.answer(200, pages[handler.path])
        urls = {md5(body): f"{server.url}/{md5(body)}.jpg" for body in bodies}
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
                best[name] = max(best.get(name, (0, 0)), measure(server, fetch))
                for processes in (1, 2) if arguments.img2dataset else ():
                    shutil.rmtree(other, ignore_errors=True)
                    name = f"img2dataset, {processes} x {n} threads"
                    best[name] = max(best.get(name, (0, 0)), measure(server, img2dataset))
    size_kb = sum(map(len, bodies)) / len(bodies) / 1000
    print(f"{len(urls):,} images of {size_kb:.0f} kB, best of {arguments.repeats}")
    print(f"{'':32} {'images/s':>9} {'wall s':>7}")
    for name, (rate, wall_s) in sorted(best.items()):
        print(f"{name:32} {rate:9.0f} {wall_s:7.1f}")
    ours = max(rate for name, (rate, _) in best.items() if name.startswith("fetch"))
    theirs = max((rate for name, (rate, _) in best.items() if name.startswith("img2dataset")), default=0)
    if theirs:
        print(f"best of fetch / best of img2dataset: {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
