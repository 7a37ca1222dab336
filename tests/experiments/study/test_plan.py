import itertools
import json
import re
from dataclasses import asdict

import pytest

from experiments.origin import Origin, content_hash
from experiments.study.plan import job_as_json, job_from_json, make_plan, with_seeds
from experiments.study.plan_checks import derived_presets, run_problems
from experiments.study.problems import StudyError
from experiments.study.study import read_study
from r3gan.config import LossPhase, Schedule, TrainConfig
from r3gan.config_json import from_dict
from r3gan.data.catalog import DATASETS
from r3gan.data.facts import Facts
from r3gan.model.networks import Generator
from r3gan.snapshot import save_weights
from tests.r3gan.small import small_config, small_network


def plan(path, profile=None, only=None, **settings):
    return make_plan(read_study(path), profile, only or {}, settings).jobs


def test_the_plan_is_every_dataset_variant_and_seed(write_study):
    jobs = plan(write_study())
    assert [(job.variant, job.seed) for job in jobs] == list(
        itertools.product(["baseline", "attention", "switch", "both"], [0, 1])
    )
    assert all(job.config.seed == job.seed and job.config.dataset == "stacked-digits" for job in jobs)


def test_a_variant_is_the_baseline_and_its_difference(write_study):
    jobs = {job.variant: job for job in plan(write_study()) if job.seed == 0}
    baseline, both = jobs["baseline"], jobs["both"]
    assert baseline.config.batch_size == 8
    assert baseline.config.network.widths == (16, 8)
    assert baseline.config.total_kimg == 0.16
    assert both.config.network.attention.resolutions == (8,)
    assert both.config.loss == (LossPhase(), LossPhase("relativistic-hinge", margin=2.0, from_fraction=0.5))
    assert baseline.differences == {}
    assert both.differences == jobs["attention"].differences | jobs["switch"].differences
    assert both.differences == {
        "network.attention.resolutions": [8],
        "loss.1.kind": "relativistic-hinge",
        "loss.1.margin": 2.0,
        "loss.1.from_fraction": 0.5,
    }


def test_layers_win_in_their_order(write_study):
    path = write_study(
        ("  batch_size: 8\n", "  batch_size: 8\n  x_flip: true\n"), ("log_every_kimg: 0.08", "x_flip: false")
    )
    assert not plan(path)[0].config.x_flip  # the profile over the baseline section
    assert plan(path, x_flip=True)[0].config.x_flip  # the command line over all


def test_a_schedule_given_as_a_number_is_constant(write_study):
    path = write_study(("  batch_size: 8\n", "  batch_size: 8\n  schedules: {gamma: 5, lr: {start: 0.1, end: 0.1}}\n"))
    config = plan(path)[0].config
    assert config.schedules.gamma == Schedule(5, 5)
    assert config.schedules.lr.start == 0.1
    assert plan(path, **{"schedules.gamma": 7})[0].config.schedules.gamma == Schedule(7, 7)


def test_a_number_over_a_schedule_takes_the_place_of_its_shape_too(write_study):
    falling = "{start: 5, end: 0, decay_img: 80, shape: inverse-sqrt}"
    path = write_study(("  batch_size: 8\n", f"  batch_size: 8\n  schedules: {{gamma: {falling}}}\n"))
    assert plan(path)[0].config.schedules.gamma == Schedule(5, 0, 80, shape="inverse-sqrt")
    assert plan(path, **{"schedules.gamma": 7})[0].config.schedules.gamma == Schedule(7, 7)


def test_an_unknown_shape_is_named_with_its_line_and_those_that_there_are(write_study):
    path = write_study(("  batch_size: 8\n", "  batch_size: 8\n  schedules: {gamma: {shape: inverse-root}}\n"))
    with pytest.raises(StudyError, match=r"schedules.gamma.shape.*inverse-sqrt"):
        plan(path)


