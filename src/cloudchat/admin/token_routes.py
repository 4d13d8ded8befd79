"""`/api/admin/tokens` and `/api/admin/invites`."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from slowapi import Limiter

from cloudchat.admin import schemas
from cloudchat.admin.actor import Actor
from cloudchat.admin.dependencies import PathId, acting_administrator
from cloudchat.admin.service import AdminService
from cloudchat.auth.service import AccountService
from cloudchat.http.csrf import require_json_from_allowed_origin
from cloudchat.http.error_docs import documented
from cloudchat.rate_limiting.http_limits import limited_route
from cloudchat.settings import Settings


def token_routes(admin: AdminService, accounts: AccountService, limiter: Limiter, settings: Settings) -> APIRouter:
    """The routes. Account errors become answers in http/errors.py."""
    actor = acting_administrator(accounts)
    routes = APIRouter(
        prefix="/api/admin",
        tags=["administration"],
        dependencies=[Depends(actor)],
        route_class=limited_route(limiter, settings.admin_rate),
    )
    by = Annotated[Actor, Depends(actor)]
    guarded = [Depends(require_json_from_allowed_origin(settings))]

    @routes.get("/tokens", responses=documented(401, 403, 429, 503))
    def list_tokens() -> schemas.TokensAnswer:
        """Every API token, the newest first, without the tokens themselves."""
        return schemas.TokensAnswer(tokens=[schemas.TokenAnswer.of(token) for token in admin.tokens.list()])

    @routes.post(
        "/tokens",
        status_code=201,
        dependencies=guarded,
        responses=documented(401, 403, 404, 409, 413, 415, 422, 429, 503),
    )
    def issue_token(actor: by, body: schemas.TokenRequest) -> schemas.NewTokenAnswer:
        """An API token for a user. 403 for a scope beyond one's own, 409 for one beyond the user's role."""
        issued = admin.tokens.issue(
            body.user, body.scopes, body.ttl_seconds, label=body.label, actor=actor, now=time.time()
        )
        return schemas.NewTokenAnswer.of(issued)

    @routes.delete("/tokens/{token_id}", status_code=204, responses=documented(401, 403, 404, 422, 429, 503))
    def revoke_token(actor: by, token_id: PathId) -> Response:
        """It is good no more; sockets that stand on it close within seconds."""
        admin.tokens.revoke(token_id, actor=actor, now=time.time())
        return Response(status_code=204)

    @routes.get("/invites", responses=documented(401, 403, 429, 503))
    def list_invites() -> schemas.InvitesAnswer:
        """Every invite, the newest first, without the secrets."""
        return schemas.InvitesAnswer(invites=[schemas.InviteAnswer.of(invite) for invite in admin.invites.list()])

    @routes.post(
        "/invites", status_code=201, dependencies=guarded, responses=documented(401, 403, 413, 415, 422, 429, 503)
    )
    def create_invite(actor: by, body: schemas.InviteRequest) -> schemas.NewInviteAnswer:
        """A right to register, for one person."""
        issued = admin.invites.create(body.ttl_seconds, actor=actor, now=time.time())
        return schemas.NewInviteAnswer.of(issued)

    @routes.delete("/invites/{invite_id}", status_code=204, responses=documented(401, 403, 404, 422, 429, 503))
    def delete_invite(actor: by, invite_id: PathId) -> Response:
        """It is good no more."""
        admin.invites.delete(invite_id, actor=actor, now=time.time())
        return Response(status_code=204)

    return routes
