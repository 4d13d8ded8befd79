"""`/api/auth`, `/api/config` and `/api/me`: accounts. Their sessions are in `sessions/routes.py`.

All routes are plain `def`s, which FastAPI runs in threads: hashing and SQL block.
"""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from slowapi import Limiter

from cloudchat.auth import schemas
from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.dependencies import hashing_turn, require_principal
from cloudchat.auth.errors import (
    BadCredentials,
    BadSecondFactor,
    InvalidField,
    ReauthenticationFailed,
    SecondFactorRequired,
)
from cloudchat.auth.passwords.turns import HashingTurns
from cloudchat.auth.principal import STEP_UP_SECONDS, Principal
from cloudchat.auth.service import AccountService
from cloudchat.auth.tokens.kinds import ACCESS
from cloudchat.http.csrf import require_json_from_allowed_origin
from cloudchat.http.error_docs import documented
from cloudchat.http.routers import add_routers
from cloudchat.rate_limiting.http_limits import client_address, limited_route
from cloudchat.settings import Settings


def auth_routes(
    accounts: AccountService, authenticator: Authenticator, turns: HashingTurns, limiter: Limiter, settings: Settings
) -> APIRouter:
    """Return the routes."""

    def router(rate: str) -> APIRouter:
        return APIRouter(prefix="/api", tags=["accounts"], route_class=limited_route(limiter, rate))

    register_router, login_router = router(settings.register_rate), router(settings.login_rate)
    account_router = router(settings.account_rate)

    json_body = [Depends(require_json_from_allowed_origin(settings))]
    session_user = Annotated[Principal, Depends(require_principal(authenticator, kinds=(ACCESS,)))]
    hashing = Annotated[None, hashing_turn(turns)]
    any_user = Annotated[Principal, Depends(require_principal(authenticator))]

    @register_router.post(
        "/auth/register",
        summary="Register an account",
        status_code=201,
        dependencies=json_body,
        responses=documented(403, 409, 413, 415, 422, 429, 503),
    )
    def register(request: Request, body: schemas.RegisterRequest, _: hashing) -> schemas.RegisterResponse:
        """Create an account with the role `member`. The next step is a login.

        403 if registration is closed, or needs an invite that is missing or no longer valid. 409 if the username is
        taken or reserved.
        """
        profile = accounts.register(
            body.username, body.password, invite=body.invite, address=client_address(request), now=time.time()
        )
        return schemas.RegisterResponse(user=schemas.ProfileResponse.of(profile))

    @login_router.post(
        "/auth/password",
        summary="Change the current user's password",
        status_code=204,
        dependencies=json_body,
        responses=documented(401, 403, 413, 415, 422, 429, 503),
    )
    def change_password(
        request: Request, principal: session_user, body: schemas.PasswordRequest, _: hashing
    ) -> Response:
        """Set a new password and end the user's other sessions. 403 if the current password is wrong."""
        try:
            accounts.change_password(
                principal,
                body.current_password,
                body.new_password,
                address=client_address(request),
                now=time.time(),
            )
        except BadCredentials as error:
            raise ReauthenticationFailed("current_password", str(error)) from error
        except InvalidField as error:
            raise InvalidField("new_password", str(error)) from error
        return Response(status_code=204)

    @account_router.get("/config", summary="Get what a client needs before a login", responses=documented(429, 503))
    def config() -> schemas.ConfigResponse:
        """Return who can create an account, so that a page does not offer what the server refuses. No token needed."""
        return schemas.ConfigResponse(registration=settings.registration_mode)

    @login_router.post(
        "/auth/step-up",
        summary="Prove the password or the second factor again",
        dependencies=json_body,
        responses=documented(401, 403, 409, 413, 415, 422, 429, 503),
    )
    def step_up(
        request: Request, principal: session_user, body: schemas.StepUpRequest, _: hashing
    ) -> schemas.StepUpResponse:
        """Allow this session changes of credentials and roles of other users for the next minutes. A login does, too.

        Without it they are refused with 403 `step_up_required`. 403 if the password or the code is wrong. 409 for a
        code of an account without a second factor.
        """
        try:
            accounts.step_up.verify(
                principal, password=body.password, code=body.totp, address=client_address(request), now=time.time()
            )
        except BadCredentials as error:
            raise ReauthenticationFailed("password", str(error)) from error
        except (BadSecondFactor, SecondFactorRequired) as error:
            raise ReauthenticationFailed("totp", str(error)) from error
        return schemas.StepUpResponse(expires_in=STEP_UP_SECONDS)

    @account_router.get("/me", summary="Get the current user", responses=documented(401, 403, 429, 503))
    def me(principal: any_user) -> schemas.MeResponse:
        """Return the user of the request's token, and the token's scopes."""
        user = schemas.ProfileResponse.of(accounts.profile(principal.user_id))
        return schemas.MeResponse(**user.model_dump(), scopes=sorted(principal.scopes))

    routes = APIRouter()
    add_routers(routes, register_router, login_router, account_router)
    return routes
