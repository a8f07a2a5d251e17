"""Trials on disk: a result is in the file the moment it is known, and nothing is evaluated twice.

A store is one SQLite file that maps keys to small JSON results. A process that is on a trial holds a claim on it, so
that others leave it alone; a claim ends with its process, `kill -9` included.

The journal is SQLite's rollback journal, not its write-ahead log: that needs memory which all processes share, so it
fails on the network folders of a cluster, and leaves two more files beside. What it would gain, readers that do not
wait for writers, is nothing here: a trial takes seconds, its transaction milliseconds. Each commit is on disk before
it returns (`synchronous=EXTRA`). Every operation opens a connection of its own, so a store can be used from any
thread, and sent to any process.
"""

import hashlib
import json
import math
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from aenbench.errors import InvalidArgumentError, StoreError
from aenbench.execution.executors import Executor
from aenbench.execution.processes import Process, this_process
from gdatasets.files import make_folder, output_error, write_whole

Result = dict[str, Any]
"""What a trial gave: a JSON object, of at most `MAX_RESULT_BYTES`, all numbers finite."""

T = TypeVar("T")

MAX_RESULT_BYTES = 64 << 10
MAX_TEXT = 2_000  # characters of a key or a plan
LEASE_S = 120.0  # a claim of another machine is void when it was not renewed for so long

_RENEW_S = LEASE_S / 6
_BUSY_S = 60.0
_PAUSES_S = (0.02, 1.0)
_APPLICATION_ID = 0x41454E54  # "AENT", in the file's header
_FORMAT = 1
_TABLES = (
    "CREATE TABLE run (plan TEXT NOT NULL)",
    "CREATE TABLE trials (key TEXT PRIMARY KEY, result TEXT NOT NULL, sha256 TEXT NOT NULL)",
    "CREATE TABLE claims (key TEXT PRIMARY KEY, machine TEXT NOT NULL, pid INTEGER NOT NULL, "
    "started INTEGER NOT NULL, renewed REAL NOT NULL)",
)
_CLAIMED_BY = "machine = ? AND pid = ? AND started = ?"
_PRAGMAS = ("trusted_schema=OFF", "cell_size_check=ON", "synchronous=EXTRA")
_UNUSABLE = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_PERM")

# A fork amid an operation of another thread would leave the child with SQLite's record of locks that it does not hold.
_operating = threading.RLock()
if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(
        before=_operating.acquire, after_in_parent=_operating.release, after_in_child=_operating.release
    )


