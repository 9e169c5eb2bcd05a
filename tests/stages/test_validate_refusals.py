"""Where too little is usable, or tables do not fit one another, validate says so and writes nothing."""

import pandas as pd
import pytest

from stages import validate
from stages.lib.core.errors import PipelineError
from tests.stages.validate_project import jpeg


def test_too_few_kept_ends_the_run_and_writes_nothing(project):
    for content in (jpeg(0), jpeg(1), None, None):
        project.add(content, status="ok" if content else "fetch_failed")
    project.rules["min_kept_fraction"] = 0.51
    project.decode()
    with pytest.raises(PipelineError, match=r"2 of 4 rows are usable \(2 fetch_failed\).*min_kept_fraction"):
        validate.main()
    assert project.outputs() == []
    project.rules["min_kept_fraction"] = 0.5
    project.run()


def test_nothing_kept_writes_nothing(project):
    project.add(jpeg(0, 20, 20))
    project.add(jpeg(1, 20, 20))
    project.add(status="no_url")
    project.decode()
    with pytest.raises(PipelineError, match="no image of 3 rows is usable \\(1 no_url, 2 too_small\\)"):
        validate.main()
    assert project.outputs() == []


def test_one_class_left_ends_the_run_and_is_named(project):
    project.add(jpeg(0), label="zoster")
    project.add(status="no_url", label="acne")
    project.decode()
    with pytest.raises(PipelineError, match=r"left of one class only, 'zoster' \(1 no_url\)"):
        validate.main()
    assert project.outputs() == []


@pytest.mark.parametrize("name", ["catalog.csv", "fetch.csv"])
def test_a_missing_table_is_named(project, name):
    project.add(jpeg(0))
    project.add(jpeg(1))
    project.decode()
    (project.raw / name).unlink()
    with pytest.raises(PipelineError, match=f"{name}: missing; run"):
        validate.main()


def test_decoded_images_of_another_fetch_are_refused(project):
    project.add(jpeg(0))
    project.decode()
    later = project.add(jpeg(1))
    project.write()
    with pytest.raises(
        PipelineError, match=rf"decoded\.csv: has no row of image {later}; make it anew with `dvc repro`"
    ):
        validate.main()
    assert project.outputs() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[1:], "one row for each"),
        (lambda t: pd.concat([t, t[:1]]), "one row for each"),
        (lambda t: t.drop(columns="status"), "lacks the column status"),
        (lambda t: t.assign(status="maybe"), "unknown status 'maybe'"),
    ],
)
def test_a_fetch_table_of_another_catalog_is_refused(project, change, message):
    project.add(jpeg(0))
    project.add(jpeg(1))
    project.write()
    path = project.raw / "fetch.csv"
    change(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(PipelineError, match=message):
        validate.main()


def test_an_empty_fetch_table_is_refused(project):
    project.add(jpeg(0))
    project.add(jpeg(1))
    project.write()
    (project.raw / "fetch.csv").write_text("")
    with pytest.raises(PipelineError, match=r"fetch\.csv"):
        validate.main()
