#!/usr/bin/env python3
"""All cells of the benchmark in alternation, beside the peers and the limits: ./dev bench suite, ./dev bench load.

Each participant is a process, of ledger_bench --mode driven or of bench/peers/. It makes its books and preloads them,
then runs a round for each line that it gets. There is a round of each, then the next round of each, so that all meet
the same weather. Ratios are taken within a round, and the table shows their median.
"""
import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


def note(text):
    print(f"   {text}", file=sys.stderr, flush=True)


# ---- participants


class Participant:
    """A process that runs rounds."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = self.answer()
        self.version = ready["ready"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with status {self.process.wait()}")
        return json.loads(line)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def round(self, callers, batch, postings):
        return self.ask(f"{callers} {batch} {postings}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Pgbench:
    """pgbench -N, whose server CPU is the measure of what a small transaction costs on this machine."""

    def __init__(self, server, durable):
        self.name = "pgbench -N"
        self.server = server
        self.environment = {**os.environ, "PGOPTIONS": f"-c synchronous_commit={'on' if durable else 'off'}"}
        self.pgbench = self.find()
        subprocess.run([self.pgbench, "-q", "-i", "-s", "10", server], check=True, stderr=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)

    @staticmethod
    def find():
        folders = os.environ.get("PATH", "").split(":") + [
            f"/usr/lib/postgresql/{version}/bin" for version in range(15, 30)]
        for folder in [os.environ.get("CALA_POSTGRES_BIN", "")] + folders:
            if folder and os.access(f"{folder}/pgbench", os.X_OK):
                return f"{folder}/pgbench"
        return None

    def round(self, callers, batch, postings):
        before, begin = server_seconds(self.server), time.monotonic()
        done = subprocess.run([self.pgbench, "-n", "-N", "-M", "prepared", "-c", str(callers), "-t",
                               str(max(postings // callers, 1)), self.server],
                              check=True, capture_output=True, text=True, env=self.environment)
        seconds = time.monotonic() - begin
        after = server_seconds(self.server)
        rate = float(re.search(r"tps = ([0-9.]+)", done.stdout).group(1))
        count = int(re.search(r"actually processed: (\d+)", done.stdout).group(1))
        return {"postings": count, "seconds": count / rate if rate else seconds,
                "server_s": None if before is None else after - before}

    def close(self):
        subprocess.run([self.pgbench, "-q", "-i", "-I", "d", self.server], stderr=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)


def process_times(pid):
    """The parent of a process, seconds of CPU that it took, and those of its children that have ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[1]), sum(map(int, fields[11:13])) / tick, sum(map(int, fields[13:15])) / tick


def server_seconds(server):
    """CPU of the server in whose folder the socket is, as tests/postgres_cluster.sh makes it; None for another."""
    folder = re.search(r"host=(/[^& ]*)", server)
    try:
        with open(f"{folder.group(1)}/data/postmaster.pid", encoding="utf-8") as file:
            postmaster = int(file.readline())
    except (AttributeError, OSError, ValueError):
        return None
    _, own, ended = process_times(postmaster)
    children = (process_times(pid) for pid in os.listdir("/proc") if pid.isdigit())
    return own + ended + sum(each[1] for each in children if each and each[0] == postmaster)


OURS = {"postgres": "libcala", "sqlite": "libcala embedded"}
CRATE, FUNCTION = "crate", "SQL function"
BARE = {"postgres": "bare rows", "sqlite": "bare rows, SQLite"}
COPY, PGBENCH = "COPY", "pgbench -N"


def start(options, books, accounts, durable):
    """Every participant that there is, by name; with full books those that are ledgers."""
    common = ["--accounts", accounts, "--books", books, "--durable", str(int(durable)), "--preload",
              str(options.preload)]
    ours = [options.ledger, "--mode", "driven"] + common
    commands = {OURS["sqlite"]: ours + ["--store", "sqlite"]}
    if books == "plain":
        commands[BARE["sqlite"]] = ours + ["--store", "sqlite", "--work", "bare"]
    if options.server:
        on_server = ours + ["--store", options.server]
        commands[OURS["postgres"]] = on_server
        if books == "plain":
            commands[BARE["postgres"]] = on_server + ["--work", "bare"]
            commands[COPY] = on_server + ["--work", "copy"]
            commands[FUNCTION] = on_server + ["--work", "function"]
        if options.crate:
            commands[CRATE] = [options.crate] + common
    participants = {}
    for name, command in commands.items():
        if options.only and name not in options.only:
            continue
        participants[name] = Participant(name, command)
    if options.server and Pgbench.find() and not options.only and books == "plain":
        participants[PGBENCH] = Pgbench(options.server, durable)
    return participants


