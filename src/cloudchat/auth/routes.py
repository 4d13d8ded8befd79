"""`/api/auth/…` and `/api/me`. Every route is a plain `def`: hashing and SQL block, so they get a thread."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from slowapi import Limiter

from cloudchat.auth import schemas
from cloudchat.auth.dependencies import bearer_token, signed_in
from cloudchat.auth.errors import AccountError, BadCredentials, BadToken, InvalidField
from cloudchat.auth.principal import Principal
from cloudchat.auth.results import SignIn
from cloudchat.auth.service import AccountService
from cloudchat.auth.sessions.refresh_cookie import RefreshCookie
from cloudchat.auth.tokens.access_tokens import ACCESS
from cloudchat.http.csrf import only_plain_loopback, require_allowed_origin, require_json_from_allowed_origin
from cloudchat.http.error_docs import documented
from cloudchat.http.errors import ApiError
from cloudchat.protocol.errors import ErrorCode
from cloudchat.rate_limiting.http_limits import client_address, limited_route
from cloudchat.settings import Settings

_Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Bearer = Annotated[str | None, Depends(bearer_token)]


def auth_routes(accounts: AccountService, limiter: Limiter, settings: Settings) -> APIRouter:
    """The routes. Account errors become answers in http/errors.py."""

    def at_most(rate: str) -> APIRouter:
        return APIRouter(prefix="/api", tags=["accounts"], route_class=limited_route(limiter, rate))

    registering, signing_in = at_most(settings.register_rate), at_most(settings.login_rate)
    refreshing, account = at_most(settings.refresh_rate), at_most(settings.account_rate)
    cookie = RefreshCookie(secure=not only_plain_loopback(settings.origins))

    guarded = [Depends(require_json_from_allowed_origin(settings))]
    person = Annotated[Principal, Depends(signed_in(accounts, kinds=(ACCESS,)))]
    anyone = Annotated[Principal, Depends(signed_in(accounts))]

    def refresh_token_of(request: Request, body: schemas.RefreshRequest) -> str | None:
        if body.refresh_token is not None:
            return body.refresh_token
        if token := cookie.read(request):
            # The browser sends it by itself, also for a page that only wants to make mischief.
            require_allowed_origin(request, settings.origins, required=True)
        return token

    def answer(sign_in: SignIn, response: Response, *, in_body: bool) -> schemas.SignInAnswer:
        if not in_body:
            cookie.write(response, sign_in.refresh_token, sign_in.refresh_expires_in)
        return schemas.SignInAnswer.of(sign_in, in_body=in_body)

    @registering.post(
        "/auth/register", status_code=201, dependencies=guarded, responses=documented(403, 409, 413, 415, 422, 429, 503)
    )
    def register(request: Request, body: schemas.RegisterRequest) -> schemas.RegisterAnswer:
        """Make an account, where registration is open, or with an invite. Then log in."""
        profile = accounts.register(
            body.username, body.password, invite=body.invite, address=client_address(request), now=time.time()
        )
        return schemas.RegisterAnswer(user=schemas.UserAnswer.of(profile))

    @signing_in.post(
        "/auth/login",
        dependencies=guarded,
        responses=documented(401, 403, 413, 415, 422, 429, 503),
        response_model_exclude_none=True,
    )
    def login(request: Request, response: Response, body: schemas.LoginRequest) -> schemas.SignInAnswer:
        """Open a session. 401 for an unknown user as for a wrong password; 403 if the account is disabled.

        401 `second_factor_required`: the password is right, and the account has a second factor; send `totp`, too.
        """
        sign_in = accounts.login(
            body.username,
            body.password,
            body.totp,
            client=request.headers.get("user-agent", ""),
            address=client_address(request),
            now=time.time(),
        )
        return answer(sign_in, response, in_body=body.refresh == "body")

    @refreshing.post(
        "/auth/refresh",
        dependencies=guarded,
        responses=documented(401, 403, 409, 413, 415, 422, 429, 503),
        response_model_exclude_none=True,
    )
    def refresh(request: Request, response: Response, body: schemas.RefreshRequest) -> schemas.SignInAnswer:
        """Exchange the refresh token, of the cookie or of the body, for new tokens.

        Did the answer get lost? Ask again within seconds. 409 (retryable): somebody has used the new token already,
        another tab for example; ask again, with what it was given. An older token ends the session.
        """
        token = refresh_token_of(request, body)
        if token is None:
            raise BadToken("there is no session to refresh; sign in")
        sign_in = accounts.sessions.refresh(token, address=client_address(request), now=time.time())
        return answer(sign_in, response, in_body=body.refresh_token is not None)

    @refreshing.post(
        "/auth/logout", status_code=204, dependencies=guarded, responses=documented(403, 413, 415, 422, 429, 503)
    )
    def logout(request: Request, bearer: _Bearer, body: schemas.RefreshRequest) -> Response:
        """End the session of the cookie, of the refresh token in the body, or of the access token."""
        now, address = time.time(), client_address(request)
        if token := refresh_token_of(request, body):
            accounts.sessions.end_by_refresh_token(token, address=address, now=now)
        if bearer is not None:
            try:
                principal = accounts.authenticate(bearer, now)
                if principal.kind == ACCESS:
                    accounts.sessions.end(
                        principal.user_id, principal.session_id, because="logout", address=address, now=now
                    )
            except AccountError:
                pass  # ended already: that is what was asked for
        response = Response(status_code=204)
        cookie.clear(response)
        return response

    @signing_in.post(
        "/auth/password",
        status_code=204,
        dependencies=guarded,
        responses=documented(401, 403, 413, 415, 422, 429, 503),
    )
    def change_password(request: Request, principal: person, body: schemas.PasswordRequest) -> Response:
        """Change one's own password; one's other sessions end. 403 if the current one is wrong."""
        try:
            accounts.change_password(
                principal,
                body.current_password,
                body.new_password,
                address=client_address(request),
                now=time.time(),
            )
        except BadCredentials as error:  # no 401: the page would take it for an expired token, and refresh
            raise ApiError(ErrorCode.FORBIDDEN, str(error), field="current_password") from error
        except InvalidField as error:
            raise ApiError(ErrorCode.BAD_REQUEST, str(error), field="new_password", status=422) from error
        return Response(status_code=204)

    @account.get("/me", responses=documented(401, 403, 429, 503))
    def me(principal: anyone) -> schemas.MeAnswer:
        """Who one is, and what this token may do."""
        user = schemas.UserAnswer.of(accounts.profile(principal.user_id))
        return schemas.MeAnswer(**user.model_dump(), scopes=sorted(principal.scopes))

    @account.get("/auth/sessions", responses=documented(401, 403, 429, 503))
    def list_sessions(principal: person) -> schemas.SessionsAnswer:
        """One's own sessions."""
        sessions = accounts.sessions.list(principal.user_id, current=principal.session_id, now=time.time())
        return schemas.SessionsAnswer(sessions=[schemas.SessionAnswer.of(session) for session in sessions])

    @account.delete("/auth/sessions/{session_id}", status_code=204, responses=documented(401, 403, 404, 422, 429, 503))
    def end_session(request: Request, principal: person, session_id: _Id) -> Response:
        """End one of one's own sessions."""
        accounts.sessions.end(
            principal.user_id,
            session_id,
            because="ended by its user",
            address=client_address(request),
            now=time.time(),
        )
        return Response(status_code=204)

    routes = APIRouter()
    for part in (registering, signing_in, refreshing, account):
        routes.include_router(part)
    return routes
