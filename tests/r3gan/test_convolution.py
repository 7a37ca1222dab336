import pytest
import torch

from r3gan.convolution import conv2d, input_gradients_only


@pytest.mark.parametrize(("kernel", "padding", "groups"), [(1, 0, 1), (3, 1, 1), (3, 1, 2), (4, 0, 4)])
def test_first_and_second_gradients_equal_finite_differences(kernel, padding, groups):
    torch.manual_seed(0)
    x = torch.randn(2, 4, 5, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 4 // groups, kernel, kernel, dtype=torch.float64, requires_grad=True)
    inputs = (x, weight)
    assert torch.equal(
        conv2d(x, weight, padding, groups), torch.nn.functional.conv2d(x, weight, padding=padding, groups=groups)
    )
    assert torch.autograd.gradcheck(lambda a, b: conv2d(a, b, padding, groups), inputs)
    assert torch.autograd.gradgradcheck(lambda a, b: conv2d(a, b, padding, groups), inputs)


def test_weight_gradients_are_skipped_only_within_the_context():
    x, weight = torch.randn(1, 2, 3, 3, requires_grad=True), torch.randn(2, 2, 1, 1, requires_grad=True)
    with input_gradients_only():
        conv2d(x, weight, 0, 1).sum().backward()
    assert weight.grad is None
    assert x.grad is not None
    conv2d(x, weight, 0, 1).sum().backward()
    assert weight.grad is not None
