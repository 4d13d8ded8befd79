"""`/api/auth/totp/…`: a person's own second factor. API tokens are refused: a program has no phone."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from slowapi import Limiter

from cloudchat.auth.dependencies import signed_in
from cloudchat.auth.errors import BadCredentials, BadSecondFactor, SecondFactorRequired
from cloudchat.auth.principal import Principal
from cloudchat.auth.second_factor.totp import qr_rows, totp_uri
from cloudchat.auth.service import AccountService
from cloudchat.auth.tokens.access_tokens import ACCESS
from cloudchat.http.csrf import require_json_from_allowed_origin
from cloudchat.http.error_docs import documented
from cloudchat.http.errors import ApiError
from cloudchat.http.models import RequestModel
from cloudchat.protocol.errors import ErrorCode
from cloudchat.rate_limiting.http_limits import client_address, limited_route
from cloudchat.settings import Settings


class SetupRequest(RequestModel):
    """One's own password once more: a token that was left somewhere must not lock its owner out."""

    password: str = Field(max_length=1024)


class SetupAnswer(BaseModel):
    """For the authenticator app: by scanning or by typing. Nothing is demanded at a login yet."""

    secret: str = Field(description="Base32.", examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])
    uri: str = Field(examples=["otpauth://totp/cloudchat:ann?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=cloudchat"])
    qr: list[str] = Field(description="The QR code's rows, with their margin: 1 is black.", examples=[["0000", "0110"]])


class ConfirmRequest(RequestModel):
    """A code that the app shows now."""

    code: str = Field(examples=["123456"], max_length=64)


class ConfirmAnswer(BaseModel):
    """To be kept on paper, and never shown again."""

    recovery_codes: list[str] = Field(
        description="Each stands in for one code.", examples=[["abcde-fghij-kmnpq-rstuv-wxyz2"]]
    )


class DisableRequest(RequestModel):
    """Both factors once more."""

    password: str = Field(max_length=1024)
    totp: str = Field(description="A code of the app, or a recovery code.", max_length=64)


def second_factor_routes(accounts: AccountService, limiter: Limiter, settings: Settings) -> APIRouter:
    """The routes. What is wrong is answered by 403: a page takes a 401 for an expired token, and refreshes."""
    routes = APIRouter(
        prefix="/api/auth/totp", tags=["accounts"], route_class=limited_route(limiter, settings.login_rate)
    )
    person = Annotated[Principal, Depends(signed_in(accounts, kinds=(ACCESS,)))]
    guarded = [Depends(require_json_from_allowed_origin(settings))]

    @routes.post("/setup", dependencies=guarded, responses=documented(401, 403, 409, 413, 415, 422, 429, 503))
    def setup(request: Request, principal: person, body: SetupRequest) -> SetupAnswer:
        """A new secret for an authenticator app. It counts from `confirm` on. 409 if there is one already."""
        try:
            secret = accounts.begin_second_factor(
                principal, body.password, address=client_address(request), now=time.time()
            )
        except BadCredentials as error:
            raise ApiError(ErrorCode.FORBIDDEN, str(error), field="password") from error
        uri = totp_uri(secret, principal.name)
        return SetupAnswer(secret=secret, uri=uri, qr=qr_rows(uri))

    @routes.post("/confirm", dependencies=guarded, responses=documented(401, 403, 409, 413, 415, 422, 429, 503))
    def confirm(request: Request, principal: person, body: ConfirmRequest) -> ConfirmAnswer:
        """From now on a login asks for a code. One's other sessions end."""
        try:
            codes = accounts.second_factor.confirm(
                principal, body.code, address=client_address(request), now=time.time()
            )
        except BadSecondFactor as error:
            raise ApiError(ErrorCode.FORBIDDEN, str(error), field="code") from error
        return ConfirmAnswer(recovery_codes=codes)

    @routes.post(
        "/disable", status_code=204, dependencies=guarded, responses=documented(401, 403, 409, 413, 415, 422, 429, 503)
    )
    def disable(request: Request, principal: person, body: DisableRequest) -> Response:
        """Back to the password alone; recovery codes go, too."""
        try:
            accounts.disable_second_factor(
                principal, body.password, body.totp, address=client_address(request), now=time.time()
            )
        except BadCredentials as error:
            raise ApiError(ErrorCode.FORBIDDEN, str(error), field="password") from error
        except (BadSecondFactor, SecondFactorRequired) as error:
            raise ApiError(ErrorCode.FORBIDDEN, str(error), field="totp") from error
        return Response(status_code=204)

    return routes
