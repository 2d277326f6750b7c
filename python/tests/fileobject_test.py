"""FileObject: pipes and files whose calls block only the greenlet, with the arguments of io.open."""
import errno
import gc
import io
import os
import tempfile
import time

from lib.tap import equal, main, raises, test

import ramet
from ramet.fileobject import FileObject, FileObjectBlock, FileObjectPosix, FileObjectThread

KINDS = (FileObjectPosix, FileObjectThread, FileObjectBlock)


def path_of(data):
    fd, path = tempfile.mkstemp()
    os.write(fd, data)
    os.close(fd)
    return path


def pipe(read='rb', write='wb', **kwargs):
    r, w = os.pipe()
    return FileObject(r, read, **kwargs), FileObject(w, write, **kwargs)


@test
def every_kind_reads_and_writes_files():
    for kind in KINDS:
        path = path_of(b'')
        for mode, data, back in (('w', 'a\nb\n', 'r'), ('wb', b'a\nb\n', 'rb'), ('a', 'c', 'r'), ('r+', 'X', 'r')):
            with kind(path, mode) as f:
                f.write(data)
            with kind(path, back) as f, io.open(path, back) as expected:
                equal(f.read(), expected.read())
        with kind(path, 'w+b') as f:
            f.write(b'12345')
            f.seek(1)
            equal((f.read(2), f.tell()), (b'23', 3))
        with kind(path) as f:
            equal((f.name, f.mode, f.readable(), f.writable(), f.closed), (path, 'r', True, False, False))
            equal(list(f), ['12345'])
        os.unlink(path)


@test
def mistakes_are_those_of_open():
    path = path_of(b'')
    for kind in KINDS:
        for mode in ('rw', 'q', 'rbt', '', 'rr', 'Uw', '+'):
            raises(ValueError, kind, path, mode)
        raises(ValueError, kind, path, 'rb', encoding='utf-8')
        raises(FileNotFoundError, kind, path + 'x')
        raises(FileExistsError, kind, path, 'x')
        equal(raises(OSError, kind, 987).errno, errno.EBADF)
        with kind(path, 'r') as f:
            raises(io.UnsupportedOperation, f.write, 'x')


@test
def a_reader_waits_while_others_run():
    r, w = pipe()
    got = ramet.spawn(r.read, 3)
    ramet.sleep(0.01)
    assert not got.dead
    w.write(b'abc')
    w.flush()
    equal(got.get(), b'abc')
    w.write(b'rest')
    w.close()
    equal((r.read(), r.read()), (b'rest', b''))


@test
def a_writer_waits_for_room():
    r, w = pipe(buffering=0)
    data = os.urandom(1 << 20)
    writer = ramet.spawn(w.write, data)
    writer.link(lambda g: w.close())
    equal(r.fileio.readall(), data)
    equal(writer.get(), len(data))


@test
def text_has_lines_and_an_encoding():
    r, w = pipe('r', 'w', encoding='utf-16-le', newline='\n', buffering=1)
    w.write('ä\nb\r\n')
    equal((r.readline(), r.readline(), r.encoding), ('ä\n', 'b\r\n', 'utf-16-le'))
    w.write('x')
    w.close()
    equal(list(r), ['x'])


@test
def text_without_a_buffer_goes_out_at_once():
    r, w = pipe('rb', 'wb', buffering=0)
    text = FileObject(w.fileno(), 'w', buffering=0, closefd=False)
    text.write('ab')
    equal(r.read(2), b'ab')


@test
def close_ends_reads_of_others():
    for options in ({'buffering': 0}, {}):
        r, w = pipe(**options)
        got = ramet.spawn(lambda: raises(OSError, r.read, 1).errno)
        ramet.sleep(0.01)
        r.close()
        equal(got.get(), errno.EBADF)
        assert r.closed
        for call in (r.fileno, lambda: r.read(1), lambda: next(r), lambda: r.write(b'')):
            equal(raises(OSError, call).errno, errno.EBADF)
        r.close()


@test
def several_readers_take_turns():
    r, w = pipe()
    readers = [ramet.spawn(r.read, 1) for _ in range(3)]
    ramet.sleep(0.01)
    w.write(b'123')
    w.flush()
    ramet.joinall(readers)
    equal(b''.join(sorted(g.value for g in readers)), b'123')


