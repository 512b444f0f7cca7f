"""The columns that a landed file must have, and the table that every format is read into."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from retrain.errors import DataError, assignment
from retrain.reading.guess import guess
from retrain.reading.rules import Columns

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    import pyarrow as pa

ADVENTUREWORKS = (
    "TransactionID",
    "ProductID",
    "ReferenceOrderID",
    "ReferenceOrderLineID",
    "TransactionDate",
    "TransactionType",
    "Quantity",
    "ActualCost",
    "ModifiedDate",
)
# Transactions compress to a tenth or a thirtieth; a file that grows a hundredfold, beyond 64 MB, is an attack.
MAX_GROWTH = 100
UNLIMITED_BYTES = 64 << 20
DEFAULTS = Columns()
MOST_LIKELY = 4  # columns that are named
NEAR = 0.8  # of a name's letters are the same


@dataclass(frozen=True, slots=True)
class Chosen:
    """The columns that are read, by their positions in the file.

    Attributes:
        amounts: one column; or Quantity and ActualCost, whose product is the amount.
    """

    date: int
    amounts: tuple[int, ...]
    transaction_id: int | None

    @property
    def positions(self) -> list[int]:
        """All of them, in their order in a batch."""
        return [self.date, *self.amounts, *([] if self.transaction_id is None else [self.transaction_id])]


class Rows(Protocol):
    """Reads the rows of a file from the first on, in order; it may be called again, when the last has ended."""

    def __call__(self, positions: Sequence[int], *, floats: int, rest: bool) -> Generator[pa.RecordBatch]:
        """Batches with the columns at these positions.

        Args:
            floats: so many columns behind the first may be parsed as numbers with decimal points; `NotPlain` is
                raised for a cell that is not one.
            rest: whether the other columns follow behind them, in any type.
        Raises: DataError for a row that cannot be split into its columns; ReadAgain.
        """


class ReadAgain(Exception):
    """The rows turn out to be of another kind, which is noted: they have to be read anew from the first."""


class NotPlain(ReadAgain):
    """A cell of an amount is not a plain number: the file has to be read as text."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file whose rows can be read.

    Attributes:
        kind: what it is, for a person.
        names: of its columns.
        ending: why the last row seems to be cut, given the positions of day and amount that are read; "" if it
            does not. Called after all rows were read.
        notes: the lines below the rows that were left out, because they are no rows. Called after all were read.
    """

    kind: str
    names: tuple[str, ...]
    rows: Rows
    read_as: tuple[str, ...] = ()
    ending: Callable[[Chosen], str] = lambda _: ""
    notes: Callable[[], Sequence[str]] = tuple


def choose(
    names: Sequence[str], file: str, columns: Columns, sample: Callable[[], Mapping[str, Sequence[str]]]
) -> Chosen:
    """Find the columns by their names, whatever their case.

    Args: sample: gives the first cells of every column, for the guess of what is missing.
    Raises: DataError if one is missing that is needed, or that a setting asks for, or if two have its name.
    """

    def find(name: str) -> int | None:
        return _position(name, names, file)

    day, amount, transaction_id = find(columns.date), find(columns.amount), find(columns.transaction_id)
    formula = tuple(at for at in (find("Quantity"), find("ActualCost")) if at is not None)
    is_formula = len(formula) > 1 and columns.amount == DEFAULTS.amount and not _near(columns.amount, names)
    amounts = formula if amount is None and is_formula else () if amount is None else (amount,)
    missing = {
        "RETRAIN_DATE_COLUMN": columns.date if day is None else "",
        "RETRAIN_AMOUNT_COLUMN": "" if amounts else columns.amount,
        "RETRAIN_ID_COLUMN": columns.transaction_id if _lacks_ids(transaction_id, names, columns) else "",
    }
    wanted = {setting: name for setting, name in missing.items() if name}
    if day is None or wanted:
        raise _missing(wanted, names, file, sample())
    return Chosen(day, amounts, transaction_id)


def _position(wanted: str, names: Sequence[str], file: str) -> int | None:
    """Where a column is; None if there is none. Raises: DataError if it could be either of two."""
    spelled = [name.strip() for name in names]
    found = [at for at, name in enumerate(spelled) if name.casefold() == wanted.strip().casefold()]
    exact = [at for at in found if spelled[at] == wanted.strip()]
    if len(exact or found) > 1:
        places = " and ".join(str(at + 1) for at in exact or found)
        raise DataError(
            file=file,
            column=wanted.strip(),
            found=f"two columns of that name, the columns {places}",
            expected="one column of that name; rename or remove the other",
        )
    return next(iter(exact or found), None)


def needs_ids(names: Sequence[str], file: str, columns: Columns) -> None:
    """See to a file without ids that has several rows a day.

    Raises: DataError if a setting names their column: its rows could not be told from repeated ones.
    """
    if columns.transaction_id != DEFAULTS.transaction_id:
        raise DataError(
            file=file,
            found=", ".join(names)[:200],
            expected=f"a column {columns.transaction_id}, because the file has several rows a day; name the column "
            "of ids by RETRAIN_ID_COLUMN, or remove that setting if the rows have none",
        )


def _lacks_ids(position: int | None, names: Sequence[str], columns: Columns) -> bool:
    """Whether the file has no ids, and a column by almost their name."""
    if position is not None:
        return False
    if columns.transaction_id != DEFAULTS.transaction_id:
        return bool(_near(columns.transaction_id, names))
    return any(_letters(name) == _letters(columns.transaction_id) for name in names)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _near(wanted: str, names: Sequence[str]) -> list[str]:
    """The names that differ little from the one that is wanted, the nearest first."""
    by_letters = {_letters(name): name for name in reversed(names)}
    return [by_letters[near] for near in difflib.get_close_matches(_letters(wanted), by_letters, 3, NEAR)]


def _missing(
    wanted: Mapping[str, str], names: Sequence[str], file: str, sample: Mapping[str, Sequence[str]]
) -> DataError:
    """The refusal that names what is missing, and the settings that would help."""
    has_header = not looks_like_data(names)
    guessed = guess(sample) if has_header else {}
    near = {setting: found[:1] for setting, name in wanted.items() if (found := _near(name, names))}
    helpful = {setting: near.get(setting) or guessed.get(setting, []) for setting in wanted}
    settings = tuple(f"{setting}={likely[0]}" for setting, likely in helpful.items() if len(likely) == 1)
    open_ones = {setting: likely for setting, likely in helpful.items() if len(likely) > 1}
    others = [setting for setting, likely in helpful.items() if not likely]
    advice = [f"set {' and '.join(map(assignment, settings))}"] if settings else []
    advice += [_either(setting, likely) for setting, likely in open_ones.items()]
    advice += [f"{' and '.join(others)} can name another"] if others else []
    what = " and ".join(f"a column {name}" for name in wanted.values())
    if "RETRAIN_AMOUNT_COLUMN" in wanted and wanted["RETRAIN_AMOUNT_COLUMN"] == DEFAULTS.amount:
        what += " (or the columns Quantity and ActualCost)"
    if not has_header:
        advice = [
            f"the file seems to have no header: write the names of its {len(names)} columns into a first line"
        ]
    return DataError(
        file=file, found=", ".join(names)[:200], expected=f"{what}; {'; '.join(advice)}", settings=settings
    )


def _either(setting: str, likely: Sequence[str]) -> str:
    shown = [assignment(f"{setting}={name}") for name in likely[:MOST_LIKELY]]
    return f"choose between the likely columns: {' or '.join(shown)}"


def looks_like_data(cells: Sequence[str]) -> bool:
    """Whether a row holds a number or a day, as no header does."""
    return any(
        re.fullmatch(r"\W*\d[\d.,' ]*\W*|\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}.*", cell.strip()) for cell in cells
    )


def grows_too_much(size: int, compressed_size: int) -> bool:
    """True if so many bytes, decompressed from so many, are refused."""
    return size > max(UNLIMITED_BYTES, MAX_GROWTH * compressed_size)


def first_line(exc: Exception) -> str:
    """The first line of an error's message, at most 200 characters; its type if it has no message."""
    return (str(exc).splitlines() or [type(exc).__name__])[0][:200]
