import copy

import pytest
import torch

from r3gan.training.adam import Adam

STEPS = ((3e-3, 0.9), (1e-3, 0.95), (1e-4, 0.99))  # lr, beta2


def parameters():
    """The last one never gets a gradient."""
    draws = torch.Generator().manual_seed(0)
    shapes = ((3,), (8, 4, 3, 3), (5, 2), (2,))
    values = [torch.randn(shape, generator=draws) for shape in shapes]
    values[1] = values[1].contiguous(memory_format=torch.channels_last)
    return [torch.nn.Parameter(value) for value in values]


def give_gradients(ours, step):
    draws = torch.Generator().manual_seed(step)
    for parameter in ours[:-1]:
        parameter.grad = torch.empty_like(parameter).copy_(torch.randn(parameter.shape, generator=draws))


def library_steps(theirs, optimiser, steps):
    for step, (lr, beta2) in steps:
        give_gradients(theirs, step)
        optimiser.param_groups[0].update(lr=lr, betas=(0.0, beta2))
        optimiser.step()


def our_steps(ours, optimiser, steps):
    for step, (lr, beta2) in steps:
        give_gradients(ours, step)
        optimiser.lr, optimiser.beta2 = lr, beta2
        optimiser.step()


def assert_equal(ours, theirs):
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_steps_and_moments_are_the_librarys_bit_for_bit():
    ours, theirs, steps = parameters(), parameters(), list(enumerate(STEPS))
    adam, library = Adam(ours), torch.optim.Adam(theirs, eps=1e-8, fused=True)
    our_steps(ours, adam, steps)
    library_steps(theirs, library, steps)
    assert_equal(ours, theirs)
    assert not torch.equal(ours[0], parameters()[0])
    saved, expected = adam.state_dict()["state"], library.state_dict()["state"]
    assert saved.keys() == expected.keys() == {0, 1, 2}
    for place, moments in expected.items():
        assert moments.keys() == saved[place].keys()
        assert all(torch.equal(saved[place][name], value) for name, value in moments.items())
        assert saved[place]["exp_avg_sq"].stride() == ours[place].stride()


def test_training_goes_on_from_moments_that_the_library_saved():
    ours, theirs, steps = parameters(), parameters(), list(enumerate(STEPS))
    library = torch.optim.Adam(theirs, eps=1e-8, fused=True)
    library_steps(theirs, library, steps[:2])
    for mine, value in zip(ours, theirs, strict=True):
        mine.data.copy_(value)
    adam = Adam(ours)
    adam.load_state_dict(copy.deepcopy(library.state_dict()))
    our_steps(ours, adam, steps[2:])
    library_steps(theirs, library, steps[2:])
    assert_equal(ours, theirs)


def test_moments_of_other_parameters_are_refused():
    adam = Adam(parameters())
    our_steps(adam.parameters, adam, list(enumerate(STEPS)))
    with pytest.raises(ValueError, match="moments of parameter 0 are not of its shape"):
        Adam(parameters()[1:]).load_state_dict(adam.state_dict())
