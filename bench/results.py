"""Figures of a bench, the goals they are to reach, and tables of both."""
from dataclasses import dataclass

import chart
from harness import COLUMNS

NAMES = {"ramet": "ramet", "ramet 64K": "ramet, 64 KiB", "st": "State Threads", "boost": "Boost.Fiber",
         "go": "Go", "pthread": "threads", "epoll": "bare epoll", "uv": "libuv", "erlang": "Erlang",
         "nginx": "nginx", "node": "node", "gevent": "gevent", "uwsgi": "uwsgi", "gunicorn": "gunicorn"}


class Results:
    """Values by (bench, peer, parameter); the best counts where one is measured again."""

    def __init__(self):
        self.values, self.rows = {}, {}

    def add(self, bench, peer, param, value, unit, note=""):
        key = self.key(bench, peer, param)
        if key not in self.values or value < self.values[key]:
            self.values[key] = value
            self.rows[key] = (bench, peer, param, f"{value:.6g}", unit, note)

    def leave_out(self, bench, peer, param, unit, why):
        """A row for what is not measured."""
        self.rows.setdefault(self.key(bench, peer, param), (bench, peer, param, "-", unit, f"not measured: {why}"))

    @staticmethod
    def key(bench, peer, param):
        return bench, peer, param

    def get(self, bench, peer, param=""):
        return self.values.get((bench, peer, param))

    def tsv(self, facts):
        """The table as text, below facts as comments."""
        lines = [COLUMNS, *self.rows.values()]
        return "".join([*(f"# {name}: {value}\n" for name, value in facts.items() if value),
                        *("\t".join(line) + "\n" for line in lines)])


@dataclass
class Goal:
    """Limits a value, or with `than` how many times better than that peer ramet must be."""
    bench: str
    param: str
    limit: float
    at_least: bool = False
    than: str = ""
    peer: str = "ramet"

    def value(self, results):
        value = results.get(self.bench, self.peer, self.param)
        if value is None or not self.than:
            return value
        other = results.get(self.bench, self.than, self.param)
        if not other or not value:
            return None
        return value / other if self.bench.endswith("-ratio") else other / value

    def met(self, value):
        return value >= self.limit if self.at_least or self.than else value <= self.limit

    def text(self, value, words=("ok", "short")):
        verdict = words[0 if self.met(value) else 1]
        if self.than:
            return f">= {self.limit:g}x {NAMES[self.than]}: {chart.number(value)}x {verdict}"
        return f"{'>=' if self.at_least else '<='} {self.limit:g} {verdict}"


def goals_of(goals, results, bench, param, **words):
    """The goals that have a value, as text."""
    for goal in goals:
        value = goal.value(results)
        if (goal.bench, goal.param) == (bench, param) and value is not None:
            yield (NAMES[goal.peer] + " " if goal.peer != "ramet" else "") + goal.text(value, **words)


def verdicts(goals, results):
    for goal in goals:
        value = goal.value(results)
        if value is not None:
            yield {"bench": goal.bench, "parameter": goal.param, "peer": goal.peer, "than": goal.than,
                   "at_least" if goal.at_least or goal.than else "at_most": goal.limit,
                   "value": value, "ok": goal.met(value)}


def print_table(title, columns, rows):
    """rows: (label, {column: value}, goals)."""
    columns = [c for c in columns if any(values.get(c) is not None for _, values, _ in rows)]
    if not columns:
        return
    width = max(len(label) for label, _, _ in rows)
    print(f"\n{title}")
    print(" " * width + "".join(f"  {NAMES[c]:>13}" for c in columns))
    for label, values, goals in rows:
        cells = ("-" if values.get(c) is None else chart.number(values[c]) for c in columns)
        line = f"{label:{width}}" + "".join(f"  {cell:>13}" for cell in cells)
        print((line + "   " + "; ".join(goals)).rstrip())


def panel(results, title, unit, bench, param="", peers=NAMES, **options):
    bars = [chart.Bar(NAMES[p], results.get(bench, p, param), p.startswith("ramet"))
            for p in peers if results.get(bench, p, param) is not None]
    bars.sort(key=lambda bar: bar.value, reverse=options.get("more_is_better", False))
    return chart.Panel(title, unit, bars, **options)
