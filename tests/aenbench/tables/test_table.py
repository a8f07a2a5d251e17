"""What a table answers, against plain loops over its arrays."""

import hashlib
import struct
import time
from typing import Any

import numpy as np
import pytest

from aenbench.errors import InvalidArgumentError, TableError
from aenbench.models.aen import AENSpace
from aenbench.models.gcnn import GCNNSpace
from aenbench.tables.table import Table, TableInfo
from aenbench.tasks.task import TaskShape
from aenbench.training.recipe import Recipe


def test_without_an_epoch_the_last_one_counts(make_table: Any) -> None:
    table = make_table()
    for row, network in enumerate(table.networks):
        for number, seed in enumerate(table.seeds):
            found = table.query(network, seed)
            assert found == (table.validation[row, number, 3], table.test[row, number, 3], table.parameters[row])
            assert table.query(network, seed, 4) == found
            assert table.query(network, seed, 1).test == table.test[row, number, 0]


def test_under_paper_the_epoch_with_the_best_validation_counts_for_each_seed(make_table: Any) -> None:
    table = make_table("paper")
    for row, network in enumerate(table.networks):
        epochs = [max(range(4), key=lambda e: table.validation[row, number, e]) for number in range(3)]
        for number, seed in enumerate(table.seeds):
            expected = table.validation[row, number, epochs[number]], table.test[row, number, epochs[number]]
            assert table.query(network, seed)[:2] == expected
        assert table.query(network).test == pytest.approx(np.mean([table.test[row, n, epochs[n]] for n in range(3)]))


def test_without_a_seed_the_mean_over_seeds_is_given(make_table: Any) -> None:
    table = make_table()
    for row, network in enumerate(table.networks):
        for epoch in (1, 4):
            found = table.query(network, epoch=epoch)
            assert found.validation == pytest.approx(sum(table.validation[row, :, epoch - 1]) / 3)
            assert found.test == pytest.approx(sum(table.test[row, :, epoch - 1]) / 3)
        assert table.cost(network) == pytest.approx(sum(table.seconds[row]) / 3)
        assert table.cost(network, 5) == table.seconds[row, 2]


@pytest.mark.parametrize(("space", "bits"), [("aen", 12), ("gcnn", 10)])
def test_every_state_is_answered_as_its_network_is(make_table: Any, space: str, bits: int) -> None:
    table = make_table(space=space)
    answers = {state: table.query(state) for state in (format(number, f"0{bits}b") for number in range(2**bits))}
    assert len(answers) == 2**bits
    assert len(set(answers.values())) == 8
    assert all(found == answers[state[:3] + "1" * (bits - 3)] for state, found in answers.items())


def test_what_is_evaluated_is_what_a_search_sees(make_table: Any) -> None:
    for protocol in ("standard", "paper"):
        table = make_table(protocol)
        evaluate = table.evaluate(5)
        values = {network: evaluate(network) for network in table.networks}
        assert values == {network: table.query(network, 5).validation for network in table.networks}
        assert all(type(value) is float for value in values.values())
        assert values != {network: table.evaluate(0)(network) for network in table.networks}


def test_the_best_and_the_ranks_are_those_of_the_means(make_table: Any) -> None:
    table = make_table()
    for by in ("validation", "test"):
        network, result = table.best(by)
        assert result == max((table.query(n) for n in table.networks), key=lambda r: getattr(r, by))
        assert result == table.query(network)
    by_test = sorted(table.networks, key=lambda network: -table.query(network).test)
    assert [table.rank(network) for network in by_test] == list(range(1, 9))
    assert table.rank(table.best("test")[0]) == 1


def test_networks_with_equal_right_answers_share_a_rank_whatever_the_order_of_their_seeds(make_table: Any) -> None:
    test = make_table().test.copy()
    test[:, :, -1] = 0.5
    test[0, :, -1], test[1, :, -1] = (0.7001, 0.7004, 0.7009), (0.7009, 0.7001, 0.7004)
    table = make_table(change={"test": test})
    assert [table.rank(network) for network in table.networks] == [1, 1, 3, 3, 3, 3, 3, 3]
    assert table.best("test")[0] == table.networks[0]


def test_the_space_is_the_one_that_live_searches_use(make_table: Any) -> None:
    assert make_table().space == AENSpace(TaskShape("standard", 10, 28, 1))
    assert make_table("paper", "gcnn", classes=26).space == GCNNSpace(TaskShape("paper", 26, 28, 1))


def test_a_look_up_takes_less_than_five_microseconds(make_table: Any) -> None:
    table = make_table()
    evaluate = table.evaluate(0)
    for ask in (lambda: table.query("010101010101"), lambda: evaluate("010101010101"), lambda: table.cost("0" * 12)):
        times = []
        for _ in range(5):
            started = time.process_time()
            for _ in range(10_000):
                ask()
            times.append((time.process_time() - started) / 10_000)
        assert min(times) < 5e-6


