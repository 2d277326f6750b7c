"""Green threads of libramet in gdb: `info ramets`, `ramet`.

gdb loads this by itself where it is installed beside the library (see
ramet-gdb(7)); else: source tools/gdb/ramet.py

All it knows of the library it reads from the map that the library carries
(src/debug/map.h), so it works with stripped programs, static ones, core files
and other versions.  It writes neither registers nor memory, and calls nothing
in the program: a ramet that does not run is shown by an unwinder which says
that the innermost frame of an OS thread was called from where that ramet was
switched away.
"""
import bisect
import re
import struct

import gdb
import gdb.unwinder

NOTE, NOTE_PYTHON, FORMAT, MAGIC = 1, 2, 1, b"rametmap"
PAGE = 4096
FEW_LOOPS, FEW_SLABS, FEW_RAMETS, FEW_VALUES = 4096, 4096, 1 << 24, 4096
MAP_WAITS = 64  # for which there is room in it
(NOTHING, JOINED, MUTEX, RWLOCK, ONCE, BARRIER, GROUP, POOL, LOT, ACTOR, STRING, SLEEP, FD, FUNCTION, PID) = range(1, 16)


# ---- memory ------------------------------------------------------------------


def read(at, size):
    return bytes(gdb.selected_inferior().read_memory(at, size))


def number(at, size=8):
    return int.from_bytes(read(at, size), "little")


def text(at, most=80):
    """The string there; what others chose does not reach the terminal as control characters."""
    found = b""
    try:
        while at and len(found) < most:
            # No further than the page: the next may not be there.
            found += read(at + len(found), min(most - len(found), 4096 - (at + len(found)) % 4096))
            if b"\0" in found:
                break
    except gdb.MemoryError:
        pass
    return clean(found)


def clean(found):
    found = found.split(b"\0")[0].decode(errors="replace")
    return re.sub(r"[\x00-\x1f\x7f]", "?", found)


def symbol(pc):
    """What gdb calls the code there."""
    said = gdb.execute(f"info symbol {pc:#x}", to_string=True)
    return said.split(" in section")[0].strip() if " in section" in said else f"{pc:#x}"


def line_of(pc):
    sal = gdb.find_pc_line(pc)
    return f" at {sal.symtab.filename}:{sal.line}" if sal.symtab and sal.line else ""


# ---- the map -----------------------------------------------------------------


class Map:
    """Offsets and constants by their name: m["ramet.state"]."""

    def __init__(self, at):
        self.at = at
        head = read(at, 88)
        (magic, self.format, self.size, version, self.seen, self.boot, values, value_size, value_count, waits, wait_size,
         wait_count) = struct.unpack("<8sII24sQQIIIIII", head[:80])
        if magic != MAGIC:
            raise gdb.GdbError("The map of libramet cannot be read: it is not in the core file, or was overwritten.")
        self.version = clean(version)
        if self.format != FORMAT or max(value_count, wait_count, value_size, wait_size) > FEW_VALUES:
            raise gdb.GdbError(f"The program has libramet {self.version}, whose map this script cannot read; "
                               "use the script of that version.")
        self.package = waits + MAP_WAITS * wait_size + 8
        self.values, self.waits = {}, []
        table = read(at + values, value_size * value_count)
        for i in range(0, len(table), value_size):
            name, value = struct.unpack_from("<28sI", table, i)
            self.values[clean(name)] = value
        table = read(at + waits, wait_size * wait_count)
        for i in range(0, len(table), wait_size):
            _, words, kind = struct.unpack_from("<16s44sI", table, i)
            self.waits.append((clean(words), kind))
        self.states = {self.values.get("state." + word): word for word in ("free", "ready", "running", "parked", "ended")}

    def __getitem__(self, name):
        try:
            return self.values[name]
        except KeyError:
            raise gdb.GdbError(f"The map of libramet {self.version} lacks \"{name}\".") from None


