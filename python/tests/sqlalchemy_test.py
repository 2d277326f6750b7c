"""SQLAlchemy, unmodified: pools and sessions of greenlets, and its asyncio extension, which needs greenlet."""
import asyncio
import contextlib
import os
import tempfile

import ramet
from lib import postgres
from lib.programs import get_all, need, nothing_left, until
from lib.tap import equal, main, raises, test, where
from ramet import monkey

LOCK = "select pg_advisory_lock_shared(1), 7"


def sqlalchemy():
    ramet.install_as_gevent()
    monkey.patch_all()
    return need("sqlalchemy")


def engine(driver, make="create_engine", **options):
    """An engine for the tests' database."""
    need(driver)
    sqlalchemy()
    module = need("sqlalchemy" if make == "create_engine" else "sqlalchemy.ext.asyncio")
    fields = dict(field.split("=") for field in where().split())
    url = f"postgresql+{driver}://{fields['user']}@/{fields['dbname']}?host={fields['host']}"
    return getattr(module, make)(url, **options)


def scalar(connection, query):
    return connection.execute(sqlalchemy().text(query)).scalar()


@contextlib.contextmanager
def held():
    """A connection that has the lock, and counts who waits for it."""
    with engine("psycopg2").connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        scalar(connection, "select pg_advisory_lock(1)")
        yield connection
    connection.engine.dispose()


def waiting(connection):
    return scalar(connection, "select count(*) from pg_locks where locktype = 'advisory' and not granted")


def release(connection):
    scalar(connection, "select pg_advisory_unlock_all()")


def wait_for_lock(engine):
    with engine.connect() as connection:
        return connection.execute(sqlalchemy().text(LOCK)).fetchone()[1]


@test
def a_pool_has_as_many_queries_in_flight_as_connections():
    with nothing_left(), held() as holder:
        e = engine("psycopg2", pool_size=5, max_overflow=3)
        greenlets = [ramet.spawn(wait_for_lock, e) for _ in range(20)]
        until(lambda: waiting(holder) == 8)
        equal((e.pool.checkedout(), sum(g.ready() for g in greenlets)), (8, 0))
        release(holder)
        equal(get_all(greenlets), [7] * 20)
        equal(e.pool.checkedout(), 0)
        e.dispose()


@test
def an_exhausted_pool_says_so():
    with held() as holder:
        e = engine("psycopg2", pool_size=1, max_overflow=0, pool_timeout=0.2)
        g = ramet.spawn(wait_for_lock, e)
        until(lambda: waiting(holder) == 1)
        raises(sqlalchemy().exc.TimeoutError, e.connect)
        release(holder)
        equal(g.get(timeout=20), 7)


@test
def whatever_ends_a_query_early_gives_the_pool_its_place_back():
    def limited():
        with ramet.Timeout(0.3):
            wait_for_lock(e)
    with held() as holder:
        e = engine("psycopg2", pool_size=1, max_overflow=0, pool_timeout=20)
        g = ramet.spawn(wait_for_lock, e)
        until(lambda: waiting(holder) == 1)
        g.kill(timeout=20)
        assert isinstance(g.value, ramet.GreenletExit), g.exception
        raises(ramet.Timeout, limited)
        equal(e.pool.checkedout(), 0)
        release(holder)
        equal(wait_for_lock(e), 7)
        e.dispose()


@test
def sessions_are_greenlets_own():
    def work(n):
        row = Row(n=n)
        session.add(row)
        session.flush()
        ramet.sleep(0.01)
        equal(session.query(Row).filter_by(n=n).one(), row)
        (session.commit if n % 2 else session.rollback)()
        mine = id(session())
        session.remove()
        return mine
    sa = sqlalchemy()
    orm = need("sqlalchemy.orm")
    Base = orm.declarative_base()

    class Row(Base):
        __tablename__ = "rows"
        id = sa.Column(sa.Integer, primary_key=True)
        n = sa.Column(sa.Integer)
    e = engine("psycopg2", pool_size=10)
    Base.metadata.create_all(e)
    session = orm.scoped_session(orm.sessionmaker(e))
    get_all([ramet.spawn(work, n) for n in range(30)])
    equal(sorted(n for n, in session.query(Row.n)), list(range(1, 30, 2)))
    session.remove()
    Base.metadata.drop_all(e)
    e.dispose()


@test
def errors_are_its_own():
    with held() as holder:
        raises(sqlalchemy().exc.ProgrammingError, scalar, holder, "select * from no_such_table")
        equal(scalar(holder, "select 7"), 7)


# ---- asyncio --------------------------------------------------------------------------------------------------------

async def wait_in_loop(e):
    async with e.connect() as connection:
        return (await connection.execute(sqlalchemy().text(LOCK))).fetchone()[1]


async def several():
    e = engine("asyncpg", "create_async_engine", pool_size=10)
    try:
        return await asyncio.gather(*[wait_in_loop(e) for _ in range(10)])
    finally:
        await e.dispose()


@test
def its_greenlets_are_ours():
    sqlalchemy()
    import greenlet
    assert issubclass(need("sqlalchemy.util.concurrency").greenlet_spawn.__globals__["_AsyncIoGreenlet"],
                      ramet.Greenlet.__mro__[-2]), greenlet


@test
def the_queries_of_two_loops_wait_at_once():
    with held() as holder:
        need("asyncpg")
        loops = [ramet.spawn(asyncio.run, several()) for _ in range(2)]
        beside = ramet.spawn(wait_for_lock, engine("psycopg2"))
        until(lambda: waiting(holder) == 21)
        release(holder)
        equal(get_all(loops + [beside]), [[7] * 10] * 2 + [7])


@test
def a_limit_of_asyncio_ends_a_query():
    async def limited():
        e = engine("asyncpg", "create_async_engine", pool_size=1, max_overflow=0)
        try:
            await asyncio.wait_for(wait_in_loop(e), 0.3)
        except asyncio.TimeoutError:
            async with e.connect() as connection:
                return (await connection.execute(sqlalchemy().text("select 7"))).scalar()
        finally:
            await e.dispose()
    with held() as holder:
        equal(asyncio.run(limited()), 7)
        release(holder)


@test
def what_waits_outside_is_told_so():
    async def wrong():
        e = engine("asyncpg", "create_async_engine")
        try:
            e.sync_engine.connect()
        finally:
            await e.dispose()
    sqlalchemy()
    raises(need("sqlalchemy").exc.MissingGreenlet, asyncio.run, wrong())


@test
def files_of_sqlite_are_used_by_several_coroutines():
    async def work(make, n):
        async with make() as session:
            session.add(Row(n=n))
            await session.commit()

    async def all_of_it(path):
        e = aio.create_async_engine(f"sqlite+aiosqlite:///{path}")
        make = orm.sessionmaker(e, class_=aio.AsyncSession)
        async with e.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await asyncio.gather(*[work(make, n) for n in range(10)])
        async with make() as session:
            rows = (await session.execute(sa.select(Row.n))).scalars().all()
        await e.dispose()
        return sorted(rows)
    sa = sqlalchemy()
    need("aiosqlite")
    orm, aio = need("sqlalchemy.orm"), need("sqlalchemy.ext.asyncio")
    Base = orm.declarative_base()

    class Row(Base):
        __tablename__ = "rows"
        id = sa.Column(sa.Integer, primary_key=True)
        n = sa.Column(sa.Integer)
    with tempfile.TemporaryDirectory() as folder:
        loops = [ramet.spawn(asyncio.run, all_of_it(os.path.join(folder, str(n)))) for n in range(2)]
        equal(get_all(loops), [list(range(10))] * 2)


main(postgres.server)
