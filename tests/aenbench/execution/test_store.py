"""The store of trials: what is kept, who may evaluate, and which files are refused."""

import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aenbench.errors import InvalidArgumentError, StoreError
from aenbench.execution import store as stores
from aenbench.execution.executors import LocalExecutor
from aenbench.execution.processes import this_process
from aenbench.execution.store import MAX_RESULT_BYTES, TrialStore, evaluate_all
from gdatasets.errors import OutputError

RESULT = {"accuracy": 0.1 + 0.2, "curve": [1, 2.5, None], "name": "größe", "kept": True}


@pytest.fixture
def store(tmp_path: Path) -> TrialStore:
    return TrialStore(tmp_path / "runs" / "trials.sqlite", "a plan")


def change(store: TrialStore, statement: str, *values: object) -> None:
    """Do to the file what the store would not."""
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute(statement, values)


def claim_of(store: TrialStore, key: str, machine: str, pid: int, started: int, renewed: float) -> None:
    change(store, "INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)", key, machine, pid, started, renewed)


def test_a_result_comes_back_exactly(store: TrialStore) -> None:
    assert store.get("a") is None
    assert store.finish("a", RESULT) == RESULT
    assert TrialStore(store.path, "a plan").get("a") == RESULT


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=30)
@given(
    results=st.dictionaries(st.text(min_size=1, max_size=20), st.dictionaries(st.text(), JSON, max_size=4), max_size=4)
)
def test_any_plain_results_come_back(tmp_path_factory: pytest.TempPathFactory, results: dict[str, Any]) -> None:
    store = TrialStore(tmp_path_factory.mktemp("any") / "trials.sqlite", "a plan")
    for key, result in results.items():
        store.finish(key, result)
    assert store.results() == results


def test_the_first_result_stands(store: TrialStore) -> None:
    store.finish("a", {"value": 1})
    assert store.finish("a", {"value": 2}) == {"value": 1}


def test_results_are_found_by_how_their_keys_start(store: TrialStore) -> None:
    for key in ("b/2", "a_/1", "ab/1", "a/2", "a/1"):
        store.finish(key, {"key": key})
    assert list(store.results("a/")) == ["a/1", "a/2"]
    assert list(store.results("a_")) == ["a_/1"]
    assert list(store.results()) == ["a/1", "a/2", "a_/1", "ab/1", "b/2"]


def test_a_known_trial_is_not_evaluated(store: TrialStore) -> None:
    asked: list[int] = []

    def evaluate() -> dict[str, int]:
        asked.append(1)
        return {"value": 1}

    assert [store.value("a", evaluate) for _ in range(3)] == [{"value": 1}] * 3
    assert len(asked) == 1


def test_an_error_leaves_the_trial_free(store: TrialStore) -> None:
    def fail() -> dict[str, int]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.value("a", fail)
    with store.claimed(["a"]) as held:
        assert held == ["a"]


def test_what_a_block_holds_nobody_else_gets(store: TrialStore) -> None:
    store.finish("done", {})
    with store.claimed(["done", "a", "b"]) as held:
        assert held == ["a", "b"]
        with store.claimed(["a", "b", "c"]) as rest:
            assert rest == ["c"]
        assert store.attempt("b", dict) is None
        store.finish("a", {"value": 1})
    assert store.get("a") == {"value": 1}
    with store.claimed(["a", "b", "c"]) as held:
        assert held == ["b", "c"]