def maps(wanted):
    """Of each object in the process that has the library, or whose note is of that kind."""
    found = []
    for line in gdb.execute("info files", to_string=True).splitlines():
        m = re.match(r"\s*0x(\w+) - 0x(\w+) is \.note\.ramet\b", line)
        if not m:
            continue
        at, end = int(m[1], 16), int(m[2], 16)
        notes = read(at, end - at)
        while len(notes) >= 12:
            name_size, size, kind = struct.unpack_from("<III", notes)
            offset = 12 + (name_size + 3 & ~3)
            if kind == wanted and notes[12:18] == b"ramet\0" and size == 4:
                found.append(at + offset + struct.unpack_from("<i", notes, offset)[0])
            step = offset + (size + 3 & ~3)
            at, notes = at + step, notes[step:]
    return [Map(at) for at in dict.fromkeys(found)]


# ---- loops and ramets --------------------------------------------------------


class Loop:
    def __init__(self, m, at, tid):
        self.map, self.at, self.tid = m, at, tid
        self.current = number(at + m["loop.current"])
        self.thread = self.find_thread()

    def find_thread(self):
        """The OS thread, by its number or, where that is another one here, by its stack."""
        threads = [t for t in gdb.selected_inferior().threads() if t.is_valid()]
        for t in threads:
            if self.tid in t.ptid[1:]:
                return t
        return threads[0] if len(threads) == 1 else None

    def ramets(self):
        m = self.map
        yield from self.take(self.at + m["loop.main"], read(self.at + m["loop.main"], m["sizeof.ramet"]))
        for i in range(m["count.classes"]):
            at = self.at + m["loop.classes"] + i * m["sizeof.stack_class"]
            slab = number(at + m["stack_class.slabs"])
            seen = set()
            while slab and slab not in seen and len(seen) < FEW_SLABS:
                seen.add(slab)
                yield from self.of_slab(slab)
                slab = number(slab + m["slab.next"])

    def of_slab(self, slab):
        m, size = self.map, self.map["sizeof.ramet"]
        at, count = number(slab + m["slab.ramets"]), min(number(slab + m["slab.ready"]), FEW_RAMETS)
        blocks = read(at, count * size) if count else b""
        for i in range(count):
            yield from self.take(at + i * size, blocks[i * size:(i + 1) * size])

    def memory(self):
        """Pieces of memory that a core file must have: (address, size)."""
        m, size = self.map, self.map["sizeof.ramet"]
        for i in range(m["count.classes"]):
            slab = number(self.at + m["loop.classes"] + i * m["sizeof.stack_class"] + m["stack_class.slabs"])
            seen = set()
            while slab and slab not in seen and len(seen) < FEW_SLABS:
                seen.add(slab)
                yield number(slab + m["slab.ramets"]), number(slab + m["slab.ready"]) * size
                slab = number(slab + m["slab.next"])
        for t in self.ramets():
            if t.cold_word("class"):
                yield t.stack()

    def take(self, at, block):
        if block[self.map["ramet.state"]] != self.map["state.free"]:
            yield Ramet(self, at, block)


