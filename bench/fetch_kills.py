"""Stage fetch killed with SIGKILL at 20 random moments, against one that nobody disturbs.

    python -m bench.fetch_kills

At the end both must have the same bytes and the same fetch.csv, but for the attempts. Says how many requests the kills
cost: those that were under way, for a body that is cut off has to be asked for again.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from bench.fetch_setup import arrived, draw_jpegs, fetched, md5, prepare, run, start, stored
from tests.faulty_server import FAULTS, serving

SETTINGS = {"connections_per_host": 8, "delay_s": 0.0, "image_deadline_s": 30.0, "retries": 3}
FAMILIES = ("good", "good", "good", "good", "good", "404", "wrong bytes", "500 then good", "redirect")
DELAY_S = 0.1
"""The server's, so that there is something to kill."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7, help="of the moments")
    parser.add_argument("-n", type=int, default=1200, help="how many images")
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    bodies = draw_jpegs(arguments.n, side_px=96)

    with tempfile.TemporaryDirectory() as temporary, serving() as server:

        def answer(handler, seen):
            time.sleep(DELAY_S)
            _, family, number = handler.path.split("/")
            FAULTS[family.replace("%20", " ")](handler, seen, bodies[int(number)])

        server.default = answer
        urls = {
            md5(body): f"{server.url}/{FAMILIES[i % len(FAMILIES)].replace(' ', '%20')}/{i}"
            for i, body in enumerate(bodies)
        }
        calm, killed = Path(temporary, "calm"), Path(temporary, "killed")
        prepare(calm, urls, **SETTINGS)
        run(calm)
        calm_requests = len(server.asked)

        server.asked.clear()
        server.counts.clear()
        prepare(killed, urls, **SETTINGS)
        kills, early = 0, 0
        while kills < arguments.kills:
            process = start(killed)
            # Mostly while it downloads, which begins with the first request, now and then before.
            before = len(server.asked)
            while len(server.asked) == before and process.poll() is None and moments.random() > 0.002:
                time.sleep(0.01)
            early += len(server.asked) == before
            time.sleep(moments.uniform(0, 0.8))
            if process.poll() is not None:
                sys.exit(f"the run ended after {kills} kills; give it more images with -n")
            process.kill()
            process.wait()
            kills += 1
            time.sleep(2 * DELAY_S)  # what the server still answers
            whole = arrived(killed)
            half = [name for name, body in whole.items() if md5(body) != name.replace("/", "")]
            if half:
                sys.exit(f"after kill {kills}: {half[0]} is not what its name says")
        at_kills = len(whole)
        run(killed)

        same_bytes = stored(calm) == stored(killed)
        ours, theirs = (fetched(folder).drop(columns="attempts") for folder in (calm, killed))
        print(f"{len(urls):,} rows, {kills} kills ({early} before the first request), {at_kills:,} files at the last")
        print(f"requests: {calm_requests:,} undisturbed, {len(server.asked):,} with the kills")
        print(f"statuses: {ours['status'].value_counts().to_dict()}")
        print(f"same bytes: {same_bytes}; same fetch.csv but for attempts: {ours.equals(theirs)}")
    if not (same_bytes and ours.equals(theirs)):
        sys.exit(f"the killed run left something else:\n{ours.compare(theirs).to_string()[:2000]}")


if __name__ == "__main__":
    main()
