"""What a card says of int8 is what was measured of it, and nothing of graphs of another kind."""

from hf_assets.classifiers.publishing.int8_words import elsewhere, lost, sameness


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


def test_a_loss_on_few_rows_is_said_to_show_nothing() -> None:
    names = ("micro_f1_lost", "macro_f1_lost")
    graph = {f"{name}{end}": 0.0 for name in names for end in ("", "_low", "_high")}
    assert "it loses 0.00 points of micro-F1" in lost(graph, 50)
    assert "too few" not in lost(graph, 50)
    assert "49 rows are too few to show what is lost." in lost(graph, 49)
    assert lost({}, 2) == "", "not measured"