@dataclass(frozen=True)
class TrialStore:
    """The results of one plan's trials, in one file that any number of processes may share.

    A store that is missing is made, in a folder that is made too. One that is not what this says is an error, and is
    never changed. No connection stays open, so there is nothing to close; a store can be pickled.

    Attributes:
        path: the file.
        plan: text that says what all keys have in common; a store made for another plan is refused.

    Raises:
        StoreError: the file is damaged, no store, of a newer format, of another plan, or cannot be used.
        InvalidArgumentError: an empty plan, or one of more than `MAX_TEXT` characters.
        OutputError: the file cannot be made.
    """

    path: Path
    plan: str

    def __post_init__(self) -> None:
        _check_text("plan", self.plan)
        if not self.path.exists():
            self._make()
        with self._connected() as connection:
            connection.execute("BEGIN")  # no writer is halfway while this reads
            plans = connection.execute("SELECT plan FROM run").fetchall()
            (problem,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            (page,) = connection.execute("PRAGMA page_size").fetchone()
            is_whole = problem == "ok" and self.path.stat().st_size % page == 0
        if not is_whole or len(plans) != 1:
            raise self._damaged("its pages or its plan")
        if plans != [(self.plan,)]:
            raise StoreError(
                f'{self.path} holds the trials of another plan ("{plans[0][0]}", not "{self.plan}"); choose another '
                "file, or the options it was made with."
            )

    def get(self, key: str) -> Result | None:
        """A trial's result; None if it is not known."""
        _check_text("key", key)
        with self._connected() as connection:
            return self._stored(connection, key)

    def results(self, prefix: str = "") -> dict[str, Result]:
        """All results whose keys start so, in the order of the keys."""
        query = "SELECT key, result, sha256 FROM trials WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key"
        with self._connected() as connection:
            return {row[0]: self._decoded(*row) for row in connection.execute(query, (prefix,))}

    @contextmanager
    def claimed(self, keys: Sequence[str]) -> Iterator[list[str]]:
        """Hold, while the block runs, the trials that are neither finished nor held by a live process.

        The block evaluates those it is given, one by one or all at once, and calls `finish` with each result; what it
        did not finish is free again afterwards. A process of this machine that was killed holds nothing any more; one
        of another machine until `LEASE_S` after its last sign of life (their clocks have to agree as well as that).
        """
        for key in keys:
            _check_text("key", key)
        owner = this_process()
        with self._writing() as connection:
            held = [key for key in keys if self._claim(connection, key, owner)]
        if not held:
            yield held
            return
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(owner, ended), daemon=True)
        renewing.start()
        try:
            yield held
        finally:
            ended.set()
            renewing.join()
            self._release(held, owner)

    def _release(self, keys: Sequence[str], owner: Process) -> None:
        """Give up those that are still held; usually all are finished, and nothing need be written to the disk."""
        with self._connected() as connection:
            held = {key for (key,) in connection.execute(f"SELECT key FROM claims WHERE {_CLAIMED_BY}", owner)}
        if left := held & set(keys):
            with self._writing() as connection:
                given = [(key, *owner) for key in left]
                connection.executemany(f"DELETE FROM claims WHERE key = ? AND {_CLAIMED_BY}", given)

    def finish(self, key: str, result: Mapping[str, object]) -> Result:
        """Store a trial's result, on disk when this returns; the first one stands.

        Returns:
            The result as it is stored: tuples are lists now.

        Raises:
            InvalidArgumentError: the result is too large, or holds anything but finite numbers, text, booleans, None,
                lists and objects of these.
        """
        _check_text("key", key)
        text = _encode(key, result)
        with self._writing() as connection:
            row = (key, text, _sha256(key, text))
            connection.execute("INSERT INTO trials VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING", row)
            connection.execute("DELETE FROM claims WHERE key = ?", (key,))
            stored = self._stored(connection, key)
        assert stored is not None
        return stored

    def attempt(self, key: str, evaluate: Callable[[], Mapping[str, object]]) -> Result | None:
        """A trial's result, evaluated now if it is not known; None if another process is on it."""
        if (known := self.get(key)) is not None:
            return known
        with self.claimed([key]) as held:
            if held:
                return self.finish(key, evaluate())
        return self.get(key)

    def value(self, key: str, evaluate: Callable[[], Mapping[str, object]]) -> Result:
        """A trial's result: stored, evaluated now, or waited for while another process is on it.

        Should that process die, this one takes over. An error of `evaluate` is passed on, and leaves the trial free.
        """
        pause, longest = _PAUSES_S
        while (result := self.attempt(key, evaluate)) is None:
            time.sleep(pause)
            pause = min(2 * pause, longest)
        return result

    def _make(self) -> None:
        """An empty store appears whole; if another process was first, its file stays."""
        make_folder(self.path.parent)
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        write_whole(beside, _empty(self.plan))
        try:
            self.path.hardlink_to(beside)
        except FileExistsError:
            pass
        except OSError as error:
            raise output_error(self.path, error) from error
        finally:
            beside.unlink()

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        if not self.path.is_file():
            raise StoreError(f"{self.path} is gone, or is no plain file; choose another file, or start again.")
        address = f"{self.path.absolute().as_uri()}?mode=rw"
        try:
            with (
                _operating,
                closing(sqlite3.connect(address, uri=True, timeout=_BUSY_S, isolation_level=None)) as connection,
            ):
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * MAX_RESULT_BYTES)
                for pragma in _PRAGMAS:
                    connection.execute(f"PRAGMA {pragma}")
                self._check_format(connection)
                yield connection
        except sqlite3.Error as error:
            raise self._explained(error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: other writers wait from its first line to its end."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")  # an error before it closes the connection, which undoes all

    def _check_format(self, connection: sqlite3.Connection) -> None:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application == _APPLICATION_ID and version > _FORMAT:
            raise StoreError(
                f"{self.path} has format {version}, newer than {_FORMAT}; update aenbench, or choose another file."
            )
        tables = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").fetchall()
        if application != _APPLICATION_ID or version != _FORMAT or tables != [(table,) for table in _TABLES]:
            raise self._foreign()

    def _stored(self, connection: sqlite3.Connection, key: str) -> Result | None:
        row = connection.execute("SELECT key, result, sha256 FROM trials WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._decoded(*row)

    def _decoded(self, key: object, text: object, sha256: object) -> Result:
        damaged = self._damaged(f'the result of trial "{key}"')
        if not (isinstance(key, str) and isinstance(text, str) and sha256 == _sha256(key, text)):
            raise damaged
        try:
            result = json.loads(text, parse_constant=_refuse_number, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            raise damaged from error
        if not isinstance(result, dict):
            raise damaged
        return result

    def _claim(self, connection: sqlite3.Connection, key: str, owner: Process) -> bool:
        """Take a trial if it is neither finished nor held."""
        if connection.execute("SELECT 1 FROM trials WHERE key = ?", (key,)).fetchone() is not None:
            return False
        query = "SELECT machine, pid, started, renewed FROM claims WHERE key = ?"
        row = connection.execute(query, (key,)).fetchone()
        if row is not None and self._is_held(*row):
            return False
        row = (key, *owner, time.time())
        connection.execute("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?)", row)
        return True

    def _is_held(self, machine: object, pid: object, started: object, renewed: object) -> bool:
        if not (isinstance(machine, str) and isinstance(pid, int) and isinstance(started, int)):
            raise self._damaged("whose a claim is")
        if not isinstance(renewed, float):
            raise self._damaged("the time of a claim")
        holder = Process(machine, pid, started)
        return holder.is_alive if holder.is_local else abs(time.time() - renewed) < LEASE_S

    def _renew(self, owner: Process, ended: threading.Event) -> None:
        """Tell other machines that this process lives."""
        while not ended.wait(_RENEW_S):
            # At worst another machine evaluates the trial too; what is wrong with the file, `finish` will say.
            with suppress(StoreError), self._writing() as connection:
                connection.execute(f"UPDATE claims SET renewed = ? WHERE {_CLAIMED_BY}", (time.time(), *owner))

    def _explained(self, error: sqlite3.Error) -> StoreError:
        """What an error of SQLite means for the user, in one line."""
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_NOTADB":
            return self._foreign()
        if name.startswith("SQLITE_BUSY"):
            return StoreError(
                f"{self.path} was locked by another process for {_BUSY_S:.0f} s; end that one, then run the same "
                "command again: what is finished is kept."
            )
        if name.startswith(_UNUSABLE):
            return StoreError(
                f"{self.path} cannot be used ({error}); free space or make it and its folder writable, then run the "
                "same command again: what is finished is kept."
            )
        return self._damaged(str(error))

    def _foreign(self) -> StoreError:
        return StoreError(f"{self.path} is not a trial store of aenbench; it is left as it is: choose another file.")

    def _damaged(self, what: str) -> StoreError:
        return StoreError(
            f"{self.path} is damaged ({what}) and left as it is; restore a copy, or move it away to start again."
        )


def evaluate_all(
    store: TrialStore, executor: Executor, evaluate: Callable[[T], Mapping[str, object]], items: Mapping[str, T]
) -> Generator[tuple[str, Result], None, None]:
    """Every item's key and result: those in the store first, the others as soon as they are known.

    Trials that other processes are on are left to them and asked for again at the end: so two runs of the same items
    share the work.

    Args:
        store: where results are, and go.
        executor: where trials are evaluated.
        evaluate: gives an item's result; for processes, a function of a module.
        items: what to evaluate, by key.
    """
    missing = []
    for key in items:
        if (known := store.get(key)) is None:
            missing.append(key)
        else:
            yield key, known
    for ask in (store.attempt, store.value):
        left = []
        call = partial(_evaluate, ask, evaluate)
        with closing(executor.map(call, [(key, items[key]) for key in missing])) as results:
            for index, result in results:
                if result is None:
                    left.append(missing[index])
                else:
                    yield missing[index], result
        missing = left


def evaluate_together(
    store: TrialStore,
    executor: Executor,
    evaluate: Callable[[Sequence[T]], Sequence[Mapping[str, object]]],
    chunks: Sequence[Mapping[str, T]],
) -> Generator[tuple[str, Result], None, None]:
    """The results of what no process has finished or is on, a chunk in one call; `evaluate_all` gives the others.

    Args:
        store: where results go.
        executor: where chunks are evaluated.
        evaluate: gives the results of some items; for processes, a function of a module.
        chunks: items by key.
    """
    with closing(executor.map(partial(_evaluate_chunk, store, evaluate), chunks)) as results:
        for _, found in results:
            yield from found.items()


def _evaluate_chunk(
    store: TrialStore, evaluate: Callable[[Sequence[T]], Sequence[Mapping[str, object]]], chunk: Mapping[str, T]
) -> dict[str, Result]:
    with store.claimed(list(chunk)) as held:
        results = evaluate([chunk[key] for key in held]) if held else []
        return {key: store.finish(key, result) for key, result in zip(held, results, strict=True)}


def _evaluate(
    ask: Callable[[str, Callable[[], Mapping[str, object]]], Result | None],
    evaluate: Callable[[T], Mapping[str, object]],
    item: tuple[str, T],
) -> Result | None:
    key, argument = item
    return ask(key, partial(evaluate, argument))


def _empty(plan: str) -> bytes:
    """The file of a store without trials."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_FORMAT}")
        for table in _TABLES:
            connection.execute(table)
        connection.execute("INSERT INTO run VALUES (?)", (plan,))
        return connection.serialize()


def _encode(key: str, result: Mapping[str, object]) -> str:
    try:
        text = json.dumps(dict(result), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f'The result of trial "{key}" is not plain JSON ({error}); give finite numbers, text and lists of them.'
        ) from error
    if len(text) > MAX_RESULT_BYTES:
        raise InvalidArgumentError(
            f'The result of trial "{key}" has {len(text):,} bytes; a store holds at most {MAX_RESULT_BYTES:,}: keep '
            "large arrays in files of their own."
        )
    return text


def _sha256(key: str, text: str) -> str:
    """Finds damage that SQLite, which has no checksums, does not."""
    return hashlib.sha256(f"{key}\0{text}".encode()).hexdigest()


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a finite number")


def _check_text(what: str, text: str) -> None:
    if not 0 < len(text) <= MAX_TEXT:
        raise InvalidArgumentError(f"Expected a {what} of 1 to {MAX_TEXT:,} characters, got {len(text):,}.")