# ---- the cells

CRATE_BATCHES = [(8, 20), (4, 100), (1, 500)]  # where its best is looked for


def items_of(participants, callers, batch, accounts):
    """Who runs how in this cell: {label: (participant, callers, batch)}."""
    items = {}
    for name, participant in participants.items():
        if name == PGBENCH:
            if callers == 1 and batch == 1:
                items[name] = (participant, 1, 1)
        elif name == COPY:
            items[name] = (participant, 1, 1)
        elif name == CRATE and batch > 500 and accounts != "hot":
            continue  # it takes 1,000 balances in a batch at the most
        else:
            items[name] = (participant, callers, batch)
    if callers == 64 and batch == 1:
        if CRATE in participants:
            for some, many in CRATE_BATCHES:
                items[f"{CRATE}, {some} × {many}"] = (participants[CRATE], some, many)
        if OURS["sqlite"] in participants:
            items[OURS["sqlite"] + ", 1 caller"] = (participants[OURS["sqlite"]], 1, 1)
    return items


def rate_of(result):
    return result["postings"] / result["seconds"]


def run_cell(items, rounds, seconds):
    """Rounds in alternation: {label: [result of each round]}."""
    counts = {}
    for label, (participant, callers, batch) in items.items():
        group = callers * batch
        warm = participant.round(callers, batch, max(2 * group, 50))
        least = group if group > 1 else 50
        counts[label] = max(math.ceil(rate_of(warm) * seconds / group) * group, least)
    results = {label: [] for label in items}
    for _ in range(rounds):
        for label, (participant, callers, batch) in items.items():
            results[label].append(participant.round(callers, batch, counts[label]))
    return results


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def rate(results):
    return median([rate_of(result) for result in results])


def ratio(cell, label, other):
    """How many times faster, within rounds."""
    if label not in cell or other not in cell:
        return None
    return median([rate_of(a) / rate_of(b) for a, b in zip(cell[label], cell[other])])


def per_posting(results, key, unit=1.0):
    """Over all rounds: a short round is shorter than the clocks of CPU are fine."""
    if any(result.get(key) is None for result in results):
        return None
    return sum(result[key] for result in results) * unit / sum(result["postings"] for result in results)


def best_of_crate(cell):
    labels = [label for label in cell if label.startswith(f"{CRATE}, ")]
    return max(labels, key=lambda label: rate(cell[label]), default=None)


# ---- tables


def number(value, digits=0):
    return "–" if value is None else f"{value:,.{digits}f}"


def times(value):
    return "–" if value is None else f"{value:,.2f} ×" if value < 10 else f"{value:,.0f} ×"


def table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def work_of(callers, batch):
    return f"batch of {batch:,}" if batch > 1 else f"{callers} caller{'s' if callers > 1 else ''}"


def accounts_of(accounts):
    return "hot pair" if accounts == "hot" else f"{int(accounts):,} accounts"


def measures(results):
    return [number(rate(results)), number(median([r.get("p50_ms") for r in results]), 2),
            number(median([r.get("p99_ms") for r in results]), 2)]


def costs(results):
    return [number(per_posting(results, "written")), number(per_posting(results, "client_s", 1e6)),
            number(per_posting(results, "server_s", 1e6)), number(median([r.get("peak_mib") for r in results]))]


COSTS = ["written B", "client µs", "server µs", "peak MiB"]


def print_tables(cells):
    for store in ["postgres", "sqlite"]:
        for durable in [True, False]:
            rows = []
            for (accounts, is_durable, callers, batch), cell in cells.items():
                if is_durable != durable or OURS[store] not in cell:
                    continue
                ours = OURS[store]
                against = [BARE[store]] if store == "sqlite" else [CRATE, FUNCTION, BARE[store], COPY]
                rows.append([work_of(callers, batch), accounts_of(accounts)] + measures(cell[ours]) +
                            [times(ratio(cell, ours, other)) for other in against] + costs(cell[ours]))
            if rows:
                names = ["bare rows"] if store == "sqlite" else ["the crate", "SQL function", "bare rows", "COPY"]
                print(f"## {'PostgreSQL' if store == 'postgres' else 'Embedded'}, "
                      f"{'durable' if durable else 'not durable'}\n")
                table(["work", "on", "postings/s", "p50 ms", "p99 ms"] + names + COSTS, rows)
    rows = []
    for (accounts, durable, callers, batch), cell in cells.items():
        for label, results in cell.items():
            if label not in OURS.values():
                rows.append([label, work_of(callers, batch), accounts_of(accounts), "yes" if durable else "no"] +
                            measures(results) + costs(results))
    print("## The others, in the same rounds\n")
    table(["who", "in the cell", "on", "durable", "postings/s", "p50 ms", "p99 ms"] + COSTS, rows)


