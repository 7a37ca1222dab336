import json
from dataclasses import replace

import pytest

from experiments.study.plan import job_from_json
from r3gan.data.errors import BadData
from r3gan.jobdir import JobDir
from r3gan.single.directory import require_free, write_job
from tests.r3gan.small import small_config


@pytest.fixture
def job(tmp_path):
    """The directory of a training that has been written."""
    job = JobDir(tmp_path / "my run")
    require_free(job, small_config())
    write_job(job, small_config())
    return job


def test_the_same_training_goes_on_also_with_other_checkpoints(job):
    require_free(job, replace(small_config(), checkpoint_every_kimg=3.0))


def test_another_training_is_refused_with_the_keys_that_differ(job):
    other = replace(small_config(), seed=3, batch_size=4, checkpoint_every_kimg=3.0)
    with pytest.raises(BadData, match="another training") as caught:
        require_free(job, other)
    assert "(seed is 0 there and 3 here; batch_size is 8 there and 4 here): name another folder" in str(caught.value)


def test_the_job_is_read_like_one_of_a_study_that_is_called_like_its_directory(job):
    read = job_from_json(json.loads(job.description.read_text()), json.loads(job.config.read_text()))
    assert (read.study, read.variant, read.seed, read.config) == ("my-run", "baseline", 0, small_config())
    assert read.comparison == read.configuration


def test_the_description_of_a_studys_job_stays(job):
    job.description.write_text('{"study": "theirs"}')
    write_job(job, small_config())
    assert json.loads(job.description.read_text()) == {"study": "theirs"}


@pytest.mark.parametrize("content", ["{", '{"batch_size": 3}', '{"bach_size": 3}'])
def test_a_configuration_that_is_damaged_is_told(job, content):
    job.config.write_text(content)
    with pytest.raises(BadData, match=r"config\.json is not what was written"):
        require_free(job, small_config())


def test_a_folder_of_something_else_and_a_file_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadData, match=r"holds no training, but notes\.txt"):
        require_free(JobDir(tmp_path), small_config())
    with pytest.raises(BadData, match="is not a folder"):
        require_free(JobDir(tmp_path / "notes.txt"), small_config())


def test_a_folder_in_which_a_job_began_and_wrote_nothing_is_free(tmp_path):
    (tmp_path / "log.txt").touch()
    require_free(JobDir(tmp_path), small_config())
