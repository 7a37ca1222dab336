import pytest
import torch

from r3gan.model.convolution import conv2d, input_gradient, input_gradients_only, transposed_conv2d


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


@pytest.mark.parametrize("small", [0, 2**20])
@pytest.mark.parametrize(("kernel", "groups"), [(1, 2), (3, 1), (3, 2), (3, 4)])
def test_the_input_gradient_is_the_transposed_convolution_by_either_call(kernel, groups, small, monkeypatch):
    monkeypatch.setattr("r3gan.model.convolution.SMALL", small)
    draws = torch.Generator().manual_seed(0)
    dy = torch.randn(2, 8, 5, 5, generator=draws).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(8, 12 // groups, kernel, kernel, generator=draws)
    expected = torch.nn.functional.conv_transpose2d(dy, weight, padding=kernel // 2, groups=groups)
    assert torch.allclose(input_gradient(dy, weight, groups), expected, rtol=1e-5, atol=1e-5)


def test_without_gradients_the_same_bits_come_without_a_record_of_them():
    draws = torch.Generator().manual_seed(0)
    x, weight, bias = (torch.randn(shape, generator=draws) for shape in ((2, 8, 5, 5), (8, 4, 3, 3), (8,)))
    recorded = conv2d(x, weight.requires_grad_(), bias, 2)
    with torch.no_grad():
        plain = conv2d(x, weight, bias, 2)
    assert torch.equal(recorded, plain)
    assert recorded.requires_grad
    assert not plain.requires_grad
