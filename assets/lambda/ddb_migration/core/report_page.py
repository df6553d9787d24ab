"""The report as a page: one HTML document that needs no network, made from the JSON report alone.

It imports nothing of this project, so that the command line may make the same page.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

# So many rows of a table are in the page; the JSON beside it has them all.
MOST_ROWS = 500

# So many of the newest rounds of changed keys are shown; there may be thousands.
MOST_ROUNDS = 12

# Of writes to the source after the cut-over: what became of them without a fence, and behind one.
_LATE_COPIED = (
    "Until the migration is completed they are copied, and win over newer writes of the application to the same keys "
    "at the destination: look at these keys, and stop whoever writes to the source."
)
_LATE_LEFT = "They were not copied, and the destination does not have them: find who writes to the source."

# Of a rehearsal that did not end well: more than Verify looked at was wrong.
_REHEARSED = {
    "different": "The rehearsal compared all at its end, and the tables differ",
    "failed": "The rehearsal failed, and says why below",
}

_COMMAND = re.compile(r"ddb-migration [a-z-]+(?: --[a-z-]+)*")

Report = Mapping[str, Any]
Row = Sequence[str]


def page(report: Report, first: str = "", over_time: str = "", style: str = "") -> str:
    """Return the page; `first` stands before all other sections and `over_time` behind the phases, with `style`.

    `report` holds `verify` (a VerifyReport as plain values, or None), and where they are known `rehearsal` (with the
    `verdict` of one: equal, different or failed), `migration`, `epoch`,
    `phases` (name, began, ended), `gate` (reasons), `changed_keys` (rounds and stuck keys), `lag_seconds`,
    `incomplete`, `written_at`, `cut_over_form` (fenced, unfenced, None before the cut-over), `late_changes` (keys,
    changes, last_at and listed) and `way_back` (until, rolled_back_at, refused, incomplete, gate, changed_keys and
    late_changes).
    """
    title = f"{report.get('migration') or 'Migration'}: report"
    parts = (_head(report), first, _gate(report), _figures(report), _phases(report), over_time, _differences(report))
    more = (_late(report), _way_back(report), _changed_keys(report), _generations(report), _segments(report))
    body = "\n".join(part for part in (*parts, *more, _foot(report)) if part)
    return _DOCUMENT.format(title=text(title), style=_STYLE + style, body=body)


def section(title: str, content: str) -> str:
    """Return a section of the page, given its content as HTML."""
    return f"<section><h2>{text(title)}</h2>{content}</section>"


def figures(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names and figures side by side, as HTML."""
    cells = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="figures">{cells}</dl>'


def text(value: object) -> str:
    """Return a value as text of HTML."""
    return html.escape(str(value), quote=True)


def _head(report: Report) -> str:
    kind, word, sentence = _of_run(report)
    verify = report.get("verify") or {}
    tables = ""
    if verify:
        ends = [text(_name_of(verify[side]["arn"])) for side in ("source", "destination")]
        tables = f'<p class="tables">{ends[0]} <span aria-label="to">&rarr;</span> {ends[1]}</p>'
    by = f", verify pass {text(verify['pass_id'])}" if verify else ""
    epoch = report.get("epoch") or verify.get("epoch") or "none"
    return (
        f'<header><p class="over">Migration report</p><h1>{text(report.get("migration") or "Migration")}</h1>{tables}'
        f'<p class="verdict {kind}"><strong>{word}</strong> {text(sentence)}</p>'
        f'<p class="quiet">Epoch {text(epoch)}{by}</p></header>'
    )


def _of_run(report: Report) -> tuple[str, str, str]:
    """Return colour, word and sentence of the whole run: Verify's, unless something else was worse."""
    found = _verdict(report.get("verify"))
    rehearsed = (report.get("rehearsal") or {}).get("verdict", "equal")
    if rehearsed != "equal":
        return "bad", _capital(rehearsed), f"{_REHEARSED[rehearsed]}. Verify by itself: {found[1]}."
    return found if found[0] == "bad" else next(_worse(report, found), found)


