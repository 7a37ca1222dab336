"""What the dry run says of a choice and of what it costs."""

from dataclasses import replace

from experiments.launch.plan_tables import cost_text
from r3gan.training.cost import Cost

BASELINE = Cost(
    generator_parameters=1000,
    discriminator_parameters=1000,
    flops_per_image=2e6,
    memory_bytes=10**6,
    micro_batch=4,
    double_backward=False,
)


def test_a_cost_is_told_beside_the_baselines():
    cost = replace(BASELINE, generator_parameters=900, flops_per_image=3e6, double_backward=True)
    assert cost_text(cost, BASELINE) == (
        "G 900 and D 1 k weights (−5.0%), 3 MFLOP per image (+50.0%), 1 MB of memory with 4 pairs at once, "
        "R1 and R2 by double backward"
    )


def test_the_baselines_own_cost_has_no_differences():
    assert cost_text(BASELINE, BASELINE) == cost_text(BASELINE)
    assert "%" not in cost_text(BASELINE)
