"""Attention along rows and columns, and with positions."""

import pytest
import torch

from r3gan.config import AttentionConfig
from r3gan.model.attention import SelfAttention
from r3gan.model.networks import Discriminator, Generator
from r3gan.tables.attentions import ATTENTIONS
from tests.r3gan.small import small_network

DOUBLE = torch.float64


def block(**options):
    torch.manual_seed(0)
    made = SelfAttention(4, 2, twice_differentiable=True, **options).double()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    return made


@pytest.mark.parametrize("along", ["rows", "columns"])
def test_axial_attention_is_full_attention_of_every_row_or_column_by_itself(along):
    full, axial = block(), block(along=along)
    axial.load_state_dict(full.state_dict())
    x = torch.randn(2, 4, 3, 5, dtype=DOUBLE)
    lines = x.unbind(2 if along == "rows" else 3)
    dim = 2 if along == "rows" else 3
    expected = torch.cat([full(line.unsqueeze(dim)) for line in lines], dim=dim)
    assert torch.allclose(axial(x), expected)


def test_axial_blocks_together_reach_every_position_and_one_alone_does_not():
    x = torch.randn(1, 4, 4, 4, dtype=DOUBLE, requires_grad=True)
    columns, rows = block(along="columns"), block(along="rows")
    (alone,) = torch.autograd.grad(rows(x)[0, 0, 0, 0], x)
    (together,) = torch.autograd.grad(rows(columns(x))[0, 0, 0, 0], x)
    assert (alone.abs().sum((0, 1)) > 0).sum() == 4
    assert (together.abs().sum((0, 1)) > 0).all()


def test_the_network_has_a_block_for_each_axis_where_it_is_asked_for():
    for kind, row in ATTENTIONS.items():
        config = small_network(attention=AttentionConfig(resolutions=(8,), kind=kind))
        for network in (Generator(config), Discriminator(config)):
            found = [module for module in network.modules() if isinstance(module, SelfAttention)]
            assert [module.attend.along for module in found] == list(row.along)


def test_attention_without_positions_does_not_see_where_and_with_them_it_does():
    x = torch.randn(2, 4, 3, 3, dtype=DOUBLE)
    turned = x.flip(3)
    plain, placed = block(), block(size=3)
    assert torch.allclose(plain(turned), plain(x).flip(3))
    assert not torch.allclose(placed(turned), placed(x).flip(3))


def test_positions_start_at_zero_which_is_attention_without_them():
    plain, placed = block(), SelfAttention(4, 2, twice_differentiable=True, size=3).double()
    placed.load_state_dict(plain.state_dict() | {"position.offset": placed.position.offset})
    x = torch.randn(2, 4, 3, 3, dtype=DOUBLE)
    assert torch.equal(placed(x), plain(x))
