"""What a study asks of a machine: read with the file, checked, no part of any identity."""

import re

import pytest

from experiments.cluster.submit import parameters
from experiments.launch.execution import Execution
from experiments.study.execution_section import Resources
from experiments.study.plan import make_plan
from experiments.study.problems import StudyError
from experiments.study.study import read_study


def with_execution(write_study, text):
    return write_study(("study: tiny\n", f"study: tiny\nexecution: {text}\n"))


def test_the_section_changes_no_identity(write_study):
    plain = [job.identity for job in make_plan(read_study(write_study()), None, {}, {}).jobs]
    study = read_study(with_execution(write_study, "{gpus: 4, nodes: 2, hours: 0.5, partition: fast}"))
    assert study.execution == Resources(gpus=4, nodes=2, hours=0.5, partition="fast")
    assert [job.identity for job in make_plan(study, None, {}, {}).jobs] == plain


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{gpu: 1}", r"study.yaml:2: execution.gpu: unknown key gpu; did you mean gpus\?"),
        ("{gpus: -1}", r"study.yaml:2: execution.gpus: .*greater than or equal to 0"),
        ("{gpus: 3, nodes: 2}", r"study.yaml:2: execution.gpus: 3 GPUs cannot be shared among 2 nodes evenly"),
        ("{hours: 0.01}", r"study.yaml:2: execution.notice_seconds: 120 s are no notice within 0.01 h"),
        ("{directives: {array: 0-5}}", r"study.yaml:2: execution.directives.array: belongs to the launcher"),
        ("{directives: {cpus_per_task: 5}}", r"study.yaml:2: execution.directives.cpus_per_task: cpus says this"),
        ("{hours: '4:00'}", r"study.yaml:2: execution.hours: "),
        ("{gpus: 1000000000, nodes: 3}", r"study.yaml:2: execution.gpus: 1000000000 is not .*equal to 100000"),
        ("{nodes: 1000000000}", r"study.yaml:2: execution.nodes: 1000000000 is not .*equal to 100000"),
        ("{hours: 1.0e+9}", r"study.yaml:2: execution.hours: 1000000000.0 is not .*equal to 8766"),
        ("{hours: .inf}", r"study.yaml:2: execution.hours: inf is not .*equal to 8766"),
        ("{memory_gb: .nan}", r"study.yaml:2: execution.memory_gb: nan is not .*equal to 1000000"),
        ("{cpus: 99999999999999999999}", r"study.yaml:2: execution.cpus: 9+ is not .*equal to 10000"),
        ("{at_once: 1000000000}", r"study.yaml:2: execution.at_once: 1000000000 is not .*equal to 1000000"),
        ("{notice_seconds: 1000000000}", r"study.yaml:2: execution.notice_seconds: 1000000000 is not "),
        ("{jobs_per_gpu: 0}", r"study.yaml:2: execution.jobs_per_gpu: .*greater than or equal to 1"),
    ],
)
def test_what_is_wrong_in_it_is_said_with_its_line(write_study, text, message):
    with pytest.raises(StudyError) as error:
        read_study(with_execution(write_study, text))
    (problem,) = error.value.problems
    assert re.search(message, str(problem))


def test_every_key_reaches_slurm_and_what_is_not_given_is_left_to_it():
    asked = Resources(
        gpus=8, nodes=2, cpus=6, memory_gb=1.5, hours=1.5, notice_seconds=60, at_once=10, partition="p", account="a",
        qos="q", constraint="c", directives={"exclusive": True, "mail-user": "me"}, setup=["module load cuda"],
    )  # fmt: skip
    assert parameters(Execution(ranks=8, resources=asked), ["5_0", "7"]) == {
        "time": 90, "nodes": 2, "ntasks_per_node": 1, "cpus_per_task": 24, "gpus_per_node": 4, "mem": "1536M",
        "partition": "p", "account": "a", "qos": "q", "constraint": "c", "signal_delay_s": 60, "array_parallelism": 10,
        "setup": ["module load cuda"], "additional_parameters": {"exclusive": True, "mail-user": "me"},
        "srun_args": ["--cpus-per-task=24"], "dependency": "afterany:5_0:7", "stderr_to_stdout": True,
    }  # fmt: skip
    assert set(parameters(Execution())) == {"time", "nodes", "ntasks_per_node", "signal_delay_s", "stderr_to_stdout"}
    assert set(Resources.model_fields) == {
        "gpus", "jobs_per_gpu", "nodes", "cpus", "memory_gb", "hours", "notice_seconds", "at_once", "partition",
        "account", "qos", "constraint", "directives", "setup",
    }  # fmt: skip
