"""All or nothing: the edge of every operation."""

import contextlib
from collections.abc import AsyncIterator
from types import TracebackType

from piccolo.engine.postgres import PostgresTransaction

from tables.database import engine


class _Transaction(PostgresTransaction):
    """Piccolo's transaction, but its connection goes back to the pool also when COMMIT itself fails.

    A deferred constraint speaks at COMMIT; Piccolo would then keep the connection for good. The same where BEGIN fails,
    on a connection that the database has closed.
    """

    async def begin(self) -> None:
        try:
            await self.transaction.start()
        except BaseException:
            assert self.engine.pool is not None
            await self.engine.pool.release(self.connection)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            if kind is None:
                await self.transaction.commit()
            elif not self.connection.is_closed():
                await self.transaction.rollback()
        finally:
            self.engine.current_transaction.reset(self.context)
            assert self.engine.pool is not None
            await self.engine.pool.release(self.connection)
        return False


@contextlib.asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """Run the block as one: committed at its end, undone if it raises.

    Inside another one (operations compose) it is a savepoint: undone alone, committed with the outer.
    """
    outer = engine().current_transaction.get()
    if outer is None:
        async with _Transaction(engine()):
            yield
        return
    savepoint = await outer.savepoint()
    try:
        yield
    except BaseException:
        if not outer.connection.is_closed():
            await savepoint.rollback_to()
        raise
    await savepoint.release()
