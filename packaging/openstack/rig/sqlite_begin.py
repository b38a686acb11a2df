"""Starts every SQLite transaction of this process as a writer.

oslo.db emits a plain BEGIN. A transaction that first reads and then writes must upgrade its
lock, and SQLite refuses that at once ("database is locked"), whatever the timeout, when another
thread wrote in between. BEGIN IMMEDIATE waits for its turn instead.
"""

import sqlalchemy
from sqlalchemy import engine


def use_immediate():
    """Must be called before the first connection is made."""

    @sqlalchemy.event.listens_for(engine.Engine, "before_cursor_execute", retval=True)
    def begin_immediate(connection, cursor, statement, parameters, context, executemany):
        if statement == "BEGIN" and connection.dialect.name == "sqlite":
            statement = "BEGIN IMMEDIATE"
        return statement, parameters
