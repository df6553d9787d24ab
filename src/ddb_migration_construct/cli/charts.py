"""What has happened over time, drawn: sections of the report's page, in SVG that needs no script and no network.

A plot is stretched to the width that there is, so no text is in it: names, figures and times stand around it, and
stay as large on a phone as on a desk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import groupby
from typing import Any

from ddb_migration_construct._runtime import report_page
from ddb_migration_construct.cli.words import duration

# The plot's own units.
_WIDTH, _HEIGHT = 1000.0, 100.0
# As many as the style has colours; more are drawn as the last one.
_COLOURS = 3
_SECONDS = "s"
# Where a scale of seconds may end: what people count in.
_TIMES = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200)
_DAY = 86_400
_BARS = "bars"

Plain = Mapping[str, Any]
Point = Sequence[float | None]


def section(over_time: Plain | None, phases: Sequence[Plain]) -> str:
    """Return the section with the charts; nothing where nobody looked.

    `over_time` has `from` and `to` (epoch seconds), `every_seconds`, `source`, `notes` and `charts`. A chart has
    `title`, `unit`, `form` (line or bars) and `series`, each with a `name` and `points` of a time and a value; a
    value of None is a gap. `phases` are those of the report.
    """
    if over_time is None:
        return ""
    span = _Span(over_time["from"], over_time["to"], over_time["every_seconds"])
    notes = "".join(f'<p class="quiet">{report_page.text(note)}</p>' for note in over_time["notes"])
    lead = f'<p class="quiet">{report_page.text(over_time["source"])}</p>{notes}'
    charts = "".join(_chart(chart, span, phases) for chart in over_time["charts"])
    content = f"{lead}{_strip(phases, span)}{charts}" if over_time["charts"] else lead
    return str(report_page.section("Over time", content))


class _Span:
    """The time from left to right, and how much of it a point stands for."""

    def __init__(self, began: float, ended: float, every: float) -> None:
        self.began, self.ended = began, max(ended, began + 1.0)
        self.every = every

    def share(self, at: float) -> float:
        """Return where a moment lies, from 0 to 1."""
        return min(1.0, max(0.0, (at - self.began) / (self.ended - self.began)))

    def ticks(self) -> str:
        """Return the times at the left, in the middle and at the right."""
        middle = (self.began + self.ended) / 2
        times = "".join(f"<span>{self._tick(at)}</span>" for at in (self.began, middle, self.ended))
        return f'<p class="ticks">{times}</p>'

    def _tick(self, at: float) -> str:
        wanted = "%H:%M:%S" if self.ended - self.began < 3600 else "%H:%M" if self._is_one_day else "%b %d %H:%M"
        return _moment(at).strftime(wanted)

    @property
    def _is_one_day(self) -> bool:
        return _moment(self.began).date() == _moment(self.ended).date()


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, timezone.utc)


def _strip(phases: Sequence[Plain], span: _Span) -> str:
    """Return the phases as one row above the charts, each with its name where it is wide enough for it."""
    parts = []
    for phase in phases:
        left, right = span.share(phase["began"]), span.share(phase["ended"] or span.ended)
        if right > left:
            name = report_page.text(phase["name"])
            place = f"left:{100 * left:.2f}%;width:{100 * (right - left):.2f}%"
            parts.append(f'<span title="{name}" style="{place}">{name}</span>')
    return f'<div class="strip" aria-hidden="true">{"".join(parts)}</div>' if parts else ""


def _chart(chart: Plain, span: _Span, phases: Sequence[Plain]) -> str:
    series = [one for one in chart["series"] if any(value for _, value in one["points"])]
    what = f'<span class="what">{report_page.text(chart["title"])}</span>'
    title = f"<figcaption>{what}{_legend(chart, series)}</figcaption>"
    if not series:
        return f'<figure class="chart">{title}</figure>'
    drawn = [_stacked(series)] if chart["form"] == _BARS else [one["points"] for one in series]
    top = _round_up(max(value for points in drawn for _, value in points if value is not None), chart["unit"])
    draw = _bars if chart["form"] == _BARS else _line
    shapes = "".join(draw(points, span, top, min(number, _COLOURS)) for number, points in enumerate(drawn, 1))
    return f'<figure class="chart">{title}{_plot(chart, shapes, top, span, phases)}{span.ticks()}</figure>'


def _plot(chart: Plain, shapes: str, top: float, span: _Span, phases: Sequence[Plain]) -> str:
    half = "".join(f'<path class="grid" d="M0 {y:g}H{_WIDTH:g}"/>' for y in (0.5, _HEIGHT / 2, _HEIGHT - 0.5))
    edges = "".join(_edge(span.share(phase["began"])) for phase in phases if phase["began"] > span.began)
    label = report_page.text(f"{chart['title']} over time, at most {_figure(top, chart['unit'])}")
    svg = (
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f"{half}{edges}{shapes}</svg>"
    )
    unit = _SECONDS if chart["unit"] == _SECONDS else ""
    scale = "".join(f"<span>{report_page.text(_figure(value, unit))}</span>" for value in (top, top / 2, 0))
    return f'<div class="plot">{svg}<div class="scale" aria-hidden="true">{scale}</div></div>'


def _edge(share: float) -> str:
    return f'<path class="edge" d="M{_WIDTH * share:.1f} 0V{_HEIGHT:g}"/>'


def _legend(chart: Plain, series: Sequence[Plain]) -> str:
    """Return what each colour is, with its highest value, or the sum of what is counted."""
    if not series:
        return '<span class="quiet">none</span>'
    if chart["form"] == _BARS:
        sums = [(one["name"], sum(value or 0 for _, value in one["points"])) for one in series]
        return "".join(f"<span>{report_page.text(name)} <b>{_figure(total, '')}</b></span>" for name, total in sums)
    return "".join(_key(chart, one, number) for number, one in enumerate(series, 1))


def _key(chart: Plain, one: Plain, number: int) -> str:
    most = max(value for _, value in one["points"] if value is not None)
    told = f"at most <b>{report_page.text(_figure(most, chart['unit']))}</b>"
    name = f"{report_page.text(one['name'])}, " if len(chart["series"]) > 1 else ""
    colour = f'<i class="key c{min(number, _COLOURS)}"></i>' if len(chart["series"]) > 1 else ""
    return f"<span>{colour}{name}{told}</span>"


def _line(points: Sequence[Point], span: _Span, top: float, colour: int) -> str:
    """Return a line with its gaps; a single point between two gaps is drawn as a short stroke."""
    runs = (list(run) for is_known, run in groupby(points, lambda point: point[1] is not None) if is_known)
    paths = " ".join(_path(run, span, top) for run in runs)
    return f'<path class="line c{colour}" d="{paths}"/>'


def _path(run: Sequence[Point], span: _Span, top: float) -> str:
    places = [f"{_WIDTH * span.share(at or 0):.1f} {_y(value or 0, top):.1f}" for at, value in run]
    return "M" + "L".join(places) + ("h2" if len(places) == 1 else "")


def _bars(points: Sequence[Point], span: _Span, top: float, colour: int) -> str:
    width = max(3.0, 0.8 * _WIDTH * span.every / (span.ended - span.began))
    shown = ((_WIDTH * span.share(at or 0), _y(value, top)) for at, value in points if value)
    bars = "".join(f"M{min(x, _WIDTH - width):.1f} {_HEIGHT:g}V{y:.1f}h{width:.1f}V{_HEIGHT:g}z" for x, y in shown)
    return f'<path class="bar c{colour}" d="{bars}"/>'


def _stacked(series: Sequence[Plain]) -> list[tuple[float, float]]:
    """Return the sum of all series at each time."""
    totals: dict[float, float] = {}
    for one in series:
        for at, value in one["points"]:
            totals[at] = totals.get(at, 0.0) + (value or 0.0)
    return sorted(totals.items())


def _y(value: float, top: float) -> float:
    # So that a line along an edge keeps its full width.
    return 1.0 + (_HEIGHT - 2.0) * (1.0 - min(1.0, value / top))


def _round_up(value: float, unit: str) -> float:
    """Return where a scale may end: the next number of 1, 2 or 5 times a power of ten, or the next usual time."""
    if unit == _SECONDS and value <= _TIMES[-1]:
        return next(time for time in _TIMES if time >= value)
    if unit == _SECONDS:
        return _DAY * _round_up(value / _DAY, "")
    step = 10.0 ** (len(str(int(value))) - 3)
    return next(part for part in _steps(step) if part >= value)


def _steps(step: float) -> Iterator[float]:
    while True:
        yield from (step, 2 * step, 5 * step)
        step *= 10


def _figure(value: float, unit: str) -> str:
    if unit == _SECONDS:
        return duration(value) if value >= 10 or not value else f"{value:.1f} s"
    number = f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
    return f"{number} {unit}".strip()


# Colours that differ in lightness too, for those who do not see them; the second line is broken besides.
STYLE = """
:root{--c1:#2464c6;--c2:#c8610a;--c3:#7a4bb3;--gutter:4rem}
@media (max-width:40rem){:root{--gutter:3rem}}
@media (prefers-color-scheme:dark){:root{--c1:#77a8ff;--c2:#f2a65a;--c3:#c6a3f2}}
.strip{position:relative;height:1.5rem;margin:.75rem 0 .5rem var(--gutter);overflow:hidden;border-radius:.3rem;
background:var(--paper)}
.strip span{position:absolute;top:0;bottom:0;overflow:hidden;white-space:nowrap;text-overflow:ellipsis;
padding:.1rem 0 0 .35rem;font-size:.75rem;color:var(--quiet);border-left:1px solid var(--line)}
.strip span:nth-child(even){background:var(--line)}
.chart{margin:1.25rem 0 0}
.chart figcaption{display:flex;flex-wrap:wrap;gap:.1rem 1rem;font-size:.8125rem;color:var(--quiet);margin-bottom:.5rem}
.chart .what{color:var(--ink);font-weight:600;font-size:.875rem}
.chart b{color:var(--ink);font-weight:600;font-variant-numeric:tabular-nums}
.plot{position:relative;height:6.5rem;padding-left:var(--gutter)}
.plot svg{display:block;width:100%;height:100%;overflow:visible}
.plot path{vector-effect:non-scaling-stroke;fill:none}
.plot .grid{stroke:var(--line)}.plot .edge{stroke:var(--line);stroke-dasharray:2 3}
.plot .line{stroke-width:2;stroke-linejoin:round}
.line.c1{stroke:var(--c1)}.line.c2{stroke:var(--c2);stroke-dasharray:6 3}.line.c3{stroke:var(--c3)}
.plot .bar{fill:var(--c2)}
.scale{position:absolute;inset:0 auto 0 0;width:calc(var(--gutter) - .4rem);font-size:.6875rem;line-height:1;
color:var(--quiet)}
.scale span{position:absolute;right:0;top:0;white-space:nowrap;transform:translateY(-50%)}
.scale span:nth-child(2){top:50%}.scale span:nth-child(3){top:100%}
.ticks{display:flex;justify-content:space-between;margin:.35rem 0 0 var(--gutter);font-size:.6875rem;color:var(--quiet);
font-variant-numeric:tabular-nums}
.key{display:inline-block;width:1rem;height:0;border-top:2px solid var(--c1);vertical-align:middle;margin-right:.35rem}
.key.c2{border-top:2px dashed var(--c2)}.key.c3{border-color:var(--c3)}
"""
