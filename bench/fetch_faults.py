"""Stage fetch against a server that does everything wrong: does every good image arrive, has every bad one its reason?

    python -m bench.fetch_faults

2,000 rows: each fault of tests/faulty_server.py, a certificate that nobody vouches for, a port where nobody listens,
a name that does not resolve, and an image bomb, many times each; the rest is good, a part of it by way of a redirect
to another host. Fails if a row has another status or reason than it should.
"""

import io
import re
import socket
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from PIL import Image

from bench.fetch_setup import STAGE, draw_jpegs, fetched, md5, prepare, run, stored
from tests.faulty_server import FAULTS, SETTINGS, serving

ROWS = 2000
OF_EACH, BOMBS = 60, 5
CHANGES = {"connections_per_host": 64, "image_deadline_s": 8.0, "connect_timeout_s": 2.0, "read_timeout_s": 2.0}
ARRIVES = ("good", "wrong type", "gzip", "500 then good", "429 then good", "reset then good", "cut then good")
EXPECTED = {
    **dict.fromkeys([*ARRIVES, "redirect", "other host", "image bomb"], ("ok", "")),
    "slow drip": ("fetch_failed", "not complete after 8 s"),
    "slow header": ("fetch_failed", "not complete after 8 s"),
    "404": ("fetch_failed", "HTTP 404"),
    "403": ("fetch_failed", "HTTP 403"),
    "always 500": ("fetch_failed", "HTTP 500"),
    "always reset": ("fetch_failed", "connection broken off"),
    "always cut": ("fetch_failed", "body cut short"),
    "endless": ("fetch_failed", "larger than 1 MB"),
    "redirect loop": ("fetch_failed", "more than 5 redirects"),
    "redirect to file": ("fetch_failed", "redirect not followed: scheme 'file' is not http or https"),
    "html": ("md5_mismatch", "the url's body is another: HTML page"),
    "wrong bytes": ("md5_mismatch", "the url's body is another: JPEG image"),
    "gzip bomb": ("fetch_failed", "larger than 1 MB"),
    "bad TLS": ("fetch_failed", "(host 127.0.0.1 given up: )?TLS: self[- ]signed certificate"),
    "refused": ("fetch_failed", "(host 127.0.0.1 given up: )?cannot connect: Connection refused"),
    "dead name": ("fetch_failed", "host www.x.invalid does not resolve"),
}
"""Status and detail (a regular expression) of each family of rows."""


def image_bomb(i: int) -> bytes:
    """Returns a small PNG of 20,000 x 20,000 black pixels; each number gives another file."""
    body = io.BytesIO()
    Image.new("1", (20000, 20000 + i)).save(body, "PNG")
    return body.getvalue()


def main() -> None:
    faults = [fault for fault in EXPECTED if fault not in ("good", "image bomb")]
    families = ["image bomb"] * BOMBS + faults * OF_EACH
    families += ["good"] * (ROWS - len(families))
    bodies = [image_bomb(i) for i in range(BOMBS)] + draw_jpegs(ROWS - BOMBS, side_px=96)

    with (
        tempfile.TemporaryDirectory() as temporary,
        serving() as server,
        serving() as second,
        serving() as limited,
        serving(tls=True) as untrusted,
        socket.socket() as silent,
    ):
        silent.bind(("127.0.0.1", 0))  # taken, not listening: refuses
        bases = {
            "429 then good": limited.url,  # Retry-After holds for a host: its other images would wait, too
            "bad TLS": untrusted.url,
            "refused": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "dead name": "http://www.x.invalid",
        }

        def answer(handler, seen):
            _, family, number = handler.path.split("/")
            family, body = family.replace("%20", " "), bodies[int(number)]
            if family == "other host":
                handler.answer(302, b"", Location=f"{second.url}/good/{number}")
            elif family in FAULTS:
                FAULTS[family](handler, seen, body)
            else:
                handler.answer(200, body)

        server.default = second.default = limited.default = untrusted.default = answer
        urls, kinds = {}, {}
        for i in sorted(range(ROWS), key=lambda i: (i * 7919) % ROWS):  # so that every kind of fault meets every other
            key, family = md5(bodies[i]), families[i]
            urls[key] = f"{bases.get(family, server.url)}/{family.replace(' ', '%20')}/{i}"
            kinds[key] = family
        folder = Path(temporary)
        prepare(folder, urls, **SETTINGS | CHANGES)
        start_s = time.perf_counter()
        run(folder)
        wall_s = time.perf_counter() - start_s
        table = fetched(folder)
        whole = {Path(name).name: body for name, body in stored(folder).items()}
        asked = Counter(path.split("/")[1].replace("%20", " ") for path in server.asked + limited.asked)

        wrong = [
            f"{key} ({kinds[key]}): {row.status}, {row.detail!r}"
            for key, row in table.iterrows()
            if row.status != EXPECTED[kinds[key]][0] or not re.fullmatch(EXPECTED[kinds[key]][1], row.detail)
        ]
        wanted = {key for key in urls if EXPECTED[kinds[key]][0] == "ok"}
        wrong += [f"{name}: should not be there" for name in whole.keys() - wanted]
        wrong += [f"{name}: lacks" for name in wanted - whole.keys()]
        wrong += [f"{name}: wrong bytes" for name, body in whole.items() if md5(body) != name]

        for stage in ("preprocess", "validate"):
            run(folder, [*STAGE[:-1], f"stages.{stage}"])
        dropped = (folder / "data/dropped.csv").read_text().splitlines()
        bombs = [line for line in dropped if kinds.get(line.split(",")[0]) == "image bomb"]
        if len(bombs) != BOMBS:
            wrong.append(f"validate kept {BOMBS - len(bombs)} image bombs")
        print((folder / "log.txt").read_text().rpartition("fetch: ")[2] if "-v" in sys.argv else "", end="")

    print(f"{'rows':>5} {'requests':>8}  {'status':13} reason")
    for family in EXPECTED:
        mine = table[[kinds[key] == family for key in table.index]]
        reason = mine["detail"].mode()[0] or family
        print(f"{len(mine):5} {asked[family]:8}  {mine['status'].mode()[0]:13} {family}: {reason}")
    print(f"validate drops the {len(bombs)} image bombs: {bombs[0].split(',', 2)[2]}")
    n, each_s, width = 2 * OF_EACH, CHANGES["image_deadline_s"], CHANGES["connections_per_host"]
    print(
        f"{len(table):,} rows in {wall_s:.1f} s; {n} of them drip for {each_s:g} s each, {width} at a time, so no run "
        f"can take less than {n * each_s / width:.1f} s"
    )
    if wrong:
        sys.exit(f"{len(wrong)} rows are not as they should be, the first: " + "; ".join(wrong[:5]))
    print("every row is as it should be")


if __name__ == "__main__":
    main()