@test
def a_read_that_is_killed_loses_nothing():
    r, w = pipe()
    with ramet.Timeout(0.01, False):
        r.read(4)
    w.write(b'data')
    w.flush()
    equal(r.read(4), b'data')


@test
def descriptors_are_closed_unless_they_are_lent():
    r, w = os.pipe()
    FileObject(w, 'wb', closefd=False).close()
    os.write(w, b'x')
    f = FileObject(w, 'wb')
    f.write(b'y')
    del f
    gc.collect()
    raises(OSError, os.fstat, w)
    equal(os.read(r, 5), b'xy')
    with open(r, 'rb', 0) as owner:
        FileObject(owner, 'rb').close()
        assert owner.closed
    raises(ValueError, FileObject, '/dev/null', closefd=False)


@test
def a_fifo_that_nobody_writes_to_blocks_only_the_greenlet():
    ticks = []

    def tick():
        while True:
            ramet.sleep(0.005)
            ticks.append(1)
    ramet.spawn(tick)
    for kind in (FileObjectPosix, FileObjectThread):
        r, w = os.pipe()
        reader = ramet.spawn(kind(r, 'rb').read)
        before = len(ticks)
        ramet.sleep(0.1)
        assert len(ticks) - before > 3
        os.write(w, b'hi')
        os.close(w)
        equal(reader.get(), b'hi')


@test
def any_object_may_be_used_in_threads():
    buffer = io.BytesIO(b'1\n2\n')
    f = FileObjectThread(buffer)
    equal((f.readline(), list(f), f.io), (b'1\n', [b'2\n'], buffer))
    f.close()
    assert f.closed and buffer.closed

    class Slow(io.RawIOBase):
        def readable(self):
            return True

        def read(self, n=-1):
            time.sleep(0.1)
            return b'slow'
    start = time.monotonic()
    ramet.joinall([ramet.spawn(FileObjectThread(Slow()).read, 4) for _ in range(5)], raise_error=True)
    assert time.monotonic() - start < 0.45


@test
def the_text_says_what_it_is():
    r, w = pipe(buffering=0)
    assert repr(r).startswith('<FileObjectPosix at 0x') and f'fileno={r.fileno()}' in repr(r), repr(r)
    r.close()
    assert ' closed' in repr(r)


@test
def the_name_is_the_same_after_the_end():
    class Nameless:
        closed = False

        def fileno(self):
            return r

        def close(self):
            pass

        flush = close
        readable = seekable = lambda self: True
        writable = isatty = lambda self: False

    r, w = os.pipe()
    for kind in KINDS:
        path = path_of(b'')
        f = kind(path)
        equal(f.name, path)
        f.close()
        equal(f.name, path)
        nameless = kind(Nameless(), 'rb', closefd=False)
        raises(AttributeError, getattr, nameless, 'name')
        nameless.close()
        raises(AttributeError, getattr, nameless, 'name')
    os.close(r), os.close(w)


@test
def arguments_that_contradict_each_other_are_refused():
    path = path_of(b'x')
    for kind in KINDS:
        raises(TypeError, lambda: kind(path, 'rb', 10, buffering=20))
        raises(TypeError, lambda: kind(path, 'rb', close=True, closefd=False))
        raises(TypeError, kind, None)
        raises(TypeError, kind, 1.5)
        raises(ValueError, kind, -1)


@test
def text_without_a_buffer_is_there_at_once():
    for kind in KINDS:
        path = path_of(b'')
        with kind(path, 'w', 0) as f:
            f.write('x')
            with io.open(path) as other:
                equal(other.read(), 'x')
        with kind(path, 'rt', buffering=0) as f:
            equal(f.read(), 'x')


@test
def what_is_given_as_an_object_is_closed_by_it_once():
    r, w = os.pipe()
    closed = []

    class Owner:
        def fileno(self):
            return r

        def close(self):
            closed.append(r)

    class Lender:
        def fileno(self):
            return r

    f = FileObjectPosix(Owner(), 'rb')
    waiting = ramet.spawn(lambda: raises(OSError, f.read, 1).errno)
    ramet.sleep(0)
    f.close()
    equal((closed, waiting.get(timeout=20)), ([r], errno.EBADF))
    FileObjectPosix(Lender(), 'rb').close()
    os.close(r)
    os.close(w)


main()
