from stages.lib.fetch.fetchlog import COLUMNS, Fetched, Journal, read_arrived, read_journal, write_table

HERE = Fetched("a", "ok", "url", 200, 5, "a", 1, "http://a.de/")
GONE = Fetched("b", "fetch_failed", http_code=404, attempts=1, detail="HTTP 404")


def test_arrived_images_are_written_again_as_they_were(tmp_path):
    path = tmp_path / "fetch.csv"
    write_table(path, [HERE, GONE])
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)
    first = path.read_bytes()
    rows = read_arrived(path)
    assert list(rows) == ["a"]
    write_table(path, [rows["a"], GONE])
    assert path.read_bytes() == first


def test_a_table_that_is_none_has_nothing(tmp_path):
    path = tmp_path / "fetch.csv"
    assert read_arrived(path) == {}
    for content in (b"", b"md5hash,status\na,ok\n", b"\xff\xfe", b'a,"b\n'):
        path.write_bytes(content)
        assert read_arrived(path) == {}


def test_a_journal_tells_what_a_cut_run_knew(tmp_path):
    path = tmp_path / "deep" / "journal"
    assert read_journal(path, "x") == {}
    journal = Journal(path, "x")
    journal.add(HERE)
    journal.add(GONE)
    assert read_journal(path, "x") == {"a": HERE, "b": GONE}
    assert read_journal(path, "another request") == {"a": HERE}
    journal.close(done=False)
    assert read_journal(path, "x") == {"a": HERE, "b": GONE}
    Journal(path, "x").close(done=True)
    assert not path.exists()


def test_a_torn_line_costs_that_line_alone(tmp_path):
    path = tmp_path / "journal"
    Journal(path, "x").add(HERE)
    for end in (b'{"md5hash": "c", "st', b"\0\0\0", b'{"md5hash": "c"}', b"7", b"[]"):
        path.write_bytes(path.read_bytes() + end)
        Journal(path, "x").add(GONE)
        assert read_journal(path, "x") == {"a": HERE, "b": GONE}