def test_the_claim_of_a_killed_process_is_free_at_once(store: TrialStore) -> None:
    code = (
        "import sys, time; from pathlib import Path; from aenbench.execution.store import TrialStore\n"
        "with TrialStore(Path(sys.argv[1]), 'a plan').claimed(['a']) as held:\n"
        "    print(held, flush=True); time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, str(store.path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "['a']\n"
        assert store.attempt("a", lambda: {"value": 1}) is None
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert store.attempt("a", lambda: {"value": 1}) == {"value": 1}


def test_the_claim_of_a_process_whose_number_is_used_again_is_free(store: TrialStore) -> None:
    own = this_process()
    claim_of(store, "a", own.machine, own.pid, own.started - 1, time.time())
    with store.claimed(["a"]) as held:
        assert held == ["a"]


@pytest.mark.parametrize(("age", "expected"), [(0.0, []), (100.0, []), (130.0, ["a"]), (-130.0, ["a"])])
def test_another_machine_holds_its_claim_until_its_lease_ends(
    store: TrialStore, age: float, expected: list[str]
) -> None:
    own = this_process()
    claim_of(store, "a", "another", own.pid, own.started, time.time() - age)
    with store.claimed(["a"]) as held:
        assert held == expected


def test_a_claim_is_renewed_while_it_is_held(store: TrialStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def renewed() -> float:
        with closing(sqlite3.connect(store.path)) as connection:
            return float(connection.execute("SELECT renewed FROM claims").fetchone()[0])

    monkeypatch.setattr(stores, "_RENEW_S", 0.01)
    with store.claimed(["a"]):
        first, deadline = renewed(), time.monotonic() + 20
        while renewed() == first:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_value_waits_for_the_one_who_is_on_it(store: TrialStore) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> dict[str, int]:
        begun.set()
        assert go_on.wait(20)
        return {"value": 1}

    worker = threading.Thread(target=store.value, args=("a", slow))
    worker.start()
    assert begun.wait(20)
    threading.Timer(0.2, go_on.set).start()
    assert store.value("a", lambda: {"value": 2}) == {"value": 1}
    worker.join()


def hammer(store: TrialStore, log: Path, names: list[str], toy: Any) -> None:
    def evaluate(name: str) -> dict[str, str]:
        toy.note(log, name)
        return {"name": name}

    assert all(store.value(name, lambda name=name: evaluate(name)) == {"name": name} for name in names)


def assert_each_once(log: Path, names: list[str]) -> None:
    assert Counter(log.read_text().split()) == dict.fromkeys(names, 1)


def test_threads_evaluate_nothing_twice(store: TrialStore, tmp_path: Path, toy: Any) -> None:
    names = [f"t{number}" for number in range(20)]
    work = [
        threading.Thread(target=hammer, args=(store, tmp_path / "log", names[k:] + names[:k], toy)) for k in (0, 0, 5)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert_each_once(tmp_path / "log", names)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forks_amid_the_operations_of_a_thread_evaluate_nothing_twice(
    store: TrialStore, tmp_path: Path, toy: Any
) -> None:
    names = [f"t{number}" for number in range(20)]
    thread = threading.Thread(target=hammer, args=(store, tmp_path / "log", names, toy))
    thread.start()
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=hammer, args=(store, tmp_path / "log", names[::-1], toy)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    thread.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert_each_once(tmp_path / "log", names)
    assert len(TrialStore(store.path, "a plan").results()) == len(names)


def test_two_runs_share_one_store_and_evaluate_nothing_twice(tmp_path: Path, toy: Any) -> None:
    path, log = tmp_path / "trials.sqlite", tmp_path / "log"
    command = [sys.executable, toy.__file__, str(path), str(log), "local"]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(run.communicate(timeout=120)[1], run.returncode) for run in runs] == [("", 0)] * 2
    lines = [line.split() for line in log.read_text().splitlines()]
    assert len(lines) == len({key for key, _ in lines}) == toy.TRIALS
    alone = toy.search(TrialStore(tmp_path / "alone.sqlite", toy.PLAN), tmp_path / "alone", LocalExecutor(1))
    assert TrialStore(path, toy.PLAN).results() == dict(sorted(alone.items()))


def test_what_another_run_is_on_is_left_to_the_end(store: TrialStore, tmp_path: Path, toy: Any) -> None:
    items = {toy.key(n): toy.Trial(n, tmp_path / "log", 0) for n in range(4)}
    store.finish(toy.key(2), {"value": 2})
    with store.claimed([toy.key(0)]):
        results = evaluate_all(store, LocalExecutor(1), toy.evaluate, items)
        assert [next(results)[0] for _ in range(3)] == [toy.key(2), toy.key(1), toy.key(3)]
    assert [key for key, _ in results] == [toy.key(0)]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"loss": float("nan")}, "is not plain JSON"),
        ({"loss": [1.0, float("inf")]}, "is not plain JSON"),
        ({"model": object()}, "is not plain JSON"),
        ({"text": "x" * MAX_RESULT_BYTES}, "a store holds at most 65,536"),
    ],
)
def test_what_is_no_small_json_is_refused(store: TrialStore, result: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        store.value("a", lambda: result)
    assert store.results() == {}


@pytest.mark.parametrize("key", ["", "k" * 2_001])
def test_keys_have_a_sensible_length(store: TrialStore, key: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Expected a key of 1 to 2,000 characters"):
        store.value(key, dict)
    with pytest.raises(InvalidArgumentError, match="Expected a plan of"):
        TrialStore(store.path, key)


def test_another_plan_is_refused(store: TrialStore) -> None:
    with pytest.raises(StoreError, match=r'another plan \("a plan", not "b plan"\); choose another file'):
        TrialStore(store.path, "b plan")


def fill(path: Path) -> bytes:
    """A store of several pages."""
    store = TrialStore(path, "a plan")
    for number in range(20):
        store.finish(f"k{number}", {"text": "x" * 1_000})
    return path.read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.01, 0.3, 0.5, 0.9, 0.9999])
