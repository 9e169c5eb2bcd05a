from stages.lib.fetch.records import Fetched, Log, write_table

HERE = Fetched("a", "ok", "url", 200, 5, "a", 1, "http://a.de/")
OTHER = Fetched("c", "md5_mismatch", "url", 200, 5, "d", 1, "http://a.de/", "another")
GONE = Fetched("b", "fetch_failed", http_code=404, attempts=1, detail="HTTP 404")


def test_a_table_has_one_row_for_each(tmp_path):
    write_table(tmp_path / "fetch.csv", [HERE, GONE])
    lines = (tmp_path / "fetch.csv").read_text().splitlines()
    header = "md5hash,status,source,http_code,bytes,md5_seen,attempts,final_url,detail"
    assert lines == [header, "a,ok,url,200,5,a,1,http://a.de/,", "b,fetch_failed,,404,,,1,,HTTP 404"]


def test_a_log_tells_what_a_cut_run_knew(tmp_path):
    path = tmp_path / "log"
    log = Log(path, "x")
    assert (log.arrived, log.refused) == ({}, {})
    for row in (HERE, GONE, OTHER):
        log.add(row)
    again = Log(path, "x")
    assert again.arrived == {"a": HERE, "c": OTHER}
    assert again.refused == {"b": GONE, "c": OTHER}
    another = Log(path, "another request")
    assert another.arrived == {"a": HERE, "c": OTHER}
    assert another.refused == {}


def test_after_the_end_bodies_are_known_and_refusals_are_not(tmp_path):
    path = tmp_path / "log"
    log = Log(path, "x")
    log.add(GONE)
    log.end([HERE, GONE])
    again = Log(path, "x")
    assert (again.arrived, again.refused) == ({"a": HERE}, {})
    again.end([])
    assert Log(path, "x").arrived == {"a": HERE}


def test_a_line_that_was_cut_off_costs_that_line_alone(tmp_path):
    path = tmp_path / "log"
    Log(path, "x").add(HERE)
    for end in (b'{"row": {"md5h', b"\0\0\0", b'{"row": {"md5hash": "c"}, "of": "x"}', b"7", b"[]", b"{}"):
        path.write_bytes(path.read_bytes() + end)
        Log(path, "x").add(GONE)
        log = Log(path, "x")
        assert (log.arrived, log.refused) == ({"a": HERE}, {"b": GONE})