def print_targets(cells):
    def cell(callers, batch, accounts="10000"):
        return cells.get((accounts, True, callers, batch), {})

    rows = []

    def row(work, against, least, value, show=times):
        rows.append([work, against, show(least), "–" if value is None else show(value)])

    pg, embedded = OURS["postgres"], OURS["sqlite"]
    row("16 callers, hot pair", "the crate", 20, ratio(cell(16, 1, "hot"), pg, CRATE))
    row("64 callers, hot pair", "the crate", 40, ratio(cell(64, 1, "hot"), pg, CRATE))
    row("64 callers, 10,000 accounts", "the crate", 20, ratio(cell(64, 1), pg, CRATE))
    for accounts in ["hot", "10000"]:
        where = accounts_of(accounts)
        row(f"batch of 100, {where}", "the crate's batch of 100", 8, ratio(cell(1, 100, accounts), pg, CRATE))
        at_64 = cell(64, 1, accounts)
        best = best_of_crate(at_64)
        row(f"64 callers, {where}", f"the crate at its best ({best})" if best else "the crate at its best", 5,
            ratio(at_64, pg, best))
        row(f"1 caller, {where}", "the crate", 3, ratio(cell(1, 1, accounts), pg, CRATE))
    spread = cell(64, 1)
    row("64 callers, 10,000 accounts", "COPY of the same rows, one connection", 0.6, ratio(spread, pg, COPY))
    for accounts in ["hot", "10000"]:
        at_64 = cell(64, 1, accounts)
        where = accounts_of(accounts)
        row(f"embedded, 64 callers, {where}", "our PostgreSQL path", 3, ratio(at_64, embedded, pg))
        row(f"embedded, 64 callers, {where}", "embedded, 1 caller", 8, ratio(at_64, embedded, embedded + ", 1 caller"))
        row(f"embedded, batch of 100, {where}", "bare rows, same groups", 0.4,
            ratio(cell(1, 100, accounts), embedded, BARE["sqlite"]))

    def server(some, who):
        return per_posting(some[who], "server_s", 1e6) if who in some else None

    alone, small = server(cell(1, 1, "hot"), pg), server(cell(1, 1, "hot"), PGBENCH)
    row("server CPU, 1 caller, hot pair (most)", "pgbench -N", 1.5, alone / small if alone and small else None)
    row("server CPU, 64 callers, 10,000 accounts, µs (most)", "", 70, server(spread, pg), number)
    if pg in spread and CRATE in spread:
        row("WAL, 64 callers, 10,000 accounts (most)", "the crate", 0.4,
            per_posting(spread[pg], "written") / per_posting(spread[CRATE], "written"))
    print("## Targets\n")
    table(["work", "against", "target", "measured"], rows)


def describe(options, participants):
    versions = sorted({p.version for p in participants.values() if isinstance(p, Participant)})
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if "model name" in line),
                 "unknown processor")
    print(f"{', '.join(versions)}; {os.cpu_count()} × {model}; {options.rounds} rounds of about {options.seconds:g} s, "
          f"preloaded with {options.preload:,} postings.\n")


def print_full(cells):
    rows = []
    for (accounts, _, callers, batch), cell in cells.items():
        for label, results in cell.items():
            rows.append([label, work_of(callers, batch), accounts_of(accounts)] + measures(results) +
                        [times(ratio(cell, label, CRATE)) if label != CRATE else "–"] + costs(results))
    print("## Full books: sets two deep, a limit that counts every entry, balances by effective date; durable\n")
    table(["who", "work", "on", "postings/s", "p50 ms", "p99 ms", "the crate"] + COSTS, rows)
    rows = [[work_of(callers, batch), accounts_of(accounts),
             times({(1, 1): 3, (16, 1): 15, (1, 100): 10}[callers, batch]),
             times(ratio(cell, OURS["postgres"], CRATE))] for (accounts, _, callers, batch), cell in cells.items()]
    table(["full books", "on", "target, to the crate", "measured"], rows)


