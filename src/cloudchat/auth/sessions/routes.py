"""`/api/auth`: the sessions of a user, from the login to the logout, and their refresh tokens.

All routes are plain `def`s, which FastAPI runs in threads: hashing and SQL block.
"""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from slowapi import Limiter

from cloudchat.auth import schemas
from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.dependencies import bearer_token, hashing_turn, require_principal
from cloudchat.auth.errors import AccountError, BadToken
from cloudchat.auth.passwords.turns import HashingTurns
from cloudchat.auth.principal import Principal
from cloudchat.auth.results import SessionTokens
from cloudchat.auth.service import AccountService
from cloudchat.auth.sessions.refresh_cookie import RefreshCookie
from cloudchat.auth.tokens.kinds import ACCESS
from cloudchat.http.csrf import require_allowed_origin, require_json_from_allowed_origin
from cloudchat.http.error_docs import documented
from cloudchat.http.routers import add_routers
from cloudchat.rate_limiting.http_limits import client_address, limited_route
from cloudchat.settings import Settings

_Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["q_axJiJBBhCsk1eqY2Fzxg"])]
_Bearer = Annotated[str | None, Depends(bearer_token)]


def session_routes(
    accounts: AccountService,
    authenticator: Authenticator,
    turns: HashingTurns,
    limiter: Limiter,
    settings: Settings,
    *,
    cookie: RefreshCookie,
) -> APIRouter:
    """Return the routes."""

    def router(rate: str) -> APIRouter:
        return APIRouter(prefix="/api", tags=["accounts"], route_class=limited_route(limiter, rate))

    login_router, refresh_router = router(settings.login_rate), router(settings.refresh_rate)
    account_router = router(settings.account_rate)

    sessions = accounts.sessions
    json_body = [Depends(require_json_from_allowed_origin(settings))]
    session_user = Annotated[Principal, Depends(require_principal(authenticator, kinds=(ACCESS,)))]
    hashing = Annotated[None, hashing_turn(turns)]

    def refresh_token_of(request: Request, body: schemas.RefreshRequest) -> str | None:
        if body.refresh_token is not None:
            return body.refresh_token
        if token := cookie.read(request):
            # The browser adds the cookie automatically, even to a request that a page of another site has forged.
            require_allowed_origin(request, settings.origins, required=True)
        return token

    def tokens_response(tokens: SessionTokens, response: Response, *, in_body: bool) -> schemas.SessionTokensResponse:
        if not in_body:
            cookie.write(response, tokens.refresh_token, tokens.refresh_expires_in)
        return schemas.SessionTokensResponse.of(tokens, in_body=in_body)

    @login_router.post(
        "/auth/login",
        summary="Log in",
        dependencies=json_body,
        responses=documented(401, 403, 413, 415, 422, 429, 503),
        response_model_exclude_none=True,
    )
    def login(
        request: Request, response: Response, body: schemas.LoginRequest, _: hashing
    ) -> schemas.SessionTokensResponse:
        """Open a session.

        401 if the user is unknown or the password is wrong; the response does not say which. 401
        `second_factor_required` if the password is right and the account has a second factor: repeat the request with
        `totp`. 403 if the account is disabled. 429 after too many failures.
        """
        tokens = accounts.login(
            body.username,
            body.password,
            body.totp,
            client=request.headers.get("user-agent", ""),
            address=client_address(request),
            now=time.time(),
        )
        return tokens_response(tokens, response, in_body=body.refresh == "body")

    @refresh_router.post(
        "/auth/refresh",
        summary="Refresh a session",
        dependencies=json_body,
        responses=documented(401, 403, 409, 413, 415, 422, 429, 503),
        response_model_exclude_none=True,
    )
    def refresh(request: Request, response: Response, body: schemas.RefreshRequest) -> schemas.SessionTokensResponse:
        """Exchange the refresh token, from the cookie or from the body, for a new one and a new access token.

        If the response was lost, repeat the request within seconds. 409 (retryable) if another request, for example of
        another tab, was first and its new token is in use: retry with that token. A refresh token that was exchanged
        longer ago ends the session.
        """
        token = refresh_token_of(request, body)
        if token is None:
            raise BadToken("there is no session to refresh; sign in")
        tokens = sessions.refresh(token, address=client_address(request), now=time.time())
        if body.refresh_token is None:
            cookie.rename(request, response)
        return tokens_response(tokens, response, in_body=body.refresh_token is not None)

    @refresh_router.post(
        "/auth/logout",
        summary="Log out",
        status_code=204,
        dependencies=json_body,
        openapi_extra={"security": [{}]},  # beside the access token that FastAPI documents: none is needed
        responses=documented(403, 413, 415, 422, 429, 503),
    )
    def logout(request: Request, bearer: _Bearer, body: schemas.RefreshRequest) -> Response:
        """End the session of the cookie, of the refresh token in the body, and of the access token.

        Also returns 204 if the session has already ended.
        """
        now, address = time.time(), client_address(request)
        if token := refresh_token_of(request, body):
            sessions.end_by_refresh_token(token, address=address, now=now)
        if bearer is not None:
            try:
                principal = authenticator.authenticate(bearer, now)
                if principal.kind == ACCESS:
                    sessions.end(principal.user_id, principal.session_id, reason="logout", address=address, now=now)
            except AccountError:
                pass  # the session has ended already
        response = Response(status_code=204)
        cookie.clear(response)
        return response

    @account_router.get(
        "/auth/sessions", summary="List the current user's sessions", responses=documented(401, 403, 429, 503)
    )
    def list_sessions(principal: session_user) -> schemas.SessionsResponse:
        """Return the user's live sessions, most recently used first."""
        live = sessions.list(principal.user_id, current=principal.session_id, now=time.time())
        return schemas.SessionsResponse(sessions=[schemas.SessionResponse.of(session) for session in live])

    @account_router.delete(
        "/auth/sessions/{session_id}",
        summary="End one of the current user's sessions",
        status_code=204,
        responses=documented(401, 403, 404, 422, 429, 503),
    )
    def end_session(request: Request, principal: session_user, session_id: _Id) -> Response:
        """End the session and close its sockets within seconds. 404 if it is not the user's or has ended."""
        sessions.end(
            principal.user_id,
            session_id,
            reason="ended by its user",
            address=client_address(request),
            now=time.time(),
        )
        return Response(status_code=204)

    routes = APIRouter()
    add_routers(routes, login_router, refresh_router, account_router)
    return routes
