"""What a card says of int8 is what was measured of it, and nothing of graphs of another kind."""

from hf_assets.classifiers.publishing.int8_words import elsewhere, sameness


def test_a_graph_of_exact_sums_says_on_how_many_texts_it_was_measured() -> None:
    config = {"batches": True, "largest_difference": 0.00002, "texts": 24}
    assert "Of 24 texts, alone, in padded batches" in sameness(config)
    assert "no score differs by more than 2e-05" in sameness(config)
    assert "1e-06" in sameness(config | {"largest_difference": 0.0})
    # Written before the count was.
    assert "Of the texts that were measured" in sameness({"batches": True})


def test_what_was_measured_elsewhere_is_told_of_graphs_of_that_kind_alone() -> None:
    for dynamic in ({}, {"batches": False}):
        assert "one text at a time" in sameness(dynamic)
        assert "0.11" in elsewhere(dynamic)
    exact = elsewhere({"batches": True})
    assert "0.11" not in exact
    assert "ARM" in exact
