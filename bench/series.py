"""Servers that take turns with a reference, so that what else the machine does
meets both."""
import statistics
import subprocess
import sys


def turns(reference, names, measure):
    """Measure each of `names` between two runs of the reference.

    Returns [(name, values)], the reference first, last, and every second one; values[0] is the
    figure to compare.  A run that fails says so and has None.
    """
    runs = []
    for name in [reference, *(n for other in names for n in (other, reference))]:
        try:
            runs.append((name, measure(name)))
        except (subprocess.SubprocessError, OSError, RuntimeError, ValueError) as e:
            print(f"{name}: {e}", file=sys.stderr)
            runs.append((name, None))
    return runs


def mix(often, others, times, share=3):
    """An order: `often` so many times, each of the others times / share, spread in between."""
    queue, names = others * -(-times // share), []
    for i in range(times):
        names += [often, *queue[len(queue) * i // times:len(queue) * (i + 1) // times]]
    return names


def ratios(runs, name):
    """Of each of its runs: its figure, of the mean of the reference's before and after.  For the
    reference: of the references next to it, which is the noise."""
    reference = runs[0][0]
    step = 2 if name == reference else 1
    return [2 * values[0] / (runs[i - step][1][0] + runs[i + step][1][0])
            for i, (who, values) in enumerate(runs)
            if who == name and values and step <= i < len(runs) - step
            and runs[i - step][1] and runs[i + step][1]]


def medians(runs, name):
    """Of each of its values; None where there are none."""
    columns = zip(*(values for who, values in runs if who == name and values))
    return [None if None in column else statistics.median(column) for column in columns]


def spread(values):
    return f"{len(values)} runs, {min(values):.2f} to {max(values):.2f}"