def test_a_preset_is_derived_for_another_resolution_and_shown(write_study):
    preset = "preset: {like: ffhq64, resolution: 128}"
    study = read_study(
        write_study(("preset: digits-8x8", preset), ("    network: {widths: [16, 8], groups: [4, 2]}\n", ""))
    )
    jobs = make_plan(study, None, {"variant": ["baseline"]}, {}).jobs
    config = jobs[0].config
    assert config.network.widths == (768, 768, 768, 768, 384, 192)
    assert (config.network.resolution, config.network.bf16_stages) == (128, 4)
    assert (config.schedules.gamma.start, config.schedules.gamma.end) == (17.3, 1.73)
    (line,) = derived_presets(study, jobs)
    assert line.startswith(
        "stacked-digits: the preset is derived, like ffhq64 at 128x128: widths 768 768 768 768 384 192,"
    )
    assert "gamma 17.3 to 1.73, bfloat16 in 4 of 6 stages" in line


def test_a_variant_that_begins_with_weights_carries_their_hash_and_not_its_path_in_its_identity(write_study, tmp_path):
    identities = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        save_weights(Generator(small_network()), tmp_path / folder / "ema.safetensors", small_config(), 8)
        tuned = f"  fine: {{init_from: {tmp_path / folder}}}\n  switch:"
        job = plan(write_study(("  switch:", tuned)), only={"variant": ["fine"]})[0]
        assert job.differences == {"init_from": str(tmp_path / folder), "init_content": job.config.init_content}
        identities.append(job.identity)
    assert identities[0] == identities[1] != plan(write_study())[0].identity


def test_a_preset_of_another_resolution_than_the_data_is_told_with_the_text_to_write(write_study):
    replaced = ("    network: {widths: [16, 8], groups: [4, 2]}\n", "")
    study = read_study(write_study(("preset: digits-8x8", "preset: cifar10"), replaced))
    (problem,) = run_problems(study, make_plan(study, None, {"variant": ["baseline"]}, {}).jobs, 1)
    assert "32x32 images; stacked-digits has 8x8" in problem.message
    text = re.search(r"write `(.*)`$", problem.message)[1]
    study = read_study(write_study(("preset: digits-8x8", text), replaced))
    assert run_problems(study, make_plan(study, None, {"variant": ["baseline"]}, {}).jobs, 1) == []


def test_a_set_larger_than_presets_are_derived_for_is_told_the_other_way_out(write_study, monkeypatch):
    monkeypatch.setitem(DATASETS, "stacked-digits", DATASETS["stacked-digits"]._replace(facts=Facts(2048, 1000)))
    study = read_study(write_study())
    problems = run_problems(study, make_plan(study, None, {}, {}).jobs, 1)
    assert all("up to 1024x1024: reduce the images with `data prepare --resolution`" in p.message for p in problems)
    assert problems


def test_the_command_line_reaches_into_lists(write_study):
    jobs = plan(write_study(), only={"variant": ["switch"]}, **{"loss.0.margin": 3.0})
    assert jobs[0].config.loss[0].margin == 3.0
    assert jobs[0].config.loss[1].margin == 2.0


def test_identity_depends_on_the_result_and_on_nothing_else(write_study):
    jobs = plan(write_study())
    identities = [job.identity for job in jobs]
    assert len(set(identities)) == len(jobs)
    assert identities == [job.identity for job in plan(write_study())]
    assert identities == [job.identity for job in plan(write_study(), checkpoint_every_kimg=3.0)]
    assert identities == [job.identity for job in plan(write_study(("study: tiny", "study: other")))]
    assert identities == [job.identity for job in plan(write_study(("total_kimg: 0.16", "total_kimg: 0.160")))]
    assert not set(identities) & {job.identity for job in plan(write_study(), total_kimg=1)}


def test_seeds_share_the_configuration_and_all_share_the_comparison(write_study):
    jobs = plan(write_study())
    assert jobs[0].configuration == jobs[1].configuration != jobs[2].configuration
    assert {job.comparison for job in jobs} == {jobs[0].configuration}
    only = plan(write_study(), only={"variant": ["both"], "seed": ["1"]})
    assert [job.identity for job in only] == [jobs[-1].identity]
    assert only[0].comparison == jobs[0].comparison


def test_a_job_says_which_file_it_comes_from_and_what_the_command_changed(write_study):
    path = write_study()
    job = plan(path, total_kimg=7)[0]
    assert job.origin == Origin(file=str(path), content=content_hash(path.read_text()), settings={"total_kimg": 7})
    data = json.loads(json.dumps(job_as_json(job)))
    config = data.pop("config")
    assert job_from_json(data, config).origin == job.origin
    del data["origin"]
    assert job_from_json(data, config).origin == Origin(), "of an earlier version"
    path.write_text(path.read_text() + "# changed\n")
    assert plan(path)[0].origin.content != job.origin.content


