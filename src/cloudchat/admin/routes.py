"""`/api/admin`: users, API tokens and invites. Rooms and the audit log have their own modules.

All routes are plain `def`s, which FastAPI runs in threads: hashing and SQL block.
"""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from slowapi import Limiter

from cloudchat.admin import schemas
from cloudchat.admin.actor import Actor
from cloudchat.admin.audit.routes import add_audit_routes
from cloudchat.admin.dependencies import After, NamePart, PageSize, PathId, require_administrator
from cloudchat.admin.rooms.routes import add_room_routes
from cloudchat.admin.service import AdminService
from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.dependencies import hashing_turn
from cloudchat.auth.passwords.turns import HashingTurns
from cloudchat.auth.schemas import SessionResponse, SessionsResponse
from cloudchat.auth.sessions.service import SessionService
from cloudchat.http.csrf import require_json_from_allowed_origin
from cloudchat.http.error_docs import documented
from cloudchat.rate_limiting.http_limits import limited_route
from cloudchat.settings import Settings


def admin_routes(
    admin: AdminService,
    authenticator: Authenticator,
    sessions: SessionService,
    turns: HashingTurns,
    limiter: Limiter,
    settings: Settings,
) -> APIRouter:
    """Return the routes. All of them require the scope `admin`."""
    require_actor = require_administrator(authenticator)
    # The dependency belongs to the router, so that a route added later cannot lack it.
    routes = APIRouter(
        prefix="/api/admin",
        tags=["administration"],
        dependencies=[Depends(require_actor)],
        route_class=limited_route(limiter, settings.admin_rate),
    )
    acting = Annotated[Actor, Depends(require_actor)]
    hashing = Annotated[None, hashing_turn(turns)]
    json_body = [Depends(require_json_from_allowed_origin(settings))]

    @routes.get("/users", summary="List the users", responses=documented(401, 403, 404, 422, 429, 503))
    def list_users(q: NamePart = "", after: After = None, limit: PageSize = 100) -> schemas.AccountsResponse:
        """Return a page of the users whose names begin with `q`, oldest first. 404 if `after` does not exist."""
        users = admin.users.list(after, limit + 1, q)
        page = [schemas.AccountResponse.of(user) for user in users[:limit]]
        return schemas.AccountsResponse(users=page, next=page[-1].id if len(users) > limit else None)

    @routes.post(
        "/users",
        summary="Create a user",
        status_code=201,
        dependencies=json_body,
        responses=documented(401, 403, 409, 413, 415, 422, 429, 503),
    )
    def create_user(actor: acting, body: schemas.UserRequest, _: hashing) -> schemas.NewAccountResponse:
        """Create a user with a one-time password. 409 if the username is taken."""
        user, password = admin.users.create_with_one_time_password(
            body.username, body.role, actor=actor, now=time.time()
        )
        return schemas.NewAccountResponse(user=schemas.AccountResponse.of(user), one_time_password=password)

    @routes.patch(
        "/users/{user_id}",
        summary="Set the role of a user, disable or enable a user",
        dependencies=json_body,
        responses=documented(401, 403, 404, 409, 413, 415, 422, 429, 503),
    )
    def change_user(actor: acting, user_id: PathId, body: schemas.UserChange) -> schemas.AccountResponse:
        """Change a user. The change takes effect immediately; sockets with outdated rights close within seconds.

        409 if it would disable or demote the caller or the last administrator.
        """
        user = admin.users.change(user_id, role=body.role, disabled=body.disabled, actor=actor, now=time.time())
        return schemas.AccountResponse.of(user)

    @routes.post(
        "/users/{user_id}/reset-password",
        summary="Reset the password of a user",
        responses=documented(401, 403, 404, 409, 422, 429, 503),
    )
    def reset_password(actor: acting, user_id: PathId, _: hashing) -> schemas.OneTimePasswordResponse:
        """Replace the password with a one-time password and end the user's sessions. 409 for the caller's own."""
        password = admin.users.reset_password(user_id, actor=actor, now=time.time())
        return schemas.OneTimePasswordResponse(one_time_password=password)

    @routes.post(
        "/users/{user_id}/reset-second-factor",
        summary="Remove the second factor of a user",
        status_code=204,
        responses=documented(401, 403, 404, 409, 422, 429, 503),
    )
    def reset_second_factor(actor: acting, user_id: PathId) -> Response:
        """Remove the second factor and end the user's sessions, for a user who lost the device and the recovery codes.

        409 if the user has none, and for the caller's own.
        """
        admin.users.reset_second_factor(user_id, actor=actor, now=time.time())
        return Response(status_code=204)

    @routes.get(
        "/users/{user_id}/sessions",
        summary="List the sessions of a user",
        responses=documented(401, 403, 404, 422, 429, 503),
    )
    def list_sessions(user_id: PathId) -> SessionsResponse:
        """Return the user's live sessions, most recently used first."""
        live = sessions.list(admin.users.get(user_id).id, current="", now=time.time())
        return SessionsResponse(sessions=[SessionResponse.of(session) for session in live])

    @routes.delete(
        "/users/{user_id}/sessions/{session_id}",
        summary="End a session of a user",
        status_code=204,
        responses=documented(401, 403, 404, 409, 422, 429, 503),
    )
    def end_session(actor: acting, user_id: PathId, session_id: PathId) -> Response:
        """End the session and close its sockets within seconds, for example of a lost phone. 409 for the caller's own.

        404 if it is not the user's or has ended.
        """
        admin.users.end_session(user_id, session_id, actor=actor, now=time.time())
        return Response(status_code=204)

    @routes.get("/tokens", summary="List the API tokens", responses=documented(401, 403, 429, 503))
    def list_tokens() -> schemas.TokensResponse:
        """Return all API tokens, newest first, without their secrets."""
        return schemas.TokensResponse(tokens=[schemas.TokenResponse.of(token) for token in admin.tokens.list()])

    @routes.post(
        "/tokens",
        summary="Issue an API token",
        status_code=201,
        dependencies=json_body,
        responses=documented(401, 403, 404, 409, 413, 415, 422, 429, 503),
    )
    def issue_token(actor: acting, body: schemas.TokenRequest) -> schemas.NewTokenResponse:
        """Issue an API token for a user. 403 for a scope that the caller lacks, 409 for one that the role lacks."""
        issued = admin.tokens.issue(
            body.user, body.scopes, body.ttl_seconds, label=body.label, actor=actor, now=time.time()
        )
        return schemas.NewTokenResponse.of(issued)

    @routes.delete(
        "/tokens/{token_id}",
        summary="Revoke an API token",
        status_code=204,
        responses=documented(401, 403, 404, 422, 429, 503),
    )
    def revoke_token(actor: acting, token_id: PathId) -> Response:
        """Revoke an API token. Sockets that it opened close within seconds."""
        admin.tokens.revoke(token_id, actor=actor, now=time.time())
        return Response(status_code=204)

    @routes.get("/invites", summary="List the invites", responses=documented(401, 403, 429, 503))
    def list_invites() -> schemas.InvitesResponse:
        """Return all invites, newest first, without their secrets."""
        return schemas.InvitesResponse(invites=[schemas.InviteResponse.of(invite) for invite in admin.invites.list()])

    @routes.post(
        "/invites",
        summary="Create an invite",
        status_code=201,
        dependencies=json_body,
        responses=documented(401, 403, 413, 415, 422, 429, 503),
    )
    def create_invite(actor: acting, body: schemas.InviteRequest) -> schemas.NewInviteResponse:
        """Create an invite, with which one person can register."""
        issued = admin.invites.create(body.ttl_seconds, label=body.label, actor=actor, now=time.time())
        return schemas.NewInviteResponse.of(issued)

    @routes.delete(
        "/invites/{invite_id}",
        summary="Delete an invite",
        status_code=204,
        responses=documented(401, 403, 404, 422, 429, 503),
    )
    def delete_invite(actor: acting, invite_id: PathId) -> Response:
        """Delete an invite, so that it is no longer valid."""
        admin.invites.delete(invite_id, actor=actor, now=time.time())
        return Response(status_code=204)

    add_room_routes(routes, admin)
    add_audit_routes(routes, admin)
    return routes