def suite(options):
    raw = open(options.raw, "w", encoding="utf-8") if options.raw else None
    described = False
    for books in options.books:
        works = [(1, 1), (16, 1), (64, 1), (256, 1), (1, 10), (1, 100), (1, 1000)]
        durabilities = [True, False]
        if options.quick:
            works, durabilities = [(1, 1), (16, 1), (64, 1), (1, 100)], [True]
        if books == "full":
            works, durabilities = [(1, 1), (16, 1), (1, 100)], [True]
        cells = {}
        for durable in durabilities:
            for accounts in options.accounts:
                participants = start(options, books, accounts, durable)
                if not described:
                    describe(options, participants)
                    described = True
                for callers, batch in works:
                    note(f"{books} books, {work_of(callers, batch)}, {accounts_of(accounts)}, "
                         f"{'durable' if durable else 'not durable'}  [{time.monotonic() - options.begin:.0f} s]")
                    cell = run_cell(items_of(participants, callers, batch, accounts), options.rounds, options.seconds)
                    cells[accounts, durable, callers, batch] = cell
                    if raw:
                        raw.write(json.dumps({"books": books, "accounts": accounts, "durable": durable,
                                              "callers": callers,
                                              "batch": batch, "rounds": cell}) + "\n")
                        raw.flush()
                for participant in participants.values():
                    participant.close()
        if books == "full":
            print_full(cells)
        else:
            print_tables(cells)
            print_targets(cells)


# ---- latency against load

SHARES = [0.1, 0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5]


def measure_load(options):
    """{store: (rate in a closed loop, [load at each offered rate])}"""
    stores = {"sqlite": "sqlite"}
    if options.server:
        stores["postgres"] = options.server
    loads = {}
    for store, where in stores.items():
        ours = Participant(store, [options.ledger, "--mode", "driven", "--store", where, "--accounts", "10000",
                                   "--preload",
                                   str(options.preload), "--queue-max", str(options.queue)])
        ours.round(64, 1, 256)
        warm = rate_of(ours.round(256, 1, 1024))
        peak = rate_of(ours.round(256, 1, max(int(warm * options.seconds), 1024)))
        note(f"{store}: {peak:,.0f} postings/s with 256 callers")
        points = []
        for share in SHARES:
            points.append(ours.ask(f"open {max(int(peak * share), 1)} {options.seconds}"))
            note(f"{share:.2f} of it: p99 {points[-1]['p99_ms']:.1f} ms, {points[-1]['refused']} refused")
        loads[store] = (peak, points)
        ours.close()
    return loads


COLORS = {"postgres": "#336791", "sqlite": "#c0563b"}
NAMES = {"postgres": "PostgreSQL", "sqlite": "embedded"}


def axis_ticks(most):
    step = 10 ** math.floor(math.log10(most))
    step = next(step * factor for factor in [0.1, 0.2, 0.5, 1, 2] if most / (step * factor) <= 8)
    return [step * i for i in range(int(most / step) + 1)]


