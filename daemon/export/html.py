"""A report for people: one HTML file without a script or anything from elsewhere, readable by screen readers and on paper.

What was not read and what could not be decided stand before the findings: a short list of findings is good news only where
everything was looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Final

from daemon.export.context import Context, is_open, requirements, said
from daemon.export.spool import Spool
from daemon.export.text import markup
from providers.provider import Severity
from storage.findings import Finding

MOST: Final = 200
"""Rows of what was not read or decided; what is beyond them is counted."""
_CLOUDS: Final = {"aws": "AWS", "azure": "Azure", "gcp": "Google Cloud"}
_GRAVEST_FIRST: Final = tuple(reversed(Severity))
_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--line:#d0d7de;--band:#f6f8fa;--critical:#8b0a1a;
--high:#b42318;--medium:#8a4b00;--low:#0b5a8f;--info:#57606a;--warn:#fff4e5;--warnline:#b54708}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b3;--paper:#0d1117;--line:#30363d;--band:#161b22;
--critical:#ff8f9b;--high:#ff9c8f;--medium:#f0b26b;--low:#79c0ff;--info:#9da7b3;--warn:#2b1d0b;--warnline:#f0b26b}}
*{box-sizing:border-box}body{margin:0 auto;max-width:76rem;padding:2rem 1.25rem 4rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,sans-serif}h1{margin:0;font-size:1.75rem}h2{margin:2.5rem 0 .75rem;font-size:1.25rem}
p.soft,.soft{color:var(--soft)}table{width:100%;border-collapse:collapse;font-size:.9rem}caption{text-align:left;
color:var(--soft);padding-bottom:.35rem}th,td{padding:.4rem .6rem;border-bottom:1px solid var(--line);text-align:left;
vertical-align:top;overflow-wrap:anywhere}thead th{background:var(--band);white-space:nowrap}td.n,th.n{text-align:right;
font-variant-numeric:tabular-nums}.grid{display:grid;gap:1.5rem;grid-template-columns:repeat(auto-fit,minmax(15.5rem,1fr))}
.warn{background:var(--warn);border-left:.3rem solid var(--warnline);padding:.75rem 1rem;margin:1rem 0}
.good{border-left:.3rem solid #1a7f37;padding:.75rem 1rem;margin:1rem 0;background:var(--band)}
.sev{font-weight:650;white-space:nowrap}.critical{color:var(--critical)}.high{color:var(--high)}.medium{color:var(--medium)}
.low{color:var(--low)}.info{color:var(--info)}code{font:.85em ui-monospace,monospace}summary{cursor:pointer}
details p{margin:.35rem 0}.wide{overflow-x:auto}a:focus-visible,summary:focus-visible{outline:3px solid var(--low)}
td.sev,td.since{min-width:5.5rem}td.what{min-width:18rem}td.since,td.status{min-width:6.75rem}td.res{min-width:14rem}td.where{min-width:9.5rem}a{color:var(--low)}
@media print{body{max-width:none;padding:0}tr{break-inside:avoid}}
"""


def write(findings: Iterable[Finding], context: Context) -> Iterator[str]:
    """The report."""
    severities: Counter[Severity] = Counter()
    clouds: Counter[str] = Counter()
    accounts: Counter[tuple[str, str]] = Counter()
    policies: Counter[str] = Counter()
    with ExitStack() as stack:
        rows = {severity: stack.enter_context(Spool()) for severity in _GRAVEST_FIRST}
        for finding in findings:
            rows[finding.severity].write(_row(finding, context))
            severities[finding.severity] += 1
            clouds[finding.ref.provider] += 1
            accounts[finding.ref.provider, finding.ref.account] += 1
            policies[finding.policy] += 1
        total = severities.total()
        yield _head(context, total)
        yield _reservations(context)
        yield '<section aria-labelledby="summary"><h2 id="summary">Summary</h2>\n<div class="grid">'
        yield _severities(severities)
        yield _counts("By cloud", "Cloud", {_CLOUDS.get(c, c): n for c, n in clouds.items()})
        yield _counts("By account", "Account", {f"{c} {a}": n for (c, a), n in accounts.items()})
        yield _counts("By policy", "Policy", policies)
        yield "</div></section>\n"
        yield '<section aria-labelledby="findings"><h2 id="findings">Findings</h2>\n'
        if total:
            yield (
                '<div class="wide" role="region" tabindex="0" aria-labelledby="findings"><table>'
                "<caption>The gravest first, then in the order they were opened.</caption><thead><tr>"
                + "".join(
                    f'<th scope="col">{name}</th>'
                    for name in ("Severity", "What", "Resource", "Where", "Since", "Status")
                )
                + "</tr></thead><tbody>\n"
            )
            for severity in _GRAVEST_FIRST:
                yield from rows[severity]
            yield "</tbody></table></div>\n"
        else:
            yield "<p>There are none.</p>\n"
        yield "</section>\n"
    yield _coverage(context)
    yield "</main></body></html>\n"


def _head(context: Context, total: int) -> str:
    number = "1 finding" if total == 1 else f"{total:,} findings"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="referrer" content="no-referrer">'
        f"<title>Watchstander: {number}</title><style>{_STYLE}</style></head>\n<body><main>"
        f"<h1>{number}</h1>\n"
        f'<p class="soft">Watchstander {markup(context.version)}, written {_time(context.now)}.</p>\n'
    )


