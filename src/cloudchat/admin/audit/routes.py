"""`GET /api/admin/audit`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from cloudchat.admin.audit import schemas
from cloudchat.admin.audit.repository import AuditFilter
from cloudchat.admin.dependencies import Before, PageSize
from cloudchat.admin.service import AdminService
from cloudchat.http.error_docs import documented

_User = Annotated[
    str,
    Query(
        description="Only entries whose actor or target is this user: a username, or `cli` or `server`.",
        max_length=128,
        examples=["ann"],
    ),
]
_Action = Annotated[
    str,
    Query(
        description="Only this action, or the actions that begin with it and a dot.",
        pattern=r"^([a-z_]{1,32}(\.[a-z_]{1,32})?)?$",
        examples=["room"],
    ),
]
_Result = Annotated[Literal["done", "refused"] | None, Query(description="Only entries with this result.")]


def add_audit_routes(routes: APIRouter, admin: AdminService) -> None:
    """Add the route to the router of `/api/admin`, which has its limit and requires the scope `admin`."""

    @routes.get("/audit", summary="Read the audit log", responses=documented(401, 403, 404, 422, 429, 503))
    def audit_log(
        before: Before = None, limit: PageSize = 100, user: _User = "", action: _Action = "", result: _Result = None
    ) -> schemas.AuditResponse:
        """Return a page of the audit log, newest first. 404 if the entry `before` does not exist."""
        entries = admin.audit_log(before, limit + 1, user=user, only=AuditFilter(action=action, result=result))
        page = [schemas.AuditEntryResponse.of(entry) for entry in entries[:limit]]
        return schemas.AuditResponse(entries=page, next=page[-1].id if len(entries) > limit else None)
