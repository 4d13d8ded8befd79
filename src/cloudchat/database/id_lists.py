"""Conditions on lists of ids, for queries that handshakes wait for.

`IN` has a parameter for each id. The text of a query then differs with their number: SQLAlchemy builds it each time,
and PostgreSQL plans it each time. Here a list is one parameter: an array in PostgreSQL, JSON in SQLite, which has no
arrays.
"""

import json
from collections.abc import Collection
from typing import Any, Self

from sqlalchemy import ARRAY, BindParameter, Boolean, Dialect, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

from cloudchat.database.urls import POSTGRESQL


class _IdList(TypeDecorator[Collection[str]]):
    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == POSTGRESQL else Text())

    def process_bind_param(self, value: Collection[str] | None, dialect: Dialect) -> Any:
        ids = list(value or ())
        return ids if dialect.name == POSTGRESQL else json.dumps(ids)


class IsOneOf(FunctionElement[bool]):
    """The condition that a column has one of the ids in a list: `IsOneOf(users.c.id, id_list("ids"))`."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> Self:
        """Return the condition as it is: SQLAlchemy would append `= 1` in SQLite, which would then use no index."""
        return self


def id_list(name: str) -> BindParameter[Collection[str]]:
    """Return the parameter with this name, whose value is a collection of ids."""
    return bindparam(name, type_=_IdList())


@compiles(IsOneOf)
def _in_json(element: IsOneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 # nosec B608 (compiled SQL)


@compiles(IsOneOf, POSTGRESQL)
def _in_array(element: IsOneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY ({ids})"
