"""The status of migrations as a terminal shows it: one in full, several as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, JustifyMethod, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ddb_migration_construct.cli.facts import facts, loaded_share, path, place
from ddb_migration_construct.cli.reading import Status
from ddb_migration_construct.cli.samples import Samples
from ddb_migration_construct.cli.words import between, count, roughly

_STYLES = {
    "attention": "yellow",
    "error": "bold red",
    "incomplete": "yellow",
    "parked": "yellow",
    "dead": "yellow",
    "late": "yellow",
}
_LABEL, _BAR = 10, 40
# Of a table: blanks between columns, the shortest column of names, and the least that a remark is worth.
_GAP, _SHORTEST, _REMARK = 2, 12, 40
_HEADINGS = ("migration", "phase", "bulk load", "lag", "waiting", "parked")


def shown(seen: Sequence[tuple[Status, Samples]], most: int | None = None) -> RenderableType:
    """Return one migration in full, or a row for each of several: with `most`, for so many, the most urgent ones."""
    if len(seen) == 1:
        return _one(*seen[0])
    if most is None or len(seen) <= most:
        return _Several(seen)
    urgent = sorted(seen, key=lambda one: (not one[0].needs_you, not one[0].trouble))[: max(1, most)]
    return Group(_Several(urgent), Text(f"and {len(seen) - len(urgent)} more, for a higher window", style="dim"))


def _one(status: Status, samples: Samples) -> RenderableType:
    body = Table.grid(padding=(0, 1))
    body.add_column(width=_LABEL, style="dim")
    body.add_column(overflow="fold")
    body.add_row("phase", _Path(status))
    share = loaded_share(status)
    if share is not None and status.record.bulk_loaded_at is None:
        body.add_row("", ProgressBar(total=1.0, completed=share, width=_BAR))
    for label, text in facts(status, samples):
        # As Text, so that brackets in what is told are not taken for markup.
        body.add_row(label, Text(text, style=_STYLES.get(label, "")))
    return Group(_title(status), body)


def _title(status: Status) -> Text:
    execution = status.execution.status.lower() if status.execution else "not started"
    style = "red" if status.needs_you else "yellow" if status.trouble else "green"
    tables = f"  {between(*status.tables)}" if status.tables is not None else ""
    state = "paused" if status.record.paused else execution
    return Text.assemble((status.migration, "bold"), "  ", (state, style), (tables, "dim"))


class _Path:
    """The states from first to last, each with its mark; no line ends between a mark and its word."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Fill lines with as many states as fit."""
        line = Text()
        for word in self._words():
            if line and line.cell_len + 2 + word.cell_len > options.max_width:
                yield line
                line = Text()
            line.append_text(Text("  " if line else "")).append_text(word)
        yield line

    def _words(self) -> Iterator[Text]:
        behind = place(self._status)
        for number, state in enumerate(path(self._status)):
            if number < behind:
                yield Text(f"✓ {state}", "green")
            elif number > behind or self._status.execution is None:
                yield Text(f"· {state}", "dim")
            elif self._status.needs_you:
                yield Text(f"✗ {state}", "bold red")
            else:
                yield Text(f"▶ {state}", "bold cyan")


class _Several:
    """A row for each migration; what is to be said of one stands beside it, or below where there is no room."""

    def __init__(self, seen: Sequence[tuple[Status, Samples]]) -> None:
        self._seen = seen

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render the table for the width that there is: names are cut, figures are not."""
        rows = [_row(status, samples) for status, samples in self._seen]
        columns = zip(_HEADINGS, *rows, strict=True)
        name, *others = (max(cell_len(str(cell)) for cell in column) for column in columns)
        room = options.max_width - sum(others) - len(others) * _GAP
        is_wide = room >= name + _GAP + _REMARK
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, _GAP, 0, 0))
        widths = [min(name, max(_SHORTEST, room)), *others, *([room - name - _GAP] if is_wide else [])]
        for number, width in enumerate(widths):
            heading = _HEADINGS[number] if number < len(_HEADINGS) else ""
            justify: JustifyMethod = "right" if 1 < number < len(_HEADINGS) else "left"
            table.add_column(heading, width=width, justify=justify, no_wrap=True, overflow="ellipsis")
        for (status, _), row in zip(self._seen, rows, strict=True):
            table.add_row(*row, *([_remark(status)] if is_wide else []))
        yield table
        if not is_wide:
            yield from self._remarks()

    def _remarks(self) -> Iterator[Text]:
        for status, _ in self._seen:
            if status.trouble or status.needs_you:
                yield Text.assemble((f"{status.migration}: ", "bold"), _remark(status))


def _row(status: Status, samples: Samples) -> tuple[Text, ...]:
    parked = sum(sum(way.parked.values()) + way.dead_letters for way in status.ways)
    moving = status.moving
    applies = moving.record.trigger_enabled_at is not None
    return (
        Text(status.migration, style="bold red" if status.needs_you else "bold"),
        Text(status.phase, style="cyan" if status.is_running else ""),
        _load(status, samples),
        Text(roughly(moving.lag_seconds) if applies else "-"),
        Text(count(moving.backlog) if status.record.epoch else "-"),
        Text(count(parked), style="yellow" if parked else ""),
    )


def _load(status: Status, samples: Samples) -> Text:
    share = loaded_share(status)
    if share is None or status.record.bulk_loaded_at is not None:
        return Text("-" if share is None else "done", style="" if share is None else "green")
    left = samples.seconds_left()
    return Text(f"{100 * share:.0f} %" + (f", {roughly(left)}" if left is not None else ""))


def _remark(status: Status) -> Text:
    if status.needs_you and status.execution is not None:
        return Text(status.execution.error or status.execution.status, style="bold red")
    if status.trouble:
        return Text(status.trouble, style="yellow")
    return Text(f"waits for {status.waiting_for}" if status.waiting_for else "", style="dim")