def test_a_truncated_file_is_one_line_and_left_as_it_is(tmp_path: Path, share: float) -> None:
    path = tmp_path / "trials.sqlite"
    whole = fill(path)
    cut = whole[: int(share * len(whole))]
    path.write_bytes(cut)
    with pytest.raises(StoreError, match=r"is damaged .* restore a copy|is not a trial store") as caught:
        TrialStore(path, "a plan")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == cut


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE trials (key TEXT PRIMARY KEY, result TEXT NOT NULL, sha256 TEXT NOT NULL)")


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_text("not a database at all\n" * 100),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(os.urandom(9_000)),
        lambda path: path.write_text(json.dumps({"key": "a"})),
        other_database,
    ],
    ids=["text", "empty", "noise", "json", "other database"],
)
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(tmp_path: Path, write: Callable[[Path], object]) -> None:
    path = tmp_path / "trials.sqlite"
    write(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is not a trial store of aenbench; it is left as it is: choose another file"):
        TrialStore(path, "a plan")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("PRAGMA user_version = 2", "has format 2, newer than 1; update aenbench"),
        ("PRAGMA user_version = 0", "is not a trial store"),
        ("PRAGMA application_id = 5", "is not a trial store"),
        ("CREATE TRIGGER t AFTER INSERT ON claims BEGIN DELETE FROM trials; END", "is not a trial store"),
        ("CREATE VIEW v AS SELECT * FROM trials", "is not a trial store"),
        ("DROP TABLE claims", "is not a trial store"),
        ("DELETE FROM run", r"is damaged \(its pages or its plan\)"),
        ("UPDATE run SET plan = x'ff'", "another plan"),
    ],
)
def test_another_schema_is_refused(store: TrialStore, statement: str, message: str) -> None:
    change(store, statement)
    with pytest.raises(StoreError, match=message):
        TrialStore(store.path, "a plan")


def signed(text: object) -> tuple[object, str]:
    return text, stores._sha256("a", str(text))


@pytest.mark.parametrize(
    "row",
    [
        ('{"value": 1}', "0" * 64),
        signed(b'{"value": 1}'),
        signed('{"value": NaN}'),
        signed('{"value": 1e999}'),
        signed("[1, 2]"),
        signed("{"),
        signed('{"value": ' + "[" * 50_000 + "]" * 50_000 + "}"),
        signed('{"value": ' + "1" * 5_000 + "}"),
        signed(json.dumps({"value": "x" * 10_000_000})),
    ],
    ids=["digest", "bytes", "nan", "inf", "list", "cut", "deep", "long number", "huge"],
)
def test_a_wrong_result_is_one_line(store: TrialStore, row: tuple[object, str]) -> None:
    change(store, "INSERT INTO trials VALUES ('a', ?, ?)", *row)
    for read in (lambda: store.get("a"), store.results, lambda: store.value("a", dict)):
        with pytest.raises(StoreError, match="is damaged") as caught:
            read()
        assert "\n" not in str(caught.value)


def test_text_that_is_no_utf8_is_one_line(store: TrialStore) -> None:
    change(store, "INSERT INTO trials VALUES ('a', CAST(x'7b22ff227d' AS TEXT), '')")
    with pytest.raises(StoreError, match="is damaged"):
        store.get("a")


@pytest.mark.parametrize("claim", [(b"m", 1, 1, 0.0), ("m", "pid", 1, 0.0), ("m", 1, 1.5, 0.0), ("m", 1, 1, "now")])
def test_a_wrong_claim_is_one_line(store: TrialStore, claim: tuple[Any, Any, Any, Any]) -> None:
    claim_of(store, "a", *claim)
    with pytest.raises(StoreError, match=r"is damaged \("):
        store.value("a", dict)


def test_a_flipped_bit_in_a_result_is_found(store: TrialStore) -> None:
    store.finish("a", {"value": 0.625})
    content = store.path.read_bytes()
    assert content.count(b"0.625") == 1
    store.path.write_bytes(content.replace(b"0.625", b"0.725"))
    with pytest.raises(StoreError, match="is damaged"):
        TrialStore(store.path, "a plan").get("a")


def test_a_store_that_is_taken_away_amid_the_work_is_not_made_anew(store: TrialStore) -> None:
    store.path.unlink()
    with pytest.raises(StoreError, match="is gone, or is no plain file"):
        store.finish("a", RESULT)
    assert not store.path.exists()


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is no plain file"):
        TrialStore(tmp_path, "a plan")


def test_a_store_that_is_locked_for_long_is_one_line(store: TrialStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "_BUSY_S", 0.05)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="was locked by another process"):
            store.finish("a", RESULT)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a file stands where a folder belongs"):
        TrialStore(tmp_path / "file" / "trials.sqlite", "a plan")


def test_of_many_who_make_a_store_all_get_the_same(tmp_path: Path) -> None:
    path, made, refused = tmp_path / "trials.sqlite", [], []

    def make(number: int) -> None:
        try:
            TrialStore(path, f"plan {number % 2}").finish(f"k{number}", {})
            made.append(number)
        except StoreError:
            refused.append(number)

    work = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert sorted(made) in ([0, 2, 4, 6], [1, 3, 5, 7])
    assert len(refused) == 4
    assert list(tmp_path.iterdir()) == [path]