class Ramet:
    def __init__(self, loop, at, block):
        self.loop, self.map, self.at, self.block = loop, loop.map, at, block
        self.id = self.word("ramet.id")
        self.flags = self.word("ramet.flags", 2)
        self.state = self.map.states.get(self.word("ramet.state", 1), "damaged")
        self.cold = self.word("ramet.cold")
        self.is_current = at == loop.current
        self.has_begun = bool(self.flags & self.map["flag.started"])
        self.label = str(self.id)
        self.python = self.guest = None  # what it runs if it is a greenlet

    def word(self, name, size=8):
        at = self.map[name]
        return int.from_bytes(self.block[at:at + size], "little")

    def cold_word(self, name, size=8):
        return number(self.cold + self.map["cold." + name], size)

    def name(self):
        try:
            return clean(read(self.cold + self.map["cold.name"], self.map["sizeof.cold.name"]))
        except gdb.MemoryError:
            return "?"

    def function(self):
        """What it runs; 0: it is a main."""
        own = self.cold_word("routine") if self.flags & self.map["flag.tls"] else 0
        return own or self.cold_word("fn")

    def stack(self):
        """What is in use of it, with the cold record: (address, size).  Of a slot that is a power of two."""
        end = (self.cold | PAGE - 1) + 1
        size = number(self.cold_word("class") + self.map["stack_class.size"])
        low = self.word("ramet.context.sp")
        if self.is_current:
            # No further down than its OS thread is; else all above the guard.
            low = end - size + min(size // 4, 128 << 10)
        low = max(low & ~(PAGE - 1), end - size)
        return low, max(end - low, 0)

    def state_words(self):
        if self.state == "parked":
            return "waiting"
        return "new" if self.state == "ready" and not self.has_begun else self.state

    def full_name(self):
        name = self.name()
        return f'ramet {self.label} "{name}"' if name else f"ramet {self.label}"


# ---- Python ------------------------------------------------------------------


class Code:
    """A function of Python's."""

    def __init__(self, m, at):
        self.map, self.at = m, at
        self.name = self.string(number(at + m["code.name"]))
        self.file = self.string(number(at + m["code.filename"]))

    def string(self, at):
        m, most = self.map, 4096
        size, state = min(number(at + m["text.size"]), most), number(at + m["text.state"], 4)
        width = state >> 2 & 7
        if not state & 0x20 or width not in (1, 2, 4):  # compact
            return "?"
        found = read(at + m["text.ascii" if state & 0x40 else "text.other"], size * width) if size else b""
        coding = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[width]
        return re.sub(r"[\x00-\x1f\x7f]", "?", found.decode(coding, "replace"))

    def place(self, instruction):
        """As reports say it: `work (app.py:12)`."""
        line = self.line(instruction)
        return f"{self.name} ({self.file}{f':{line}' if line else ''})"

    def line(self, instruction):
        """Of the instruction so many bytes from the first; None: it has none."""
        m, line, end = self.map, number(self.at + self.map["code.line"], 4), 0
        at = number(self.at + m["code.lines"])
        table = read(at + m["bytes.data"], min(number(at + m["bytes.size"]), 1 << 20))
        for size, further in LINES[m["code.lines.kind"]](table):
            end += size
            if m["code.lines.kind"] == 9 and end > instruction:
                return line
            line += further or 0
            if m["code.lines.kind"] != 9 and end > instruction:
                return None if further is None else line
        return line if m["code.lines.kind"] == 9 else None


def pairs(table):
    """Up to 3.10: (bytes, lines)."""
    for size, further in struct.iter_unpack("<Bb", table[:len(table) & ~1]):
        yield size, None if further == -128 else further


def signed_pairs(table):
    yield from struct.iter_unpack("<Bb", table[:len(table) & ~1])


def locations(table):
    """Since 3.11 (CPython's Objects/locations.md)."""
    starts = [i for i, byte in enumerate(table) if byte & 0x80] + [len(table)]
    for at, end in zip(starts, starts[1:]):
        code, value = table[at] >> 3 & 15, 0
        if code in (13, 14):  # a number with a sign follows
            for i in range(at + 1, end):
                value |= (table[i] & 63) << 6 * (i - at - 1)
                if not table[i] & 64:
                    break
            value = -(value >> 1) if value & 1 else value >> 1
        yield 2 * ((table[at] & 7) + 1), value if code in (13, 14) else code - 10 if 10 <= code < 13 else 0


LINES = {9: signed_pairs, 10: pairs, 11: locations}


class Python:
    """The functions of Python's that greenlets are in (python/src/pymap.c)."""

    def __init__(self, m):
        self.map, self.codes = m, {}
        at = number(m.at + m.package) if m.size > m.package else 0
        self.package = text(at, 4096) if at else ""

    def code(self, at):
        if at not in self.codes:
            self.codes[at] = Code(self.map, at)
        return self.codes[at]

    def calls(self, guest, running):
        """For each call of the interpreter's loop, innermost first, the places in it."""
        m, found, call = self.map, [], []
        top = number(guest + m["greenlet.top"])
        if running:
            top = number(number(number(guest + m["greenlet.thread"]) + m["thread.ts"]) + m["tstate.top"])
        frame = number(top + m["top.frame"]) if top and m["top.indirect"] else top
        for _ in range(10000):
            if not frame:
                break
            entry, kind = number(frame + m["frame.entry"], 1), m["frame.entry.kind"]
            between = kind == 2 and entry == m["frame.entry.owner"]
            if not between:
                call.append(self.place(frame))
            if call and (between or kind == 0 or (kind == 1 and entry)):
                found, call = found + [call], []
            frame = number(frame + m["frame.previous"])
        return found + [call] if call else found

    def place(self, frame):
        m = self.map
        code = number(frame + m["frame.code"])
        if m["frame.at.kind"]:
            at = struct.unpack("<i", read(frame + m["frame.at"], 4))[0] * m["frame.at.kind"]
        else:
            at = number(frame + m["frame.at"]) - code - m["code.instructions"]
        return self.code(code).place(max(at, 0))

    def spawned_at(self, guest):
        """The place outside of the package; None: it is not known."""
        m = self.map
        origin = number(guest + m["greenlet.origin"])
        depth = number(origin + m["origin.depth"], 4) if origin else 0
        if not 0 < depth <= 16:
            return None
        at = number(origin + m["origin.places"])
        for left in range(depth, 0, -1):
            code = self.code(number(at + m["place.code"]))
            if left == 1 or not self.package or not code.file.startswith(self.package):
                return code.place(number(at + m["place.instruction"], 4))
            at += m["sizeof.place"]


def python():
    """None: there is none, or it has no map that can be read."""
    try:
        return next((Python(m) for m in maps(NOTE_PYTHON) if m["code.lines.kind"] in LINES), None)
    except (gdb.GdbError, gdb.MemoryError):
        return None


# ---- core files --------------------------------------------------------------


def fill_core(name, pieces):
    """gdb leaves the rest of a mapping out at the first page that it cannot read, and stacks have guards."""
    with open(name, "r+b") as core:
        head = core.read(64)
        start, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
        core.seek(start)
        table = core.read(size * count)
        loads = []
        for i in range(count):
            kind, _, offset, at, _, file_size = struct.unpack_from("<IIQQQQ", table, i * size)
            if kind == 1 and file_size:
                loads.append((at, at + file_size, offset))
        loads.sort()
        starts = [load[0] for load in loads]
        for at, size in pieces:
            i = bisect.bisect_right(starts, at) - 1
            if i < 0 or at + size > loads[i][1]:
                continue
            try:
                data = read(at, size)
            except gdb.MemoryError:
                continue
            core.seek(loads[i][2] + at - loads[i][0])
            core.write(data)


class World:
    """All of the process, as it is now."""

    def __init__(self):
        if not gdb.selected_inferior().pid and not gdb.selected_inferior().threads():
            raise gdb.GdbError("There is neither a process nor a core file.")
        self.maps = maps(NOTE)
        if not self.maps:
            raise gdb.GdbError("The program does not use libramet (it has no .note.ramet), or has not loaded it yet.")
        self.loops = [loop for m in self.maps for loop in self.find_loops(m)]
        self.ramets = []
        for i, loop in enumerate(self.loops, 1):
            for t in loop.ramets():
                if len(self.loops) > 1:
                    t.label = f"{i}.{t.id}"
                self.ramets.append(t)
        self.by_address = {t.at: t for t in self.ramets}
        interpreter = python()
        for t in self.ramets:
            if interpreter and t.flags & t.map["flag.guest"] and t.state != "ended":
                t.python, t.guest = interpreter, t.cold_word("guest")

    @staticmethod
    def find_loops(m):
        """The list has the newest first."""
        found, at = [], number(m.seen)
        while at and at not in [f[0] for f in found] and len(found) < FEW_LOOPS:
            found.append((at, number(at + m["seen.loop"]), number(at + m["seen.tid"], 4)))
            at = number(at + m["seen.next"])
        return [Loop(m, loop, tid) for _, loop, tid in reversed(found) if loop]

    def find(self, label):
        """N, of the loop of the selected thread if it has one, else of the first; or LOOP.N."""
        m = re.fullmatch(r"(?:(\d+)\.)?(\d+)", label)
        if not m:
            raise gdb.GdbError(f'"{label}" is no number of a ramet; "info ramets" shows them.')
        if m[1]:
            loops = self.loops[int(m[1]) - 1:int(m[1])] if int(m[1]) else []
        else:
            thread = gdb.selected_thread()
            loops = [loop for loop in self.loops if loop.thread and thread and loop.thread.num == thread.num]
            loops = loops or self.loops[:1]
        for t in self.ramets:
            if t.id == int(m[2]) and t.loop in loops:
                return t
        raise gdb.GdbError(f'There is no ramet {label}; "info ramets" shows those there are.')


# ---- what they wait for ------------------------------------------------------


class Words:
    def __init__(self, world):
        self.world = world
        self.by_owner = None

    def holder(self, at, nobody="nobody"):
        t = self.world.by_address.get(at)
        if t:
            return t.full_name() + (", which has ended" if t.state == "ended" else "")
        return "a ramet that has ended" if at else nobody

    def owner(self, lot_id, alone):
        """alone: nobody but the loop's ramets has ever waited."""
        if self.by_owner is None:
            self.by_owner = {t.cold_word("lot_id", 4): t for t in self.world.ramets}
        t = self.by_owner.get(lot_id)
        if not t:
            return "a thread that has ended" if alone else "another thread"
        return t.full_name() + (", which has ended" if t.state == "ended" else "")

    def wait(self, t):
        kind = t.word("ramet.wait", 1)
        words, kind = t.map.waits[kind] if kind < len(t.map.waits) else ("for something", 0)
        at = t.word("ramet.wait_object")
        try:
            return self.of_kind(t.map, words, kind, at, t.word("ramet.wait", 1) == t.map["wait.lot"])
        except gdb.MemoryError:
            return f"{words} {at:#x}, which cannot be read"

    def of_kind(self, m, words, kind, at, alone):
        if kind in (NOTHING, SLEEP):
            return words
        if kind == JOINED:
            return self.joined(m, at)
        if kind in (LOT, ACTOR):
            return self.reason(m, words, kind, at, alone)
        if kind == STRING:
            return f"{words} {text(at)}"
        if kind == FD:
            return f"{words} fd {at}"
        if kind == FUNCTION:
            return words + (f" to make system call {at}" if 0 < at < 1024 else f" to run {symbol(at)}" if at else "")
        if kind == PID:
            return words + (f", {at}" if at else "")
        words = f"{words} {at:#x}"
        if kind == MUTEX:
            words += ", held by " + self.holder(number(at + m["ramet_mutex.owner"]))
        elif kind == ONCE:
            words += ", run by " + self.holder(number(at + m["ramet_once.runner"]))
        elif kind == RWLOCK:
            readers = number(at + m["ramet_rwlock.readers"])
            words += f", held by {readers} readers" if readers else ", held by " + self.holder(
                number(at + m["ramet_rwlock.writer"]))
        elif kind == BARRIER:
            words += f", where {number(at + m['ramet_barrier.arrived'])} of {number(at + m['ramet_barrier.count'])} are"
        elif kind == GROUP:
            words += f", {number(at + m['ramet_group.running'])} running"
        elif kind == POOL:
            size = number(at + m["ramet_pool.size"])
            words += f", {number(at + m['ramet_pool.running'])}" + (f" of {size}" if size < 1 << 63 else "") + " running"
        return words

    def joined(self, m, at):
        t, missing = self.world.by_address.get(at), 1
        if t and t.cold_word("joiner"):
            missing = number(t.cold_word("joiner") + m["joiner.missing"])
        return f"for {t.full_name()} to end" if t and missing == 1 else f"for {missing} ramets to end"

    def reason(self, m, words, kind, at, alone):
        """A structure that says it."""
        prefix, thing = ("lot_reason", "object") if kind == LOT else ("actor_wait", "actor")
        if not at:
            return words
        words = text(number(at + m[prefix + ".what"])) or words
        thing = number(at + m[f"{prefix}.{thing}"])
        words += f" {thing:#x}" if thing else ""
        if kind == LOT:
            # Others may have had it since the wait began.
            owner = number(number(at + m["lot_reason.owner_now"]) or at + m["lot_reason.owner"], 4)
            return words + (f"{', held by' if thing else ''} {self.owner(owner, alone)}" if owner else "")
        name = text(thing + m["ramet_actor.name"]) if thing else ""
        return words + (f' "{name}"' if name else "")

    def line(self, t):
        """Whoever waits last does so on its OS thread, in the kernel."""
        words = self.wait(t) if t.state == "parked" else ""
        if t.is_current:
            where = f"on thread {t.loop.thread.num}" if t.loop.thread else f"on the thread with id {t.loop.tid}"
            return f"{words}, {where}" if words else where
        if words:
            return words
        return f"to run {symbol(t.function())}" if t.state_words() == "new" else ""


# ---- frames ------------------------------------------------------------------


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class Border(gdb.unwinder.Unwinder):
    """Between the innermost frame of an OS thread and the ramet that is to be seen."""

    def __init__(self):
        super().__init__("ramet")
        self.context = self.real_sp = None

    def __call__(self, pending):
        if self.context is None or int(pending.read_register("rsp")) != self.real_sp:
            return None
        word = pending.read_register("rsp").type
        sp, fp, pc = self.context
        # Seen from there it is the younger one: gdb wants younger frames further down.
        info = pending.create_unwind_info(FrameId(gdb.Value(sp).cast(word), pending.read_register("rip")))
        info.add_saved_register("rsp", gdb.Value(sp).cast(word))
        info.add_saved_register("rbp", gdb.Value(fp).cast(pending.read_register("rbp").type))
        info.add_saved_register("rip", gdb.Value(pc).cast(pending.read_register("rip").type))
        return info


BORDER = Border()
gdb.unwinder.register_unwinder(None, BORDER, replace=True)


class Kept:
    """What the user has selected is selected again afterwards."""

    def __enter__(self):
        self.thread = gdb.selected_thread()
        try:
            self.level = gdb.selected_frame().level()
        except gdb.error:
            self.level = 0

    def __exit__(self, *_):
        if self.thread and self.thread.is_valid():
            self.thread.switch()
        select(self.level)


def select(level):
    frame = gdb.newest_frame()
    while level > 0 and frame.older():
        frame, level = frame.older(), level - 1
    frame.select()


class On:
    """Within, frames from .first on are those of ramet t."""

    def __init__(self, t):
        self.t, self.first = t, 0

    def __enter__(self):
        if self.t.loop.thread:
            self.t.loop.thread.switch()
        elif self.t.is_current:
            raise gdb.GdbError("Its OS thread is not known.")
        if not self.t.is_current:
            try:
                self.divert()
            except BaseException:
                self.__exit__()
                raise
        return self

    def divert(self):
        frame = gdb.newest_frame()
        if "x86-64" not in frame.architecture().name():
            raise gdb.GdbError("Stacks of ramets that do not run are shown on x86-64 only.")
        BORDER.real_sp = int(frame.read_register("rsp"))
        BORDER.context = tuple(self.t.word("ramet.context." + r) for r in ("sp", "fp", "pc"))
        gdb.invalidate_cached_frames()
        frame = gdb.newest_frame()
        self.first = 1
        while frame.type() == gdb.INLINE_FRAME:
            frame, self.first = frame.older(), self.first + 1
        if not frame.older():
            raise gdb.GdbError(f"Its stack cannot be read: {gdb.frame_stop_reason_string(frame.unwind_stop_reason())}.")

    def __exit__(self, *_):
        BORDER.context = None
        gdb.invalidate_cached_frames()

    def frame(self, level):
        frame = gdb.newest_frame()
        for _ in range(self.first + level):
            frame = frame.older()
            if not frame:
                raise gdb.GdbError(f"Ramet {self.t.label} has no frame {level}.")
        return frame

    def own(self):
        """The innermost frame that is not the runtime's."""
        library = gdb.solib_name(self.t.map.at)
        frame = self.frame(0)
        while frame.older() and self.is_runtime(frame, library):
            frame = frame.older()
        return frame if not self.is_runtime(frame, library) else self.frame(0)

    @staticmethod
    def is_runtime(frame, library):
        at = gdb.solib_name(frame.pc()) or ""
        if library and at == library or "/liburing." in at:  # which the runtime waits in
            return True
        return bool(re.match("ramet_|kernel_", frame.name() or ""))

    def interpreted(self):
        """What of Python's runs in a frame, by its number: that of the interpreter's loop."""
        if not self.t.python:
            return {}
        try:
            calls, found = self.t.python.calls(self.t.guest, self.t.is_current), {}
        except gdb.MemoryError:
            return {}
        frame, level = self.frame(0), 0
        while frame and calls:
            if (frame.name() or "").startswith("_PyEval_EvalFrameDefault"):
                found[level] = calls.pop(0)
            frame, level = frame.older(), level + 1
        return found

    def renumber(self, said):
        """Frames are counted from the ramet's first; those before are not its own."""
        lines, keep, interpreted = [], True, self.interpreted()
        for line in said.splitlines():
            m = re.match(r"#(\d+) +", line)
            if m:
                keep = int(m[1]) >= self.first
                line = f"#{int(m[1]) - self.first:<3}{line[m.end():]}"
            if keep:
                lines.append(line)
                lines += [f"      {place}" for place in interpreted.get(int(m[1]) - self.first, [])] if m else []
        return "\n".join(lines)


# gdb's own ways to say so.
BACKTRACES = ("bt", "backtrace", "where")
FRAMES = ("f", "fr", "fra", "fram", "frame")


def backtrace(on, words):
    """`bt`, its options, and a number of frames, which are counted from the ramet's first."""
    words = [str(int(w) + on.first) if re.fullmatch(r"\d+", w) else w for w in words]
    on.frame(0).select()
    return on.renumber(gdb.execute(" ".join(["backtrace"] + words), to_string=True))


def at_frame(on, words):
    """`frame [N] [CMD]`."""
    level = words and re.fullmatch(r"\d+", words[0])
    frame = on.frame(int(words[0])) if level else on.own()
    rest = words[1 if level else 0:]
    frame.select()
    said = "" if rest else gdb.execute("frame", to_string=True)
    return on.renumber(said) if said else gdb.execute(" ".join(rest), to_string=True)


def run(t, command):
    """Of one ramet; returns what is to be said."""
    if t.state == "ended":
        return "It has ended."
    if not t.has_begun:
        return f"It has not begun; it will run {symbol(t.function())}{line_of(t.function())}."
    words = command.split()
    with Kept(), On(t) as on:
        if words[0] in BACKTRACES:
            return backtrace(on, words[1:])
        if words[0] in FRAMES:
            return at_frame(on, words[1:])
        if words[0] == "locals":
            return at_frame(on, words[1:] + ["info", "locals"])
        on.own().select()
        return gdb.execute(command, to_string=True)


def heading(t, words):
    line = words.line(t)
    return f"{t.full_name()} {t.state_words()}" + (f" {line}" if line else "")


def life(t):
    """Where it comes from."""
    site = t.cold_word("spawn_site")
    if not site:
        return "the OS thread's own\n"
    place = t.python.spawned_at(t.guest) if t.python else None
    what = "is a greenlet" if t.python else f"runs {symbol(t.function())}"
    return f"{what}, spawned by ramet {t.cold_word('parent')} at {place or symbol(site) + line_of(site - 1)}\n"


# ---- commands ----------------------------------------------------------------


class InfoRamets(gdb.Command):
    """Show the ramets: number, name, state, and what each waits for.

Usage: info ramets [NAME]
With NAME, those whose name has it.  The one that is current on the selected
thread is marked.  With several loops numbers are LOOP.N."""

    def __init__(self):
        super().__init__("info ramets", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        world = World()
        words, thread = Words(world), gdb.selected_thread()
        shown = [t for t in world.ramets if argument in t.name()]
        wide = max([len(t.label) for t in shown] + [2])
        names = min(max([len(t.name()) for t in shown] + [4]), 31)
        gdb.write(f"  {'Id':<{wide}}  {'Name':<{names}}  State\n")
        for t in shown:
            mark = "*" if t.is_current and thread and t.loop.thread and t.loop.thread.num == thread.num else " "
            gdb.write(f"{mark} {t.label:<{wide}}  {t.name():<{names}}  {t.state_words()} {words.line(t)}".rstrip() + "\n")


class RametCommand(gdb.Command):
    """Look at a ramet's stack, as if it were a thread.

Usage: ramet N                    what it is, and what it waits for
       ramet N bt [OPTION...]     its backtrace
       ramet N frame [M] [CMD]    frame M; or CMD there, as in "ramet 3 frame 1 print x"
       ramet N locals             variables of the frame that called the runtime
       ramet N CMD                any command, in that frame
       ramet apply all|N... CMD   the same of several, each under a heading
       ramet                      the one that is current on the selected thread
       ramet gcore [FILE]         as gcore, with the stacks of all ramets

N is a number of "info ramets"; LOOP.N where there are several loops.  Neither
the selected frame nor anything in the program is changed."""

    def __init__(self):
        super().__init__("ramet", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        world = World()
        word, _, rest = argument.strip().partition(" ")
        if word == "apply":
            self.apply(world, rest.strip())
            return
        if word == "gcore":
            self.gcore(world, rest.strip())
            return
        if word:
            chosen = world.find(word)
        else:
            thread = gdb.selected_thread()
            chosen = next((t for t in world.ramets if t.is_current and t.loop.thread and t.loop.thread.num == thread.num), None)
            if not chosen:
                raise gdb.GdbError('No ramet runs on this thread; "info ramets" shows them all.')
        if rest.strip():
            self.say(run(chosen, rest.strip()))
        else:
            self.say(heading(chosen, Words(world)) + "\n" + life(chosen))

    @staticmethod
    def gcore(world, name):
        name = name or f"core.{gdb.selected_inferior().pid}"
        gdb.execute(f"gcore {name}", to_string=True)
        fill_core(name, [piece for loop in world.loops for piece in loop.memory()])
        gdb.write(f"Saved corefile {name}, with the stacks of {len(world.ramets)} ramets\n")

    @staticmethod
    def say(said):
        gdb.write(said if said.endswith("\n") or not said else said + "\n")

    def apply(self, world, argument):
        words = argument.split()
        count = 0
        while count < len(words) and re.fullmatch(r"all|[\d.]+", words[count]):
            count += 1
        if not count or count == len(words):
            raise gdb.GdbError('Usage: ramet apply all|N... CMD, as in "ramet apply all bt".')
        labels, command = words[:count], " ".join(words[count:])
        chosen = world.ramets if "all" in labels else [world.find(label) for label in labels]
        said = Words(world)
        for t in chosen:
            gdb.write(f"\n{heading(t, said)}\n")
            try:
                self.say(run(t, command))
            except (gdb.error, gdb.GdbError) as e:
                gdb.write(f"{e}\n")


InfoRamets()
RametCommand()
