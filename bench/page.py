# SPDX-License-Identifier: MIT
"""The page of a bench run: one file, nothing loaded from elsewhere, in the
look of the call report, whose style sheet it takes.
"""
import html
import os
import re

from rig import ROOT

TEMPLATE = os.path.join(ROOT, "tools", "report.html.in")

MORE_STYLE = """
.measure { padding: 16px 22px; }
.measure + .measure { border-top: 1px solid var(--line); }
.measure .row { display: grid; gap: 4px 18px; align-items: center;
  grid-template-columns: minmax(0, 5fr) 8.5em minmax(0, 4fr) 5.5em; }
.measure .n { font-size: 15px; }
.measure .v { font-weight: 620; text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.measure .s { text-align: right; font-size: 13px; font-weight: 600; }
.ok { color: var(--good); } .missed { color: var(--bad); }
.gauge { position: relative; height: 30px; font-size: 11px;
  color: var(--soft); }
.gauge .all { position: absolute; left: 0; right: 0; top: 6px; height: 8px;
  border-radius: 4px; background: var(--grid); overflow: hidden; }
.gauge .all i { display: block; height: 100%; background: var(--caller); }
.gauge.missed .all i { background: var(--bad); }
.gauge .bar { position: absolute; top: 2px; width: 2px; height: 16px;
  background: var(--ink); margin-left: -1px; }
.gauge .run { position: absolute; top: 8px; width: 4px; height: 4px;
  border-radius: 50%; background: var(--bg); margin-left: -2px; opacity: .8; }
.gauge .label { position: absolute; top: 17px; white-space: nowrap; }
.measure p { margin: 6px 0 0; font-size: 13px; color: var(--soft);
  max-width: 90ch; }
.measure code { font-size: 12px; color: var(--soft); }
.stack { display: flex; height: 14px; border-radius: 4px; overflow: hidden;
  margin: 10px 0 6px; max-width: 640px; }
.stack i { display: block; min-width: 1px; }
.parts { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 12px;
  color: var(--soft); margin: 0; padding: 0; list-style: none; }
.parts i { display: inline-block; width: 9px; height: 9px; border-radius: 2px;
  margin-right: 6px; }
@media (max-width: 780px) {
  .measure .row { grid-template-columns: minmax(0, 1fr) auto; }
  .gauge { grid-column: span 2; }
  .measure .s { grid-column: 2; grid-row: 2; display: none; }
}
"""

MARK = ('<svg class="mark" viewBox="0 0 48 24" aria-hidden="true"><path '
        'd="M2 12h3l3-8 4 16 4-12 3 4h4" fill="none" stroke="var(--caller)" '
        'stroke-width="2.6" stroke-linejoin="round" stroke-linecap="round"/>'
        '<path d="M25 12h3l3-5 4 12 4-15 3 8h4" fill="none" '
        'stroke="var(--callee)" stroke-width="2.6" stroke-linejoin="round" '
        'stroke-linecap="round"/></svg>')

PART_COLOURS = ("var(--caller)", "var(--callee)", "var(--said)",
                "var(--line)")


def style():
    """The call report's own, so that the two look alike."""
    with open(TEMPLATE) as f:
        return re.search(r"<style>(.*?)</style>", f.read(), re.S).group(1)


def esc(text):
    return html.escape(str(text))


def gauge(row):
    """A bar from 0 to its end, a mark where the value must be, a dot for each
    run."""
    if row.bar is None or row.value is None:
        return '<div class="gauge"></div>'
    end = max([row.bar * 1.25, row.value * 1.1] +
              [r * 1.05 for r in row.runs])

    def percent(x):
        return f"{100 * x / end:.2f}%"

    dots = "".join(f'<span class="run" style="left:{percent(r)}"></span>'
                   for r in row.runs if len(row.runs) > 1)
    kind = "" if row.good is not False else " missed"
    return (f'<div class="gauge{kind}"><div class="all">'
            f'<i style="width:{percent(row.value)}"></i></div>{dots}'
            f'<span class="bar" style="left:{percent(row.bar)}"></span>'
            f'<span class="label">{esc(row.shown_bar())}</span></div>')


