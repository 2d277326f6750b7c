"""Prometheus' text format, 0.0.4, as its documentation says; what is not good raises."""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
NUMBER = r"NaN|[+-]?Inf|[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL}(?:,(?=[a-z_])|(?=\}})))*)\}})? ({NUMBER})(?: -?\d+)?")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")


def check(text):
    """Returns the samples: {name: [(labels, value)]}."""
    found, types, helped, family, closed = {}, {}, set(), None, set()
    assert text.endswith("\n"), "the last line has no end"
    for line in text.split("\n")[:-1]:
        if m := re.fullmatch(rf"# HELP ({NAME}) ((?:[^\\]|\\[\\n])*)", line):
            assert m[1] not in helped, f"a second HELP: {line}"
            helped.add(m[1])
        elif m := re.fullmatch(rf"# TYPE ({NAME}) (\w+)", line):
            assert m[2] in TYPES and m[1] not in types, line
            assert m[1] in helped, f"no HELP before: {line}"
            types[m[1]] = m[2]
        else:
            m = SAMPLE.fullmatch(line)
            assert m, f"no sample: {line!r}"
            name = m[1] if m[1] in types else re.sub("_(bucket|sum|count)$", "", m[1])
            assert name in types, f"no TYPE before: {line}"
            assert (types[name] == "histogram") == (name != m[1]), line
            # All lines of a metric are one group.
            assert name == family or name not in closed, f"not in its group: {line}"
            closed.add(name)
            family = name
            labels = dict(re.findall(LABEL, m[2] or ""))
            assert labels not in [other for other, _ in found.get(m[1], [])], f"twice: {line}"
            found.setdefault(m[1], []).append((labels, float(m[m.lastindex])))
    for name, kind in types.items():
        if kind == "histogram":
            check_histogram(name, found)
        elif kind == "counter":
            assert all(value >= 0 for _, value in found[name]), name
    return found


def check_histogram(name, found):
    """Of each set of labels: buckets grow, the last is +Inf and the count."""
    series = {}
    for labels, value in found.get(name + "_bucket", []):
        end = labels.pop("le")
        series.setdefault(tuple(sorted(labels.items())), []).append((float(end), value))
    counts = {tuple(sorted(labels.items())): value for labels, value in found.get(name + "_count", [])}
    sums = {tuple(sorted(labels.items())) for labels, _ in found.get(name + "_sum", [])}
    assert set(counts) == set(series) == sums, name
    for key, buckets in series.items():
        ends, values = zip(*buckets)
        assert list(ends) == sorted(set(ends)) and ends[-1] == float("inf"), (name, ends)
        assert list(values) == sorted(values) and values[-1] == counts[key], (name, values)