def _reservations(context: Context) -> str:
    """What the findings cannot speak of, in one box: the first thing to be read."""
    unread, unknown = len(context.unread), context.unknown_count
    if not context.coverage:
        return '<div class="warn" role="note">Nothing was read yet: this report says nothing about any cloud.</div>\n'
    if not unread and not unknown:
        return (
            f'<div class="good" role="note">All {len(context.coverage):,} scopes were read completely, and every policy'
            " could be decided.</div>\n"
        )
    parts = []
    if unread:
        parts.append(
            f'<a href="#coverage">{unread:,} of {len(context.coverage):,} scopes {_were(unread)} not read completely</a>'
        )
    if unknown:
        parts.append(
            f'<a href="#unknown">{unknown:,} {"judgement" if unknown == 1 else "judgements"} could not be made</a>'
        )
    return f'<div class="warn" role="note">{" and ".join(parts)}: what is there may fail and not be listed here.</div>\n'


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _severities(found: Counter[Severity]) -> str:
    rows = "".join(
        f'<tr><th scope="row" class="sev {s.value}">{s.value.title()}</th><td class="n">{found[s]:,}</td></tr>'
        for s in _GRAVEST_FIRST
    )
    return _table("By severity", (("Severity", ""), ("Findings", "n")), rows)


def _counts(title: str, column: str, found: Mapping[str, int]) -> str:
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    rows = "".join(
        f'<tr><th scope="row">{markup(name)}</th><td class="n">{count:,}</td></tr>'
        for name, count in ordered[:10]
    )
    if len(ordered) > 10:
        rest = sum(count for _, count in ordered[10:])
        rows += (
            f'<tr><th scope="row" class="soft">{len(ordered) - 10} more</th><td class="n">{rest:,}</td></tr>'
        )
    return _table(title, ((column, ""), ("Findings", "n")), rows)


def _table(caption: str, columns: Sequence[tuple[str, str]], rows: str) -> str:
    heads = "".join(
        f'<th scope="col"{f" class={style}" if style else ""}>{name}</th>' for name, style in columns
    )
    return (
        f'<div class="wide"><table><caption>{caption}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _row(finding: Finding, context: Context) -> str:
    ref = finding.ref
    more = [markup(context.description(finding))]
    if remedy := context.remediation(finding):
        more.append(f"<strong>What to do:</strong> {markup(remedy)}")
    if controls := requirements(finding):
        more.append(f'<span class="soft">{markup("; ".join(controls))}</span>')
    details = "".join(f"<p>{text}</p>" for text in more)
    severity = finding.severity.value
    status = finding.status.value if is_open(finding) else f"{finding.status.value}, {_reason(finding)}"
    return (
        f'<tr><td class="sev {severity}">{severity.title()}</td>'
        f'<td class="what">{markup(said(finding))}'
        f"<details><summary><code>{markup(finding.policy)}</code></summary>{details}</details></td>"
        f'<td class="res"><code>{markup(ref.uid)}</code><br><span class="soft">{markup(ref.type)}</span></td>'
        f'<td class="where">{markup(_CLOUDS.get(ref.provider, ref.provider))}<br>'
        f'<span class="soft">{markup(ref.account)}<br>{markup(ref.region)}</span></td>'
        f'<td class="since">{_time(finding.opened_at)}</td><td class="status">{markup(status)}</td></tr>\n'
    )


def _reason(finding: Finding) -> str:
    return finding.reason.value.replace("-", " ") if finding.reason else ""


def _time(moment: datetime) -> str:
    return f'<time datetime="{moment.isoformat()}">{moment:%Y-%m-%d %H:%M} UTC</time>'


def _coverage(context: Context) -> str:
    out = ['<section aria-labelledby="coverage"><h2 id="coverage">What was read, and what was not</h2>\n']
    complete = len(context.coverage) - len(context.unread)
    out.append(
        f"<p>{complete:,} of {len(context.coverage):,} scopes (an account, a region, a type) were read completely the last"
        " time. Nothing is concluded from the others: what is known of them is as it was last seen.</p>\n"
    )
    if context.unread:
        rows = "".join(
            f'<tr><th scope="row">{markup(str(s.scope))}</th><td>{markup(str(s.status))}</td>'
            f"<td>{markup(s.cause or '')}</td><td>{f'<code>{markup(s.permission)}</code>' if s.permission else ''}</td>"
            f"<td>{_time(s.last_complete_at) if s.last_complete_at else 'never'}</td></tr>"
            for s in context.unread[:MOST]
        )
        columns = (("Scope", ""), ("Status", ""), ("Why not", ""), ("Permission", ""), ("Last complete", ""))
        out.append(_table("Not read completely" + _of(len(context.unread)), columns, rows))
    out.append("</section>\n")
    if context.unknown_count:
        rows = "".join(
            f'<tr><th scope="row"><code>{markup(pair.policy)}</code></th><td><code>{markup(pair.uid)}</code></td>'
            f"<td>{markup(pair.cause)}</td></tr>"
            for pair in context.unknown[:MOST]
        )
        out.append(
            '<section aria-labelledby="unknown"><h2 id="unknown">What could not be decided</h2>\n'
            "<p>Something that the policy reads was not there. That is neither a pass nor a failure.</p>\n"
            + _table(
                "Undecided" + _of(context.unknown_count),
                (("Policy", ""), ("Resource", ""), ("Why", "")),
                rows,
            )
            + "</section>\n"
        )
    return "".join(out)


def _of(count: int) -> str:
    return f" (the first {MOST} of {count:,})" if count > MOST else ""