def test_arrays_cannot_be_written_to(make_table: Any) -> None:
    table = make_table()
    for name in ("parameters", "validation", "test", "seconds"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(table, name)[0] = 1


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda t: t.query("01"), 'such as "000000000000", got "01"'),
        (lambda t: t.query("01000000000x"), "12 bits"),
        (lambda t: t.query("0" * 12, seed=2), r"one of the table's seeds \(0, 1, 5\), got 2"),
        (lambda t: t.query("0" * 12, epoch=0), "epoch from 1 to 4, got 0"),
        (lambda t: t.query("0" * 12, epoch=5), "epoch from 1 to 4, got 5"),
        (lambda t: t.cost("0" * 12, seed=-1), "seeds"),
        (lambda t: t.evaluate(7), "seeds"),
        (lambda t: t.evaluate(0)("0"), "12 bits"),
        (lambda t: t.rank(""), "12 bits"),
        (lambda t: t.best("training"), "Choose from: validation, test"),
    ],
)
def test_what_the_table_does_not_hold_is_refused_in_one_line(make_table: Any, ask: Any, says: str) -> None:
    with pytest.raises(InvalidArgumentError, match=says) as caught:
        ask(make_table())
    assert "\n" not in str(caught.value)


def changed(array: Any, value: float) -> Any:
    copy = array.astype(np.float64)
    copy.flat[5] = value
    return copy


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: {"validation": changed(t.validation, np.nan)}, "validation accuracy is not a share of 10,000"),
        (lambda t: {"test": changed(t.test, 1.0001)}, "test accuracy is not a share"),
        (lambda t: {"test": changed(t.test, 0.12345)}, "test accuracy is not a share"),
        (lambda t: {"seconds": changed(t.seconds, np.inf)}, "a time"),
        (lambda t: {"seconds": changed(t.seconds, -1)}, "a time"),
        (lambda t: {"parameters": changed(t.parameters, 0).astype(np.int64)}, "one parameter"),
        (lambda t: {"test": t.test[:, :, :3]}, r"test of shape \(8, 3, 4\), got \(8, 3, 3\)"),
        (lambda t: {"states": t.states[1:]}, "each of the 4,096 states"),
        (lambda t: {"states": (*t.states[:7], t.states[7][1:])}, "each of the 4,096 states"),
        (lambda t: {"states": (*t.states[:7], (*t.states[7][1:], "0" * 12))}, "each of the 4,096 states"),
        (lambda t: {"networks": t.networks[::-1]}, "among the states that name it"),
        (lambda t: {"networks": t.networks[1:]}, "among the states that name it"),
        (lambda t: {"info": t.info.model_copy(update={"seeds": (0, 1, 1)})}, "different seeds"),
    ],
)
def test_impossible_tables_are_refused(make_table: Any, change: Any, says: str) -> None:
    with pytest.raises(TableError, match=says):
        make_table(change=change(make_table()))


def test_the_digest_covers_everything_but_times_and_origins(make_table: Any) -> None:
    table = make_table()
    parameters, seconds = table.parameters.copy(), table.seconds * 2
    parameters[3] += 1
    other = [
        make_table(configuration="aug3"),
        make_table(test_content_sha256="c" * 64),
        make_table("paper"),
        make_table(told=2),
        make_table(change={"parameters": parameters}),
        make_table(change={"validation": changed(table.validation, 0)}),
        make_table(change={"test": changed(table.test, 0)}),
        make_table(change={"validation": table.test, "test": table.validation}),
    ]
    digests = {table.content_sha256, *(one.content_sha256 for one in other)}
    assert len(digests) == 1 + len(other)
    same = make_table(change={"seconds": seconds}, created="today", hardware="abacus", software={"python": "1"})
    assert same.content_sha256 == table.content_sha256


def test_the_digest_is_the_documented_one() -> None:
    """Of a table so small that its bytes can be written down, by the words of the docstring."""
    info = TableInfo(
        dataset="toy", dataset_version="1.0.0", configuration="none", train_content_sha256="0" * 64,
        test_content_sha256="1" * 64, protocol="standard", space="gcnn", classes=2, image_size=28, channels=1,
        recipe=Recipe(8, 1), epochs=1, seeds=(4,), validation_images=4, test_images=2,
    )  # fmt: skip
    states = tuple(format(number, "010b") for number in range(1_024))
    one = np.array([[[0.25]]])
    table = Table(info, (states[0],), (states,), np.array([7]), one, 2 * one, np.array([[1.5]]))
    identity = (
        '{"channels":1,"classes":2,"configuration":"none","dataset":"toy","dataset_version":"1.0.0","epochs":1,'
        '"image_size":28,"protocol":"standard","recipe":{"batch":64,"chosen_by":null,"epochs":1,"evaluation_batch":1000,'
        '"images":8,"learning_rate":0.001,"optimiser":"adam"},"seeds":[4],"space":"gcnn",'
        '"test_content_sha256":"' + "1" * 64
        + '","test_images":2,"train_content_sha256":"' + "0" * 64 + '","validation_images":4}'
    )  # fmt: skip
    hashed = f"aenbench-table-1 {identity}\n0000000000 7 {','.join(states)}\n".encode() + struct.pack("<2d", 0.25, 0.5)
    assert table.content_sha256 == hashlib.sha256(hashed).hexdigest()
