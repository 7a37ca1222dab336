import pytest
import torch

from r3gan.model.convolution import conv2d, input_gradients_only, transposed_conv2d


@pytest.mark.parametrize(("kernel", "groups"), [(1, 1), (1, 2), (3, 1), (3, 2)])
def test_first_and_second_gradients_equal_finite_differences(kernel, groups):
    torch.manual_seed(0)
    x = torch.randn(2, 4, 5, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, 4 // groups, kernel, kernel, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(6, dtype=torch.float64, requires_grad=True)
    expected = torch.nn.functional.conv2d(x, weight, bias, padding=kernel // 2, groups=groups)
    assert torch.allclose(conv2d(x, weight, bias, groups), expected)
    assert torch.autograd.gradcheck(lambda *inputs: conv2d(*inputs, groups), (x, weight, bias))
    assert torch.autograd.gradgradcheck(lambda *inputs: conv2d(*inputs, groups), (x, weight, bias))


@pytest.mark.parametrize("groups", [1, 2])
def test_stride_2_halves_the_size_and_its_transpose_doubles_it_with_right_gradients(groups):
    torch.manual_seed(0)
    x = torch.randn(2, 4, 6, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, 4 // groups, 4, 4, dtype=torch.float64, requires_grad=True)
    expected = torch.nn.functional.conv2d(x, weight, stride=2, padding=1, groups=groups)
    assert expected.shape == (2, 6, 3, 3)
    assert torch.allclose(conv2d(x, weight, None, groups, 2), expected)
    for check in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
        assert check(lambda *inputs: conv2d(*inputs, None, groups, 2), (x, weight), fast_mode=True)
    if groups > 1:
        return
    y = torch.randn(2, 6, 3, 3, dtype=torch.float64, requires_grad=True)
    spread = torch.nn.functional.conv_transpose2d(y, weight, stride=2, padding=1)
    assert torch.allclose(transposed_conv2d(y, weight, 2), spread)
    assert (spread * x).sum().item() == pytest.approx((expected * y).sum().item())
    for check in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
        assert check(lambda *inputs: transposed_conv2d(*inputs, 2), (y, weight), fast_mode=True)


def test_weight_gradients_are_skipped_only_within_the_context():
    x, weight = torch.randn(1, 2, 3, 3, requires_grad=True), torch.randn(2, 2, 1, 1, requires_grad=True)
    with input_gradients_only():
        conv2d(x, weight, None, 1).sum().backward()
    assert weight.grad is None
    assert x.grad is not None
    conv2d(x, weight, None, 1).sum().backward()
    assert weight.grad is not None
