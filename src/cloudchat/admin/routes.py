"""`/api/admin/users` and `/api/admin/audit`. Plain `def`s: hashing and SQL block, so they get a thread."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from slowapi import Limiter

from cloudchat.admin import schemas
from cloudchat.admin.actor import Actor
from cloudchat.admin.dependencies import Cursor, PageSize, PathId, acting_administrator
from cloudchat.admin.service import AdminService
from cloudchat.auth.service import AccountService
from cloudchat.http.csrf import require_json_from_allowed_origin
from cloudchat.http.error_docs import documented
from cloudchat.rate_limiting.http_limits import limited_route
from cloudchat.settings import Settings


def admin_routes(admin: AdminService, accounts: AccountService, limiter: Limiter, settings: Settings) -> APIRouter:
    """The routes. Account errors become answers in http/errors.py."""
    actor = acting_administrator(accounts)
    # On every route at once: one that is added here without thinking of it is guarded, too.
    routes = APIRouter(
        prefix="/api/admin",
        tags=["administration"],
        dependencies=[Depends(actor)],
        route_class=limited_route(limiter, settings.admin_rate),
    )
    by = Annotated[Actor, Depends(actor)]
    guarded = [Depends(require_json_from_allowed_origin(settings))]

    @routes.get("/users", responses=documented(401, 403, 404, 422, 429, 503))
    def list_users(after: Cursor = None, limit: PageSize = 100) -> schemas.UsersAnswer:
        """A page of accounts, the oldest first. 404 if there is no user `after`."""
        users = admin.users.list(after, limit + 1)
        page = [schemas.UserAnswer.of(user) for user in users[:limit]]
        return schemas.UsersAnswer(users=page, next=page[-1].id if len(users) > limit else None)

    @routes.post(
        "/users", status_code=201, dependencies=guarded, responses=documented(401, 403, 409, 413, 415, 422, 429, 503)
    )
    def create_user(actor: by, body: schemas.UserRequest) -> schemas.NewUserAnswer:
        """A new account with a one-time password, which opens nothing but the change of it."""
        user, password = admin.users.create_with_one_time_password(
            body.username, body.role, actor=actor, now=time.time()
        )
        return schemas.NewUserAnswer(user=schemas.UserAnswer.of(user), one_time_password=password)

    @routes.patch(
        "/users/{user_id}", dependencies=guarded, responses=documented(401, 403, 404, 409, 413, 415, 422, 429, 503)
    )
    def change_user(actor: by, user_id: PathId, body: schemas.UserChange) -> schemas.UserAnswer:
        """Set the role, disable or enable. 409: nobody disables or demotes themselves, or the last administrator."""
        user = admin.users.change(user_id, role=body.role, disabled=body.disabled, actor=actor, now=time.time())
        return schemas.UserAnswer.of(user)

    @routes.post("/users/{user_id}/reset-password", responses=documented(401, 403, 404, 409, 422, 429, 503))
    def reset_password(actor: by, user_id: PathId) -> schemas.OneTimePasswordAnswer:
        """A one-time password in place of the old one; the user's sessions end. 409 for one's own."""
        password = admin.users.reset_password(user_id, actor=actor, now=time.time())
        return schemas.OneTimePasswordAnswer(one_time_password=password)

    @routes.post(
        "/users/{user_id}/reset-second-factor", status_code=204, responses=documented(401, 403, 404, 409, 422, 429, 503)
    )
    def reset_second_factor(actor: by, user_id: PathId) -> Response:
        """For who lost the device and the codes; the user's sessions end. 409 if there is none, and for one's own."""
        admin.users.reset_second_factor(user_id, actor=actor, now=time.time())
        return Response(status_code=204)

    @routes.get("/audit", responses=documented(401, 403, 404, 422, 429, 503))
    def audit_log(before: Cursor = None, limit: PageSize = 100) -> schemas.AuditAnswer:
        """A page of the audit log, the newest first. 404 if there is no entry `before`."""
        entries = admin.audit_log(before, limit + 1)
        page = [schemas.AuditEntryAnswer.of(entry) for entry in entries[:limit]]
        return schemas.AuditAnswer(entries=page, next=page[-1].id if len(entries) > limit else None)

    return routes
