"""Draw panels of horizontal bars as SVG, readable on light and dark pages."""
import math
from dataclasses import dataclass
from html import escape

WIDTH, COLUMNS = 900, 2
MARGIN, GAP = 16, 28
NAME, VALUE = 96, 62  # room left and right of the bars
ROW, BAR = 18, 12
HEAD, FOOT = 40, 18
LOG_FROM = 20  # times the least: then the scale is logarithmic

STYLE = """
text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 13px }
.small { font-size: 10.5px; fill: #57606a }
.page { fill: #fff } .ours { fill: #1a7f5a } .other { fill: #9aa7b5 } .grid { stroke: #d8dee4 }
.end { text-anchor: end } .middle { text-anchor: middle }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 }
  .page { fill: #0d1117 } .ours { fill: #3fb68b } .other { fill: #59636e } .grid { stroke: #30363d }
}"""


@dataclass
class Bar:
    name: str
    value: float
    ours: bool = False
    remark: str = ""  # behind the value


@dataclass
class Panel:
    title: str
    unit: str
    bars: list
    more_is_better: bool = False


def number(value):
    """Three digits, with thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


class Scale:
    """From values to widths; marks are the values worth a grid line."""

    def __init__(self, values, width):
        low, high = min(values), max(values)
        self.width, self.high, self.log = width, high, low > 0 and high / low >= LOG_FROM
        if self.log:  # the least bar is not quite nothing
            self.low = low / 2
            self.marks = [10.0**e for e in range(math.ceil(math.log10(self.low)), 15) if 10.0**e <= high]
        else:
            step = 10 ** math.floor(math.log10(high or 1))
            step = next(s for s in (step / 5, step / 2, step, 2 * step, 5 * step) if high / s <= 4)
            self.marks = [step * i for i in range(int(high / step) + 1)]

    def at(self, value):
        if self.log:
            return self.width * math.log(value / self.low) / math.log(self.high / self.low)
        return self.width * value / (self.high or 1)


def height(panel):
    return HEAD + ROW * len(panel.bars) + FOOT


def text(x, y, words, kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>'


def draw_panel(panel, left, top, width):
    scale = Scale([b.value for b in panel.bars], width - NAME - VALUE)
    zero, bottom = left + NAME, top + HEAD + ROW * len(panel.bars)
    notes = [panel.unit, "more is better" if panel.more_is_better else "less is better"]
    if scale.log:
        notes.append("logarithmic")
    yield text(left, top + 12, panel.title, "title")
    yield text(left, top + 27, ", ".join(notes), "small")
    for mark in scale.marks:
        x = zero + scale.at(mark)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + HEAD - 4}" y2="{bottom}" class="grid"/>'
        yield text(x, bottom + 12, number(mark), "small middle")
    for i, bar in enumerate(panel.bars):
        y = top + HEAD + ROW * i
        length = max(scale.at(bar.value), 1)
        yield text(zero - 6, y + 10, bar.name, "end")
        yield (f'<rect x="{zero}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" '
               f'class="{"ours" if bar.ours else "other"}"/>')
        yield text(zero + length + 5, y + 10, number(bar.value) + bar.remark)


def draw(title, subtitle, panels):
    """The whole picture as text; panels fill rows from left to right."""
    width = (WIDTH - 2 * MARGIN - GAP * (COLUMNS - 1)) / COLUMNS
    parts, y = [], MARGIN + 44
    for at in range(0, len(panels), COLUMNS):
        row = panels[at:at + COLUMNS]
        for i, panel in enumerate(row):
            parts += draw_panel(panel, MARGIN + i * (width + GAP), y, width)
        y += max(map(height, row)) + GAP / 2
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y:.0f}" '
            f'viewBox="0 0 {WIDTH} {y:.0f}" role="img">',
            f"<title>{escape(title)}</title><style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{y:.0f}" rx="6" class="page"/>',
            text(MARGIN, MARGIN + 10, title, "title"), text(MARGIN, MARGIN + 26, subtitle, "small")]
    return "\n".join(head + parts + ["</svg>"]) + "\n"
