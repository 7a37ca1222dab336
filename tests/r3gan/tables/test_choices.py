from r3gan.tables.activations import ACTIVATIONS
from r3gan.tables.choices import CHOICES, REMARKS, remarks
from r3gan.tables.schedule_shapes import SCHEDULE_SHAPES


def test_a_changed_choice_is_told_with_its_rows_text_and_other_keys_with_nothing():
    differences = {"network.activation": "gelu", "total_kimg": 3.0, "network.activation_after_mix": "none"}
    assert remarks(differences.items()) == [
        f"network.activation gelu: {ACTIVATIONS['gelu'].text}",
        f"network.activation_after_mix none: {REMARKS['network.activation_after_mix=none']}",
    ]


def test_keys_of_numbers_are_told_whatever_their_value():
    differences = {"network.dropout": 0.3, "schedules.instance_noise.start": 0.1, "schedules.instance_noise.end": 0.0}
    assert remarks(differences.items()) == [
        f"network.dropout 0.3: {REMARKS['network.dropout']}",
        f"schedules.instance_noise.start 0.1: {REMARKS['schedules.instance_noise.start']}",
    ]


def test_the_shape_of_any_schedule_is_told():
    text = SCHEDULE_SHAPES["inverse-sqrt"].text
    told = remarks({"schedules.lr.shape": "inverse-sqrt", "schedules.lr.end": 0.0}.items())
    assert told == [f"schedules.lr.shape inverse-sqrt: {text}"]


def test_a_variant_in_float16_is_told_what_that_changes_and_costs_and_bfloat16_that_is_gone_with_nothing():
    differences = {"network.bf16_stages": 0, "network.fp16_stages": -1, "optimiser.loss_scale": 1024.0}
    of_stages, of_scale = remarks(differences.items())
    assert of_stages == f"network.fp16_stages -1: {REMARKS['network.fp16_stages']}"
    assert all(part in of_stages for part in ("float16", "half the memory", "scaled", "left out", "first order"))
    assert of_scale == f"optimiser.loss_scale 1024.0: {REMARKS['optimiser.loss_scale']}"


def test_every_choice_says_what_it_is():
    assert [name for table in CHOICES.values() for name, row in table.items() if not row.text] == []