def parts(row):
    if not row.parts:
        return ""
    whole = sum(v for _, v in row.parts) or 1
    coloured = list(zip(row.parts, PART_COLOURS))
    stack = "".join(f'<i style="width:{100 * v / whole:.3f}%;'
                    f'background:{c}"></i>' for (_, v), c in coloured)
    legend = "".join(f'<li><i style="background:{c}"></i>{esc(n)}: {v:.3f} '
                     f'({100 * v / whole:.2f} %)</li>'
                     for (n, v), c in coloured)
    return (f'<div class="stack">{stack}</div><ul class="parts">{legend}</ul>')


def measure(row):
    verdict = {True: ("ok", "reached"), False: ("missed", "missed"),
               None: ("", "")}[row.good]
    note = f"<p>{esc(row.note)}</p>" if row.note else ""
    command = f"<p><code>{esc(row.command)}</code></p>" if row.command else ""
    return (f'<div class="measure"><div class="row"><span class="n">'
            f'{esc(row.name)}</span><span class="v">{esc(row.shown())}</span>'
            f'{gauge(row)}<span class="s {verdict[0]}">{verdict[1]}</span>'
            f'</div>{parts(row)}{note}{command}</div>')


def sections(rows):
    out, name = [], None
    for row in rows:
        if row.section != name:
            if name is not None:
                out.append("</div>")
            name = row.section
            out.append(f'<h2>{esc(name)}</h2><div class="card">')
        out.append(measure(row))
    return "\n".join(out) + "</div>"


def headline(facts, rows, failures):
    judged = [r for r in rows if r.good is not None]
    missed = sum(r.good is False for r in judged) + len(failures)
    if not judged and not failures:
        return "Everything runs", "var(--fair)"
    if missed:
        return f"{missed} of {len(judged) + len(failures)} bars missed", \
            "var(--bad)"
    return f"All {len(judged)} bars reached", "var(--good)"


def figures(rows):
    """The six that most readers come for."""
    wanted = (("live, complexity 10", "Processor time over bare Opus"),
              ("instructions, complexity 10", "Instructions over bare Opus"),
              ("a side, raw PCM by callbacks", "Memory of a side"),
              ("sides, of those", "Of the cores' encoding capacity"),
              ("first sound, RTT 50 ms", "First sound, RTT 50 ms"),
              ("a forwarded datagram with", "Relay, a datagram"))
    cells = []
    for start, name in wanted:
        row = next((r for r in rows if r.name.startswith(start)), None)
        if row:
            below = f"bar {row.shown_bar()}" if row.bar is not None else ""
            cells.append(f'<div><dt>{esc(name)}</dt><dd class="v">'
                         f'{esc(row.shown())}</dd><dd class="s">{esc(below)}'
                         '</dd></div>')
    return f'<dl class="figures card">{"".join(cells)}</dl>' if cells else ""


def write(path, facts, rows, failures):
    title, colour = headline(facts, rows, failures)
    troubles = "".join(f'<p class="missed">{esc(n)}: {esc(w)}</p>'
                       for n, w in failures)
    lead = (f"Measured on {facts['date']} in {facts['seconds']} s, "
            f"{facts['cores']} cores, {facts['system']}, load "
            f"{facts['load_before']} before. Values are medians of runs that "
            "took turns; a mark shows the bar, dots the single runs.")
    with open(path, "w") as f:
        f.write(f"""<!doctype html>
<!-- SPDX-License-Identifier: MIT -->
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>tgvoip bench</title>
<style>{style()}{MORE_STYLE}</style>
</head>
<body style="--verdict:{colour}">
<main id="page">
<div class="brand"><span>{MARK}<b>tgvoip</b> bench</span>
<span>{esc(facts['version'])} · {esc(facts['revision'])} · libopus
{esc(facts['opus'])} · {esc(facts['mode'])}</span></div>
<h1>{esc(title)}</h1>
<p class="lead">{esc(lead)}</p>
{troubles}
{figures(rows)}
{sections(rows)}
<footer>What is measured, and how: docs/performance.md. The same figures for
programs: bench.json beside this page.</footer>
</main>
</body>
</html>
""")