def svg_of(loads):
    """Latency over offered load; the latency's scale is logarithmic."""
    width, height, left, right, top, bottom = 820, 460, 70, 190, 50, 70
    points = [point for _, some in loads.values() for point in some]
    most = max(point["offered"] for point in points) * 1.02
    latencies = [point[key] for point in points for key in ("p50_ms", "p99_ms") if point[key] > 0]
    low = 10 ** math.floor(math.log10(min(latencies)))
    high = 10 ** math.ceil(math.log10(max(latencies)))

    def x_of(value):
        return left + (width - left - right) * value / most

    def y_of(value):
        share = math.log10(max(value, low) / low) / math.log10(high / low)
        return height - bottom - (height - top - bottom) * share

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
           f'font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>',
           f'<text x="{left}" y="24" font-size="15">Latency against offered load: 10,000 accounts, durable, open '
           f'loop</text>']
    for tick in axis_ticks(most):
        x = x_of(tick)
        out.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{height - bottom}" stroke="#ddd"/>')
        out.append(f'<text x="{x:.1f}" y="{height - bottom + 18}" text-anchor="middle">{tick:,.0f}</text>')
    decade = low
    while decade <= high * 1.001:
        y = y_of(decade)
        out.append(f'<line x1="{left}" y1="{y:.1f}" x2="{width - right}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{decade:g} ms</text>')
        decade *= 10
    out.append(f'<text x="{(left + width - right) / 2:.0f}" y="{height - bottom + 38}" text-anchor="middle">'
               "postings a second that were to start</text>")
    out.append(f'<text x="{left}" y="{height - 12}" fill="#666">./dev bench load. Latency counts from when a '
               f'posting was to '
               "start; hollow: some were refused, the queue was full.</text>")
    legend = top + 10
    for store, (peak, some) in loads.items():
        color = COLORS[store]
        for key, dash in (("p50_ms", "5 4"), ("p99_ms", "none")):
            path = " ".join(f"{x_of(point['offered']):.1f},{y_of(point[key]):.1f}" for point in some)
            out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2" '
                       f'stroke-dasharray="{dash}"/>')
            for point in some:
                fill = "white" if point["refused"] else color
                out.append(f'<circle cx="{x_of(point["offered"]):.1f}" cy="{y_of(point[key]):.1f}" r="3.5" '
                           f'fill="{fill}" '
                           f'stroke="{color}"/>')
            out.append(f'<line x1="{width - right + 15}" y1="{legend}" x2="{width - right + 45}" y2="{legend}" '
                       f'stroke="{color}" '
                       f'stroke-width="2" stroke-dasharray="{dash}"/>')
            out.append(f'<text x="{width - right + 52}" y="{legend + 4}">{NAMES[store]}, {key[:3]}</text>')
            legend += 20
        x = x_of(peak)
        out.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{height - bottom}" stroke="{color}" '
                   f'stroke-dasharray="2 3"/>')
        out.append(f'<text x="{width - right + 15}" y="{legend + 4}" fill="{color}">256 callers: {peak:,.0f}/s</text>')
        legend += 32
    return "\n".join(out + ["</svg>", ""])


def load(options):
    loads = measure_load(options)
    for store, (peak, points) in loads.items():
        print(f"## {'PostgreSQL' if store == 'postgres' else 'Embedded'}: {peak:,.0f} postings/s with 256 callers "
              f"in a closed loop\n")
        table(["offered/s", "of that", "answered/s", "p50 ms", "p99 ms", "max ms", "refused", "failed",
               "generator late ms"],
              [[number(p["offered"]), f"{p['offered'] / peak:.0%}",
                number(p["answered"] / p["seconds"] if p["seconds"] else 0),
                number(p["p50_ms"], 2), number(p["p99_ms"], 2), number(p["max_ms"], 1), number(p["refused"]),
                number(p["failed"]), number(p["late_ms"], 1)] for p in points])
    with open(options.svg, "w", encoding="utf-8") as file:
        file.write(svg_of(loads))
    note(f"drawn: {os.path.relpath(options.svg)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["suite", "load"])
    parser.add_argument("--quick", action="store_true", help="fewer cells and shorter rounds: about fifteen minutes")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="how long a round is")
    parser.add_argument("--preload", type=int)
    parser.add_argument("--accounts", action="append", help="hot or a number; several times")
    parser.add_argument("--books", action="append", choices=["plain", "full"],
                        help="suite: both, unless told otherwise")
    parser.add_argument("--only", action="append", help="only this participant; several times")
    parser.add_argument("--queue", type=int, default=2000, help="load: operations in flight at most")
    parser.add_argument("--svg", default=f"{ROOT}/docs/load.svg")
    parser.add_argument("--raw", default=f"{ROOT}/build/suite.jsonl", help="suite: every round, a line of JSON a cell")
    parser.add_argument("--ledger", default=f"{ROOT}/build/release/bin/ledger_bench")
    parser.add_argument("--crate", default=f"{ROOT}/build/peers/cala-ledger/release/cala-ledger-peer")
    options = parser.parse_args()
    options.server = os.environ.get("CALA_TEST_POSTGRES", "")
    options.accounts = options.accounts or ["hot", "10000"]
    options.books = options.books or ["plain", "full"]
    options.preload = options.preload if options.preload is not None else 2000 if options.quick else 5000
    options.rounds = options.rounds or (3 if options.quick else 5)
    default_seconds = {"suite": 0.7 if options.quick else 1.5, "load": 3 if options.quick else 10}
    options.seconds = options.seconds or default_seconds[options.what]
    options.begin = time.monotonic()
    if not os.access(options.crate, os.X_OK):
        note("without the crate cala-ledger: cargo has not built it")
        options.crate = None
    (suite if options.what == "suite" else load)(options)


if __name__ == "__main__":
    main()
