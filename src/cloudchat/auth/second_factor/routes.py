"""`/api/auth/totp`: a user's own second factor. API tokens are not accepted: a program has no authenticator app."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from slowapi import Limiter

from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.dependencies import hashing_turn, require_principal
from cloudchat.auth.errors import BadCredentials, BadSecondFactor, ReauthenticationFailed, SecondFactorRequired
from cloudchat.auth.passwords.turns import HashingTurns
from cloudchat.auth.principal import Principal
from cloudchat.auth.second_factor import schemas
from cloudchat.auth.second_factor.totp import provisioning_uri, qr_rows
from cloudchat.auth.service import AccountService
from cloudchat.auth.tokens.kinds import ACCESS
from cloudchat.http.csrf import require_json_from_allowed_origin
from cloudchat.http.error_docs import documented
from cloudchat.rate_limiting.http_limits import client_address, limited_route
from cloudchat.settings import Settings


def second_factor_routes(
    accounts: AccountService,
    authenticator: Authenticator,
    turns: HashingTurns,
    limiter: Limiter,
    settings: Settings,
) -> APIRouter:
    """Return the routes. A wrong password or code is a 403 (see ReauthenticationFailed)."""
    routes = APIRouter(
        prefix="/api/auth/totp", tags=["accounts"], route_class=limited_route(limiter, settings.login_rate)
    )
    session_user = Annotated[Principal, Depends(require_principal(authenticator, kinds=(ACCESS,)))]
    hashing = Annotated[None, hashing_turn(turns)]
    json_body = [Depends(require_json_from_allowed_origin(settings))]

    @routes.post(
        "/setup",
        summary="Begin the set-up of a second factor",
        dependencies=json_body,
        responses=documented(401, 403, 409, 413, 415, 422, 429, 503),
    )
    def setup(
        request: Request, principal: session_user, body: schemas.SetupRequest, _: hashing
    ) -> schemas.SetupResponse:
        """Return a new secret for an authenticator app. It has no effect until it is confirmed.

        403 if the password is wrong. 409 if there is a second factor already.
        """
        try:
            secret = accounts.begin_second_factor(
                principal, body.password, address=client_address(request), now=time.time()
            )
        except BadCredentials as error:
            raise ReauthenticationFailed("password", str(error)) from error
        uri = provisioning_uri(secret, principal.name)
        return schemas.SetupResponse(secret=secret, uri=uri, qr=qr_rows(uri))

    @routes.post(
        "/confirm",
        summary="Enable the second factor",
        dependencies=json_body,
        responses=documented(401, 403, 409, 413, 415, 422, 429, 503),
    )
    def confirm(request: Request, principal: session_user, body: schemas.ConfirmRequest) -> schemas.ConfirmResponse:
        """Confirm the set-up with a code of the app, and end the user's other sessions.

        From now on, a login needs a code. 403 if the code is wrong. 409 if there is no set-up to confirm.
        """
        try:
            codes = accounts.second_factor.confirm(
                principal, body.code, address=client_address(request), now=time.time()
            )
        except BadSecondFactor as error:
            raise ReauthenticationFailed("code", str(error)) from error
        return schemas.ConfirmResponse(recovery_codes=codes)

    @routes.post(
        "/disable",
        summary="Disable the second factor",
        status_code=204,
        dependencies=json_body,
        responses=documented(401, 403, 409, 413, 415, 422, 429, 503),
    )
    def disable(request: Request, principal: session_user, body: schemas.DisableRequest, _: hashing) -> Response:
        """Remove the second factor and its recovery codes. A login then needs only the password.

        403 if the password or the code is wrong. 409 if there is no second factor.
        """
        try:
            accounts.disable_second_factor(
                principal, body.password, body.totp, address=client_address(request), now=time.time()
            )
        except BadCredentials as error:
            raise ReauthenticationFailed("password", str(error)) from error
        except (BadSecondFactor, SecondFactorRequired) as error:
            raise ReauthenticationFailed("totp", str(error)) from error
        return Response(status_code=204)

    return routes
