import pytest

from r3gan.data.catalog import DATASETS
from r3gan.data.facts import Facts
from r3gan.preset_choice import PresetChoice
from r3gan.settings.problems import BadSettings
from r3gan.single.configuration import configuration, parse_preset, require_fit

DIGITS = PresetChoice("digits-8x8")


def problems(function, *arguments):
    with pytest.raises(BadSettings) as caught:
        function(*arguments)
    return [str(problem) for problem in caught.value.problems]


def test_settings_of_every_kind_reach_the_configuration_with_their_types():
    settings = ["batch_size=16", "x_flip=true", "network.widths=[16, 8]", "schedules.gamma=7", "loss.0.margin=2.0"]
    config = configuration("stacked-digits", DIGITS, settings, 5)
    assert (config.dataset, config.seed, config.batch_size, config.x_flip) == ("stacked-digits", 5, 16, True)
    assert config.network.widths == (16, 8)
    assert (config.schedules.gamma.start, config.schedules.gamma.end) == (7, 7)
    assert config.loss[0].margin == 2.0


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("bach_size=16", ["train: bach_size: ", "did you mean batch_size?"]),
        ("network.atention.heads=1", ["train: network.atention: ", "did you mean attention?"]),
        ("batch_size=eight", ["train: batch_size: ", "'eight' is not a valid integer"]),
        ("batch_size=0", ["train: batch_size: 0 must be from 1 to 1000000"]),
        ("loss.3.margin=1", ["train: loss.3.margin: 3 is not an entry of the list of 1"]),
        ("network.groups=[3, 8]", ["train: network.groups.0: 3 does not divide the 128 channels"]),
        ("seed=3", ["train: seed: is not a configuration key: use --seed"]),
        ("dataset=cifar10", ["train: dataset: is not a configuration key: use --data"]),
        ("lr=3", ["did you mean schedules.lr?"]),
    ],
)
def test_a_mistake_in_a_setting_is_told_with_the_key_and_the_way_out(setting, told):
    (message,) = problems(configuration, "stacked-digits", DIGITS, [setting], 0)
    assert [part for part in told if part not in message] == []


def test_all_mistakes_are_told_at_once():
    assert len(problems(configuration, "stacked-digits", DIGITS, ["bach_size=3", "x_flip=maybe"], 0)) == 2


def test_a_preset_is_a_name_or_derived_as_a_study_has_it():
    assert parse_preset("ffhq64") == PresetChoice("ffhq64")
    assert parse_preset("{like: ffhq64, resolution: 128}") == PresetChoice("ffhq64", 128)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ffhq46", "--preset: like: unknown preset ffhq46; did you mean ffhq64?"),
        ("{like: ffhq64, resolution: 96}", "--preset: resolution: networks make images of 4 times a power of two"),
        ("{like: ffhq64, size: 96}", "--preset: size: unknown key size"),
        ("{resolution: 64}", "--preset: like: is missing"),
        ("{like: ffhq64, resolution: big}", "--preset: resolution: 'big' is not a valid integer"),
        ("64", "--preset: like: YAML reads 64 as a number"),
        ("{like", "--preset: '{like' is not a YAML value"),
    ],
)
def test_a_preset_that_is_none_is_told(text, told):
    assert problems(parse_preset, text)[0].startswith(told)


def test_a_dataset_of_another_resolution_is_told_with_the_option_to_write():
    preset = PresetChoice("cifar10")
    (message,) = problems(require_fit, configuration("stacked-digits", preset, ["evaluation.metrics=[]"], 0), preset, 1)
    assert message.endswith("stacked-digits has 8x8: write `--preset '{like: cifar10, resolution: 8}'`")
    preset = parse_preset(message.rpartition("--preset '")[2].removesuffix("'`"))
    require_fit(configuration("stacked-digits", preset, ["evaluation.metrics=[]"], 0), preset, 1)


def test_labels_that_a_dataset_lacks_and_a_batch_that_gpus_cannot_share_are_told_together(monkeypatch):
    monkeypatch.setitem(DATASETS, "stacked-digits", DATASETS["stacked-digits"]._replace(facts=Facts(8, 0)))
    config = configuration("stacked-digits", DIGITS, ["network.conditional=true"], 0)
    assert problems(require_fit, config, DIGITS, 3) == [
        "--data: network.conditional: needs labels, and stacked-digits has none",
        "--gpus: 3 GPUs cannot share the batch_size 32 evenly",
    ]