def test_a_job_as_json_is_its_whole_configuration(write_study):
    job = plan(write_study())[-1]
    data = json.loads(json.dumps(job_as_json(job)))
    assert data["identity"] == job.identity
    assert from_dict(TrainConfig, data["config"]) == job.config
    assert data["config"] == json.loads(json.dumps(asdict(job.config)))


# Every entry: replacements in the study, the text of the line to blame, and what the message must hold.
BAD = {
    "unknown key": ([("batch_size", "bach_size")], "bach_size", ["baseline.bach_size", "did you mean batch_size"]),
    "unknown nested key": (
        [("attention: {resolutions", "atention: {resolutions")],
        "atention: {res",
        ["variants.attention.network.atention", "did you mean attention"],
    ),
    "wrong type": ([("batch_size: 8", "batch_size: eight")], "eight", ["baseline.batch_size", "'eight'", "integer"]),
    "wrong choice": (
        [("kind: relativistic-hinge", "kind: relativistic-hing")],
        "hing,",
        ["loss.1.kind", "did you mean relativistic-hinge"],
    ),
    "attention where the network has no such resolution": (
        [("resolutions: [8]", "resolutions: [16]")],
        "[16]",
        ["network.attention.resolutions.0", "16 is not a resolution", "4, 8"],
    ),
    "switch after the end": (
        [("from_fraction: 0.5", "from_kimg: 7")],
        "from_kimg",
        ["loss.1.from_kimg", "7 kimg", "0.16 kimg"],
    ),
    "unknown included variant": ([("[attention, switch]", "[atention]")], "include", ["did you mean attention"]),
    "variant that includes itself": ([("[attention, switch]", "[both]")], "include", ["includes itself"]),
    "unknown preset": ([("preset: digits-8x8", "preset: digits")], "preset", ["did you mean digits-8x8"]),
    "unknown preset to derive from": (
        [("preset: digits-8x8", "preset: {like: digits, resolution: 8}")],
        "preset",
        ["preset.like", "did you mean digits-8x8"],
    ),
    "resolution that no network makes": (
        [("preset: digits-8x8", "preset: {like: digits-8x8, resolution: 96}")],
        "preset",
        ["preset.resolution", "4, 8, 16", "1024, not 96"],
    ),
    "unknown key of a preset": (
        [("preset: digits-8x8", "preset: {like: digits-8x8, size: 96}")],
        "preset",
        ["preset.size", "like, resolution"],
    ),
    "number for a preset": ([("preset: digits-8x8", "preset: 64")], "preset", ["a number", '"64"']),
    "weights that are not there": (
        [("batch_size: 8", "batch_size: 8\n  init_from: gone")],
        "init_from",
        ["baseline.init_from", "gone does not exist"],
    ),
    "unknown dataset in a profile": ([("[stacked-digits]", "[digits]")], "[digits]", ["profiles.quick.datasets.0"]),
    "unknown default profile": ([("profile: quick", "profile: quik")], "profile: quik", ["did you mean quick"]),
    "unknown section": ([("baseline:", "base:")], "base:", ["did you mean baseline"]),
    "seed given twice": ([("seeds: [0, 1]", "seeds: [1, 1]")], "seeds: [1, 1]", ["distinct"]),
    "a seed beyond the last one": (
        [("seeds: [0, 1]", "seeds: [0, 9223372036854775809]")],
        "seeds: [0, 9223372036854775809]",
        ["9223372036854775809 must be from 0 to 9223372036854775808"],
    ),
    "seeds that are no list": ([("seeds: [0, 1]", "seeds: 3")], "seeds: 3", ["seeds", "list"]),
    "seed among the configuration": ([("batch_size: 8", "seed: 8")], "seed: 8", ["baseline.seed", "seeds"]),
    "twin of the baseline in all that counts": (
        [("  switch:", "  twin: {checkpoint_every_kimg: 3.0}\n  switch:")],
        "twin:",
        ["the same as baseline"],
    ),
    "variant measured otherwise": (
        [("  switch:", "  samples: {evaluation: {samples: 1001}}\n  switch:")],
        "samples: {eval",
        ["could not be compared"],
    ),
    "date for a number": ([("batch_size: 8", "batch_size: 2026-01-01")], "2026-01-01", ["'2026-01-01'", "integer"]),
    "half a schedule": (
        [("  batch_size: 8\n", "  batch_size: 8\n  schedules: {gamma: {start: 3}}\n")],
        "{start: 3}",
        ["schedules.gamma", "decay_img"],
    ),
    "switch at the last image": (
        [("from_fraction: 0.5", "from_kimg: 0.159")],
        "from_kimg",
        ["0.159 kimg", "0.16 kimg"],
    ),
    "twin of another variant": ([("[attention, switch]", "[attention]")], "both:", ["the same as attention"]),
    "baseline among the variants": ([("  switch:", "  baseline:"), (", switch]", "]")], "  baseline:", ["of its own"]),
    "number below its range": ([("batch_size: 8", "batch_size: -8")], "batch_size: -8", ["-8 must be from 1"]),
    "name that cannot be a folder": ([("study: tiny", "study: ../tiny")], "study:", ["letters"]),
    "name with a tab": (
        [("  switch:", '  "swi\\tch":'), (", switch]", "]")],
        "swi",
        [r"variants.'swi\tch'", "letters"],
    ),
    "name too long for a folder": (
        [("  switch:", f"  {'s' * 330}:"), (", switch]", "]")],
        "sss",
        ["a name of 330 characters", "200 at most"],
    ),
    "number for a name": ([("  switch:", "  1:")], "  1:", ["variants.1", 'write it in quotes, "1"']),
    "number with a point for a name": ([("  stacked-digits:", "  1.5:")], "1.5", ["datasets.1.5", '"1.5"']),
    "date for a name": ([("  quick:", "  2024-01-01:")], "01-01", ["profiles.2024-01-01", "a date", '"2024-01-01"']),
    "boolean for a name": ([("  switch:", "  true:")], "  true:", ["variants.true", '"true"']),
    "nothing for a name": ([("  switch:", "  null:")], "  null:", ["variants.null", '"null"']),
    "number for a section": ([("variants:", "7: {}\nvariants:")], "7: {}", ["7", "a number", '"7"']),
    "number among names": ([("[attention, switch]", "[attention, 3]")], "[attention, 3]", ["include.1", '"3"']),
    "number for the study's name": ([("study: tiny", "study: 2024")], "study:", ["a number", '"2024"']),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_told_with_file_line_key_and_way_out(case, write_study, line_of):
    replacements, blamed, parts = BAD[case]
    path = write_study(*replacements)
    with pytest.raises(StudyError) as caught:
        plan(path)
    where = f"{path}:{line_of(path, blamed)}"
    messages = [str(problem) for problem in caught.value.problems]
    assert any(message.startswith(where) and all(part in message for part in parts) for message in messages), messages


# Each is one mistake, although other parts of the file refer to the section that it spoils.
ALONE = {
    "a variant that is no mapping": [("  switch:\n    loss:", "  switch: 5\n  other:\n    loss:")],
    "a profile without datasets": [("    datasets: [stacked-digits]\n", "")],
    "a bad seed in the profile": [("    total_kimg", "    seeds: [zero]\n    total_kimg")],
    "a dataset without a preset": [("    preset: digits-8x8\n", "")],
    "a name to be quoted among names": [("[attention, switch]", "[attention, 3]")],
    "a name to be quoted": [("  attention:\n", "  1:\n")],
}


@pytest.mark.parametrize("case", ALONE)
def test_names_of_sections_in_which_something_is_wrong_are_not_said_to_be_unknown(case, write_study):
    with pytest.raises(StudyError) as caught:
        plan(write_study(*ALONE[case]))
    assert "unknown" not in str(caught.value)


def test_of_a_section_that_is_none_nothing_else_is_said(write_study, line_of):
    path = write_study(("profiles:\n", "profiles: 5\nother:\n"))
    with pytest.raises(StudyError) as caught:
        plan(path)
    (first, second) = caught.value.problems
    assert str(first) == f"{path}:{line_of(path, 'profiles: 5')}: profiles: a mapping of keys was expected, not 5"
    assert "unknown key other" in str(second)


def test_words_that_only_older_yaml_takes_for_booleans_are_names(write_study):
    path = write_study(("  switch:", "  off:"), ("  attention:", "  no:"), ("[attention, switch]", "[no, off]"))
    assert [job.variant for job in plan(path, only={"seed": ["0"]})] == ["baseline", "no", "off", "both"]


def test_a_name_as_long_as_allowed_is_a_folder_with_all_that_is_added(write_study, tmp_path):
    path = write_study(("  both:", f"  {'b' * 200}:"))
    (job,) = plan(path, only={"variant": ["b" * 200], "seed": ["0"]})
    job.directory(tmp_path).mkdir(parents=True)
    (tmp_path / f"{job.variant}-seed{2**63}-{job.identity}").mkdir()  # as a search calls it


def test_all_mistakes_are_told_at_once(write_study):
    path = write_study(("batch_size: 8", "bach_size: 8"), ("margin: 2.0", "margin: no"), ("[8]", "[16]"))
    with pytest.raises(StudyError) as caught:
        plan(path)
    text = str(caught.value)
    assert "bach_size" in text
    assert "loss.1.margin" in text
    assert "16 is not a resolution" in text  # a mistake of another kind than the other two
    path = write_study(("baseline:\n", "extra: 1\nbaseline:\n"), ("[attention, switch]", "[atention]"))
    with pytest.raises(StudyError) as caught:
        plan(path)
    assert "unknown key extra" in str(caught.value)
    assert "did you mean attention" in str(caught.value)
    path = write_study(("from_fraction: 0.5", "from_kimg: 7"), ("[8]", "[16]"))
    with pytest.raises(StudyError) as caught:
        plan(path)
    assert len(caught.value.problems) == 2


def test_mistakes_in_profiles_that_do_not_run_are_told_too(write_study):
    path = write_study(("profiles:\n", "profiles:\n  big: {datasets: [stacked-digits], total_kimg: -1}\n"))
    with pytest.raises(StudyError, match=r"profiles.big.total_kimg: -1 must be above 0"):
        plan(path)


def test_included_variants_may_not_contradict_each_other(write_study):
    heads = "  heads: {network: {attention: {resolutions: [4]}}}\n"
    path = write_study(("variants:\n", f"variants:\n{heads}"), ("[attention, switch]", "[attention, heads]"))
    with pytest.raises(StudyError, match=r"attention and heads set network.attention.resolutions differently"):
        plan(path)
    numbers = "  a: {schedules: {gamma: 4}}\n  b: {schedules: {gamma: {start: 8, end: 2, decay_img: 50}}}\n"
    path = write_study(("variants:\n", f"variants:\n{numbers}"), ("[attention, switch]", "[a, b]"))
    with pytest.raises(StudyError, match=r"a and b set schedules.gamma.start differently"):
        plan(path)
    lists = "  a: {loss: [{kind: relativistic-hinge}]}\n"
    path = write_study(("variants:\n", f"variants:\n{lists}"), ("[attention, switch]", "[a, switch]\n    x_flip: true"))
    with pytest.raises(StudyError, match=r"a and switch set loss differently"):
        plan(path)
    solved = write_study(
        ("variants:\n", f"variants:\n{heads}"),
        ("[attention, switch]", "[attention, heads]\n    network: {attention: {resolutions: [4, 8]}}"),
    )
    assert plan(solved)[-1].config.network.attention.resolutions == (4, 8)


@pytest.mark.parametrize(
    ("only", "settings", "parts"),
    [
        ({"variant": ["atention"]}, {}, ["--only", "did you mean attention"]),
        ({"seed": ["7"]}, {}, ["--only", "no seed 7, only 0, 1", "--seeds runs others"]),
        ({}, {"lr": 3}, ["--set: lr", "did you mean schedules.lr?"]),
        ({}, {"margin": 3}, ["--set: margin", "did you mean loss.0.margin?"]),
        ({}, {"start": 3}, ["--set: start", "unknown key start; valid: "]),  # of which schedule, nobody knows
        ({}, {"total_kimgs": 3}, ["--set: total_kimgs", "did you mean total_kimg"]),
        ({}, {"loss.4.margin": 3}, ["--set: loss.4.margin", "list of"]),
        ({}, {"seed": 3}, ["--set: seed"]),
        ({}, {"batch_size": "x"}, ["--set: batch_size", "integer"]),
    ],
)
def test_mistakes_on_the_command_line_are_told(only, settings, parts, write_study):
    with pytest.raises(StudyError) as caught:
        plan(write_study(), only=only, **settings)
    assert all(part in str(caught.value) for part in parts)


@pytest.mark.parametrize("key", ["name", "sed", "datasett"])
def test_what_cannot_be_set_is_not_among_the_known_keys(key, write_study):
    with pytest.raises(StudyError) as caught:
        plan(write_study(), **{key: 3})
    message = str(caught.value)
    assert "valid: total_kimg, batch_size, " in message
    assert not {"seed", "seed?", "seed,", "dataset", "dataset?", "dataset,"} & set(message.split())


def test_other_seeds_take_the_place_of_those_of_the_profile_that_runs(write_study):
    path = write_study(("profiles:\n", "profiles:\n  other: {datasets: [stacked-digits], total_kimg: 1}\n"))
    study = read_study(path)
    for profile in (None, "quick"):
        changed = with_seeds(study, profile, [3, 7])
        assert [job.seed for job in make_plan(changed, profile, {"variant": ["both"]}, {}).jobs] == [3, 7]
        assert changed.profiles["other"] == study.profiles["other"]
    before = {job.configuration for job in make_plan(study, None, {}, {}).jobs}
    assert {job.configuration for job in make_plan(changed, None, {}, {}).jobs} == before
    with pytest.raises(StudyError, match="did you mean quick"):
        make_plan(with_seeds(study, "quik", [1]), "quik", {}, {})


def test_a_dataset_that_nobody_knows_fails_clearly_but_only_where_it_runs(write_study, line_of):
    path = write_study(
        ("datasets:\n  stacked", "datasets:\n  cifar01: {preset: cifar10}\n  stacked"),
        ("profiles:\n", "profiles:\n  full: {datasets: [cifar01]}\n"),
    )
    study = read_study(path)
    assert run_problems(study, make_plan(study, "quick", {}, {}).jobs, 1) == []
    problems = run_problems(study, make_plan(study, "full", {}, {}).jobs, 1)
    assert problems[0].where == f"{path}:{line_of(path, 'cifar01: {')}"
    assert "cifar01 is unknown; did you mean cifar10?" in problems[0].message


@pytest.mark.parametrize(
    ("text", "part"),
    [("a: [", "study.yaml:"), ("- 1", "mapping"), ("", "mapping"), ("a: 1\na: 2", "duplicate key"), ("\tx: 1", ":1")],
)
def test_a_file_that_is_no_study_is_one_clear_error(tmp_path, text, part):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(StudyError, match=part):
        read_study(path)


def test_a_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(StudyError, match=r"cannot be read"):
        read_study(tmp_path / "none.yaml")


def test_the_repositorys_study_holds_the_four_variants_and_the_papers_grid():
    study = read_study("ablations.yaml")
    quick = make_plan(study, None, {}, {}).jobs
    assert [(job.dataset, job.variant, job.seed) for job in quick] == [
        ("stacked-digits", variant, seed)
        for variant in ("baseline", "attention", "switch-loss", "both")
        for seed in (0, 1, 2)
    ]
    full = make_plan(study, "full", {}, {}).jobs
    grid = {job.dataset: job.config for job in full}
    assert set(grid) == {"stacked-mnist", "cifar10", "ffhq64", "ffhq256", "imagenet32", "imagenet64"}
    assert (grid["imagenet64"].batch_size, grid["ffhq256"].schedules.gamma.start) == (4096, 150)


def test_a_batch_that_the_ranks_cannot_share_is_told_before_anything_starts(write_study):
    study = read_study(write_study())
    jobs = make_plan(study, None, {}, {}).jobs
    assert run_problems(study, jobs, 4) == []
    assert "3 ranks cannot share the batch_size 8" in str(run_problems(study, jobs, 3)[0])


def test_a_number_that_python_does_not_read_is_told_in_a_sentence(write_study):
    with pytest.raises(StudyError) as caught:
        plan(write_study(("  batch_size: 8\n", f"  batch_size: {'9' * 5000}\n")))
    assert re.search(r"study.yaml:4: not valid YAML: .*value has 5000 digits$", str(caught.value))
