"""Full factorial designs, found by what variants include."""

from analysis.statistics.factorial import find_factorial

INCLUDES = {"baseline": [], "a": [], "b": [], "ab": ["a", "b"]}
THREE = {**INCLUDES, "c": [], "ac": ["c", "a"], "bc": ["b", "c"], "abc": ["ab", "c"]}


def cells(design) -> dict[str, str]:
    return {"+".join(sorted(levels)): variant for levels, variant in design.cells.items()}


def test_two_variants_and_both_are_a_design() -> None:
    design = find_factorial(INCLUDES, list(INCLUDES), {"a", "b"}, "baseline")
    assert design.factors == ("a", "b")
    assert cells(design) == {"": "baseline", "a": "a", "b": "b", "a+b": "ab"}
    assert design.left_out == ()
    assert design.terms() == [("a",), ("b",), ("a", "b")]


def test_three_factors_are_found_through_combinations_of_combinations() -> None:
    design = find_factorial(THREE, list(THREE), {"a", "b", "c"}, "baseline")
    assert design.factors == ("a", "b", "c")
    assert cells(design)["a+b+c"] == "abc"
    assert design.terms()[3:] == [("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]


def test_a_cell_that_was_not_studied_leaves_the_largest_part_and_says_what_is_out() -> None:
    studied = [variant for variant in THREE if variant != "ac"]
    design = find_factorial(THREE, studied, {"a", "b", "c"}, "baseline")
    assert cells(design) == {"": "baseline", "a": "a", "b": "b", "a+b": "ab"}
    assert design.left_out == ("c", "bc", "abc")


def test_of_equally_large_designs_the_first_is_taken() -> None:
    studied = ["c", "bc", "baseline", "b", "ab", "a"]
    assert find_factorial(THREE, studied, {"a", "b", "c"}, "baseline").factors == ("c", "b")


def test_a_combination_that_sets_keys_is_none() -> None:
    assert find_factorial(INCLUDES, list(INCLUDES), {"a", "b", "ab"}, "baseline") is None


def test_what_includes_such_a_combination_is_none_either() -> None:
    includes = {**INCLUDES, "wide": ["a"], "wide-b": ["wide", "b"]}
    studied = ["baseline", "a", "b", "wide", "wide-b", "wide-a-b"]
    includes["wide-a-b"] = ["a", "b", "wide"]
    assert find_factorial(includes, studied, {"a", "b", "wide"}, "baseline") is None


def test_a_name_for_one_factor_or_for_nothing_is_no_cell() -> None:
    includes = {**INCLUDES, "again": ["a"], "nothing": [], "x": ["a", "nothing"]}
    assert find_factorial(includes, ["baseline", "again", "b", "ab"], {"a", "b"}, "baseline") is None
    assert find_factorial(includes, ["baseline", "a", "nothing", "x"], {"a", "b"}, "baseline") is None
    design = find_factorial(includes, ["again", *includes], {"a", "b"}, "baseline")
    assert cells(design)["a"] == "a"
    assert set(design.left_out) == {"again", "nothing", "x"}


def test_no_design_without_the_baseline_or_a_factor() -> None:
    assert find_factorial(INCLUDES, ["a", "b", "ab"], {"a", "b"}, "baseline") is None
    assert find_factorial(INCLUDES, ["baseline", "a", "ab"], {"a", "b"}, "baseline") is None
    assert find_factorial(INCLUDES, ["baseline", "a", "b"], {"a", "b"}, "baseline") is None


def test_of_two_names_for_one_combination_the_first_studied_is_the_cell() -> None:
    includes = {**INCLUDES, "ba": ["b", "a"]}
    design = find_factorial(includes, ["baseline", "a", "b", "ba", "ab"], {"a", "b"}, "baseline")
    assert cells(design)["a+b"] == "ba"
    assert design.left_out == ("ab",)


def test_a_variant_that_the_study_file_no_longer_holds_has_no_place() -> None:
    design = find_factorial(INCLUDES, ["baseline", "gone", "a", "b", "ab"], {"a", "b"}, "baseline")
    assert cells(design) == {"": "baseline", "a": "a", "b": "b", "a+b": "ab"}
    assert design.left_out == ("gone",)
    assert find_factorial({"ab": ["a", "b"]}, ["baseline", "ab"], set(), "baseline") is None