def _worse(report: Report, found: tuple[str, str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield what came after Verify or keeps the gate closed, the worst of it first."""
    colour, word, sentence = found
    for late, left, entered in (
        (report.get("late_changes"), "source", "cut-over"),
        ((report.get("way_back") or {}).get("late_changes"), "destination", "roll back"),
    ):
        if late and late["keys"]:
            is_copied = left == "source" and report.get("cut_over_form") == "unfenced"
            kept = "They were copied" if is_copied else "They were not copied"
            said = f"The {left} was given {_count(late['changes'], 'change')} after the {entered}. {kept}, see below."
            yield "open" if is_copied else "bad", "Late writes", f"{said} Verify had found: {word}."
    if colour == "good" and (report.get("gate") or {}).get("reasons"):
        yield "open", f"{word}, but the gate is closed", f"{sentence} What keeps it closed is listed below."


def _verdict(verify: Report | None) -> tuple[str, str, str]:
    """Return the colour, word and sentence of Verify's verdict."""
    if not verify:
        return "open", "Not verified", "No verify pass of this epoch has ended yet."
    standing = _standing(verify)
    items = f"{verify['source']['items']:,} items"
    if verify["verdict"] != "equal" and not standing:
        return (
            "open",
            "Not known",
            f"{_count(verify['found']['unchecked'], 'key')} were too many to be looked at again.",
        )
    if verify["verdict"] != "equal":
        return "bad", "Different", f"{_count(standing, 'key')} of {items} differ. They are listed below."
    if verify["sampled"] is not None:
        share = f"{verify['sampled']:.2%}"
        return (
            "open",
            "Sample equal",
            f"Only {share} of the keys were compared ({items}). A sample opens the gate by name only.",
        )
    if not verify["is_whole"]:
        return "open", "Not whole", "Some segments were not compared; this pass opens no gate."
    return _equal(items, _listed(verify))


def _equal(items: str, listed: int) -> tuple[str, str, str]:
    compared = f"Every item was compared in both directions: {items}, no difference"
    if listed:
        apart = f"{_count(listed, 'key')} that are parked or accepted"
        return "open", "Equal but for listed keys", f"{compared} but in {apart}."
    return "good", "Equal", f"{compared}."


def _standing(verify: Report) -> int:
    found, repairs = verify["found"], verify["repairs"]
    return int(found["missing"] + found["extra"] + found["different"] - repairs["repaired"] - repairs["listed"])


def _listed(verify: Report) -> int:
    """Return how many keys differ of which the lists of parked and of accepted keys tell."""
    return int(verify["found"]["parked"] + verify["found"]["accepted"] + verify["repairs"]["listed"])


def _gate(report: Report) -> str:
    gate = report.get("gate")
    if gate is None:
        return ""
    reasons = gate.get("reasons") or ()
    if not reasons:
        return section("Gate", _open(gate.get("accepted_sample"), _has_cut_over(report)))
    points = "".join(f"<li>{_with_commands(_capital(reason))}</li>" for reason in reasons)
    lead = f'<p class="verdict bad"><strong>Closed</strong> {_count(len(reasons), "reason")}.</p>'
    return section("Gate", f'{lead}<ol class="reasons">{points}</ol>')


def _has_cut_over(report: Report) -> bool:
    return any(phase["name"] == "CutOver" and phase.get("ended") for phase in report.get("phases") or ())


def _open(sample: Report | None, has_cut_over: bool) -> str:
    if sample is None:
        now = "It was open when the migration cut over." if has_cut_over else "The migration may cut over."
        return f'<p class="verdict good"><strong>Open</strong> {now}</p>'
    return (
        f'<p class="verdict open"><strong>Opened on a sample</strong> of {sample["share"]:.2%} of the keys (verify '
        f"pass {text(sample['pass'])}), accepted by {text(sample['by'])} at {_when(sample['at'])}. The others were "
        "not compared.</p>"
    )


def _figures(report: Report) -> str:
    verify = report.get("verify")
    found = list(_verify_figures(verify)) if verify else []
    if "lag_seconds" in report:
        found.append(("Lag now", _seconds(report["lag_seconds"])))
    if report.get("incomplete"):
        found.append(("Incomplete", str(report["incomplete"])))
    return section("Figures", figures(found)) if found else ""


def _verify_figures(verify: Report) -> Iterator[tuple[str, str]]:
    source, destination, found = verify["source"], verify["destination"], verify["found"]
    yield "Items read, source", f"{source['items']:,}"
    yield "Items read, destination", f"{destination['items']:,}"
    yield "Missing", f"{found['missing']:,}"
    yield "Different", f"{found['different']:,}"
    yield "Extra", f"{found['extra']:,}"
    yield "Repaired", f"{verify['repairs']['repaired']:,}"
    if _listed(verify):
        yield "Parked or accepted", f"{_listed(verify):,}"
    yield "Agreed when read again", f"{found['agreed']:,}"
    yield "Expired on one side", f"{found['expired']:,}"
    yield "Still moving", f"{found['in_motion']:,}"
    yield "Changes applied", f"{verify['changes_applied']:,}"
    yield "Read units, source", f"{source['read_units']:,.0f}"
    yield "Read units, destination", f"{destination['read_units']:,.0f}"
    yield "Took", _seconds(verify["ended_at"] - verify["began_at"])


def _phases(report: Report) -> str:
    phases = [phase for phase in report.get("phases") or () if phase.get("began") is not None]
    if not phases:
        return ""
    first = min(phase["began"] for phase in phases)
    known = [phase.get("ended") or phase["began"] for phase in phases]
    last = max([*known, report.get("written_at") or first])
    rows = "".join(_phase(phase, first, max(last - first, 1.0)) for phase in phases)
    return section("Phases", f'<ol class="phases">{rows}</ol>')


def _phase(phase: Report, first: float, span: float) -> str:
    began, ended = phase["began"], phase.get("ended")
    left = 100 * (began - first) / span
    width = 100 * ((ended if ended is not None else first + span) - began) / span
    took = _seconds(ended - began) if ended is not None else "goes on"
    return (
        f'<li><span class="name">{text(phase["name"])}</span><span class="when">{_when(began)}</span>'
        f'<span class="took">{text(took)}</span><span class="track"><span style="margin-left:{left:.2f}%;'
        f'width:{max(width, 0.0):.2f}%"></span></span></li>'
    )


def _differences(report: Report) -> str:
    verify = report.get("verify")
    if not verify:
        return ""
    stuck = (report.get("changed_keys") or {}).get("stuck") or ()
    rows = [_difference(row) for row in verify["differences"]]
    rows += [("changed key", _code(key), "", "") for key in stuck]
    if not rows:
        return ""
    return _table("Keys that differ", ("Kind", "Key", "Attributes that differ", "Newest change applied"), rows)


def _difference(row: Report) -> Row:
    names = ", ".join(_code(json.dumps(name)) for name in row["attributes"])
    return (text(row["kind"]), _code(json.dumps(row["key"])), names, _code(row["watermark"] or "none"))


def _changed_keys(report: Report) -> str:
    rounds = (report.get("changed_keys") or {}).get("rounds") or ()
    if not rounds:
        return ""
    keys, differences = (sum(row[name] for row in rounds) for name in ("keys", "differences"))
    rows = [_round(row) for row in reversed(rounds[-MOST_ROUNDS:])]
    lead = f"{_count(len(rounds), 'round')}: {keys:,} keys compared, {_count(differences, 'difference')} found."
    lead += f" The newest {MOST_ROUNDS} are shown." if len(rounds) > MOST_ROUNDS else ""
    names = ("Began", "Keys", "Took", "Differences", "Rereads", "Moving", "Stuck")
    return _table("Changed keys since the verify", names, rows, lead)


def _round(row: Report) -> Row:
    counts = (f"{row[name]:,}" for name in ("differences", "rereads", "moving", "stuck"))
    return (_when(row["began"]), f"{row['keys']:,}", _seconds(row["seconds"]), *counts)


def _late(report: Report) -> str:
    """Return what the source was told after the cut-over; without a fence what that means, even while there is none."""
    late, form = report.get("late_changes") or {}, report.get("cut_over_form")
    rows = [(_code(row["key"]), f"{row['changes']:,}", _when(row["last_at"])) for row in late.get("listed", ())]
    if not rows and form != "unfenced":
        return ""
    found = f"{_count(late['changes'], 'change')} of {_count(late['keys'], 'key')}. " if rows else "None so far. "
    lead = found + (_LATE_COPIED if form == "unfenced" else _LATE_LEFT)
    title = "Late source writes"
    if not rows:
        return section(title, f'<p class="quiet">{text(lead)}</p>')
    return _table(title, ("Key", "Changes", "Last"), rows, lead)


def _way_back(report: Report) -> str:
    back = report.get("way_back")
    if back is None:
        return ""
    keys = back["changed_keys"]
    points = [_rolled_back(back), *(back[name] for name in ("refused", "incomplete") if back[name])]
    points += [f"Closed now: {reason}" for reason in (back["gate"] or {}).get("reasons") or ()]
    points += [f"Stays different: {key}" for key in keys["stuck"]]
    late = (back.get("late_changes") or {}).get("listed", ())
    points += [f"Written at the destination after the roll back, and not copied: {row['key']}" for row in late]
    compared = sum(row["keys"] for row in keys["rounds"])
    points.append(f"{_count(compared, 'key')} compared that the application changed after the cut-over")
    listed = "".join(f"<li>{_with_commands(_capital(point))}</li>" for point in points)
    return section("Way back", f'<ul class="reasons">{listed}</ul>')


def _rolled_back(back: Report) -> str:
    if back["rolled_back_at"] is not None:
        return f"Rolled back at {_plainly(back['rolled_back_at'])}: the source is the table"
    return f"The application can be switched back until {_plainly(back['until'])}"


def _generations(report: Report) -> str:
    rows = [
        (
            _when(row["at"]),
            *(f"{row[name]:,}" for name in ("keys", "agreed", "differing")),
            _seconds(row["lag_seconds"]),
        )
        for row in (report.get("verify") or {}).get("generations", ())
    ]
    lead = "Keys that did not agree at first, read again on both sides until they did or had stood still."
    names = ("At", "Keys", "Agreed", "Differing", "Lag")
    return _table("Generations", names, rows, lead) if rows else ""


def _segments(report: Report) -> str:
    segments = (report.get("verify") or {}).get("segments", ())
    if not segments:
        return ""
    rows = [_segment(row) for row in segments]
    names = ("Segments", "Items, source", "Items, destination", "Digest, source", "Digest, destination", "As read")
    lead = "As read, before keys were read again and repaired: writes go on meanwhile."
    return _table("Segments", names, rows, lead, folded=True)


def _segment(row: Report) -> Row:
    place = f"{row['first']}" if row["first"] == row["last"] else f"{row['first']} to {row['last']}"
    same = "same" if row["source_digest"] == row["destination_digest"] else "not the same"
    counts = (f"{row['source_items']:,}", f"{row['destination_items']:,}")
    return (place, *counts, _code(row["source_digest"][:12]), _code(row["destination_digest"][:12]), same)


def _foot(report: Report) -> str:
    at = report.get("written_at")
    written = f"Written {_when(at)}. " if at is not None else ""
    return (
        f'<footer class="quiet">{written}Times are UTC. No item value is in this report; keys are only here.</footer>'
    )


def _table(title: str, names: Row, rows: Sequence[Row], lead: str = "", folded: bool = False) -> str:
    """Return a section with a table; on a narrow page each row becomes a card with its names."""
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in names)
    body = "".join(f"<tr>{_cells(names, row)}</tr>" for row in rows[:MOST_ROWS])
    left = f'<p class="quiet">{len(rows) - MOST_ROWS:,} more are in report.json.</p>' if len(rows) > MOST_ROWS else ""
    told = f'<p class="quiet">{text(lead)}</p>' if lead else ""
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{left}'
    if folded:
        table = f"<details><summary>Show {_count(len(rows), 'row')}</summary>{table}</details>"
    return section(title, told + table)


def _cells(names: Row, row: Row) -> str:
    pairs = zip(names, row, strict=True)
    return "".join(f'<td data-name="{text(name)}"><span>{cell or "&ndash;"}</span></td>' for name, cell in pairs)


def _with_commands(words: str) -> str:
    """Return text with the commands in it set as such, each in one piece."""
    return _COMMAND.sub(r'<code class="command">\g<0></code>', text(words))


def _code(value: str) -> str:
    return f"<code>{text(value)}</code>"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def _name_of(arn: str) -> str:
    return arn.rpartition("/")[2]


def _when(at: float) -> str:
    moment = datetime.fromtimestamp(at, timezone.utc)
    return f'<time datetime="{moment.isoformat(timespec="seconds")}">{moment:%Y-%m-%d %H:%M:%S}</time>'


def _plainly(at: float) -> str:
    return f"{datetime.fromtimestamp(at, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def _seconds(value: float | None) -> str:
    if value is None:
        return "not known"
    if value < 60:
        return f"{value:.1f} s"
    parts = _parts(int(round(value)))
    return " ".join(parts)


def _parts(seconds: int) -> Iterable[str]:
    days, seconds = divmod(seconds, 86400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    told = [f"{days} d", f"{hours} h", f"{minutes} min", f"{seconds} s"]
    first = next(place for place, value in enumerate((days, hours, minutes, 1)) if value)
    return told[first : first + 2]


_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""

_STYLE = """
:root{--paper:#f6f7f9;--card:#fff;--ink:#1b2430;--quiet:#5c6878;--line:#dfe3e9;--accent:#2f6fde;
--good:#0b6e43;--good-back:#e3f5ec;--bad:#a3211b;--bad-back:#fdeae8;--open:#7d5600;--open-back:#fdf3d9}
@media (prefers-color-scheme:dark){:root{--paper:#11151b;--card:#1a2029;--ink:#e6eaf0;--quiet:#9aa6b6;--line:#2c3542;
--accent:#6ea2ff;--good:#6fdcaa;--good-back:#12352a;--bad:#ff9d94;--bad-back:#40201f;--open:#f2ca6b;--open-back:#3a2f14}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif}
main{max-width:64rem;margin:0 auto;padding:2rem 1.25rem 3rem}
header{margin-bottom:1.5rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:0 0 .75rem}
p{margin:.25rem 0 .75rem}
.over,.quiet{color:var(--quiet);font-size:.875rem}
.over{margin:0 0 .25rem;letter-spacing:.04em;text-transform:uppercase;font-size:.75rem}
.tables{font-size:1.05rem;overflow-wrap:anywhere}
.verdict{padding:.7rem 1rem;border-radius:.5rem;margin:.75rem 0}
.verdict strong{margin-right:.4rem}
.good{background:var(--good-back)}.good strong{color:var(--good)}
.bad{background:var(--bad-back)}.bad strong{color:var(--bad)}
.open{background:var(--open-back)}.open strong{color:var(--open)}
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.1rem 1.25rem;margin:0 0 1rem}
.reasons{margin:0;padding-left:1.4rem}.reasons li{margin:.4rem 0;overflow-wrap:anywhere}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(10.5rem,1fr));gap:1rem 1.25rem;margin:0}
.figures dt{color:var(--quiet);font-size:.8125rem}
.figures dd{margin:0;font-size:1.2rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.figures+details{margin-top:1rem}
.phases{list-style:none;margin:0;padding:0}
.phases li{display:grid;grid-template-columns:11rem 11.5rem 6rem 1fr;gap:.75rem;align-items:center;padding:.3rem 0}
.phases .when,.phases .took{color:var(--quiet);font-size:.875rem;font-variant-numeric:tabular-nums}
.track{background:var(--paper);border-radius:.3rem;height:.6rem;overflow:hidden;display:block}
.track span{display:block;height:100%;min-width:3px;background:var(--accent);border-radius:.3rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums}
th{text-align:left;color:var(--quiet);font-weight:600;white-space:nowrap}
th,td{padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line);vertical-align:top}
tbody tr:last-child td{border-bottom:0}
code{font:.8125rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.command,time{white-space:nowrap}
summary{cursor:pointer;color:var(--accent);margin-bottom:.5rem}
footer{margin-top:1.5rem}
@media (max-width:40rem){
main{padding:1.25rem .9rem 2rem}
section{padding:.9rem 1rem}
.figures{grid-template-columns:1fr 1fr}.figures dd{font-size:1.05rem}
.phases li{grid-template-columns:1fr auto;gap:.1rem .75rem;padding:.45rem 0}
.phases .when{grid-column:1}.phases .took{grid-column:2;grid-row:1;text-align:right}.track{grid-column:1/-1}
thead{position:absolute;left:-9999px}
tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--line)}tbody tr:last-child{border-bottom:0}
td{display:flex;gap:.75rem;justify-content:space-between;border:0;padding:.15rem 0;text-align:right}
td::before{content:attr(data-name);color:var(--quiet);text-align:left;flex:none;max-width:45%}
td>span{min-width:0}
td:has(code){display:block;text-align:left}td:has(code)::before{display:block;max-width:none}
}
@media print{body{background:#fff}section{break-inside:avoid}}
"""
