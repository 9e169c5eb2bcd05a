"""What a run of fetch says at its end."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from stages.lib.fetch.hosts import host_of
from stages.lib.fetch.records import STATUSES, Fetched

TOP_FAILURES = 5
RE_ENCODED = (
    "every image of the mirror has another MD5 than its name: it seems re-encoded; to take it as it is, add "
    "`-S fetch.on_md5_mismatch=keep`"
)


def counted(counts: Mapping[str, int], names: Iterable[str] = STATUSES) -> str:
    """Puts counts into words: `41 no_url, 16,536 fetch_failed`."""
    return ", ".join(f"{counts[name]:,} {name}" for name in names if counts[name])


def mirror_hint(rows: Iterable[Fetched]) -> str:
    """Returns what to do about a mirror that has images, and none of them with its own MD5; else nothing."""
    seen = [row for row in rows if row.source == "mirror" and row.md5_seen]
    own = any(row.md5_seen == row.md5hash for row in seen)
    images = [row for row in seen if " image" in row.detail and "no image" not in row.detail]
    others = any(row.status == "md5_mismatch" for row in images)
    return RE_ENCODED if others and not own else ""


def summary(table: Collection[Fetched], urls: Mapping[str, str], total: int, hint: str = "") -> str:
    """Says how many images came from where, why others did not, host by host, and how to try again.

    Args:
        table: The rows that were reached.
        urls: Each key's.
        total: The catalog's rows.
        hint: What to do about the mirror.
    """
    statuses = Counter(row.status for row in table)
    sources = Counter(f"from {row.source}" for row in table if row.status == "ok")
    rest = f"; {total - len(table):,} not reached" if len(table) < total else ""
    lines = [f"fetch: {counted(statuses) or 'nothing'} of {total:,} images{rest}"]
    if sources:
        lines.append(f"  arrived: {counted(sources, sorted(sources))}")
    failures: dict[str, Counter] = defaultdict(Counter)
    not_asked: Counter = Counter()
    for row in table:
        if row.status in ("fetch_failed", "md5_mismatch"):
            host = host_of(urls.get(row.md5hash, "")) or row.source or "no host"
            failures[host][row.detail] += 1
            not_asked[host] += row.attempts == 0 and not row.source
    for host, details in sorted(failures.items(), key=lambda item: (-item[1].total(), item[0])):
        spared = f" ({not_asked[host]:,} not asked for)" if not_asked[host] else ""
        lines.append(f"  {host}: {details.total():,}{spared}")
        lines += [f"    {count:,} x {detail}" for detail, count in details.most_common(TOP_FAILURES)]
        if len(details) > TOP_FAILURES:
            lines.append(f"    and {len(details) - TOP_FAILURES:,} other reasons")
    if hint:
        lines.append(f"  {hint}")
    if statuses["fetch_failed"]:
        lines.append("  to try the failed ones again: dvc repro -f -s fetch")
    return "\n".join(lines)
