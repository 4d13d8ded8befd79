"""The JSON bodies of `/api/auth/totp`."""

from pydantic import BaseModel, Field

from cloudchat.auth.schemas import EnteredPassword, TotpCode
from cloudchat.http.models import RequestModel


class SetupRequest(RequestModel):
    """The current password, so that a thief with only a stolen token cannot lock the owner out."""

    password: EnteredPassword


class SetupResponse(BaseModel):
    """The secret for the authenticator app. A login does not need a code yet."""

    secret: str = Field(description="The secret in base32, for typing.", examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])
    uri: str = Field(
        description="The `otpauth:` URI with the secret.",
        examples=["otpauth://totp/cloudchat:ann?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=cloudchat"],
    )
    qr: list[str] = Field(
        description="The rows of the URI's QR code, including its quiet zone. `1` is black.",
        examples=[["0000", "0110"]],
    )


class ConfirmRequest(RequestModel):
    """Proof that the app has the secret."""

    code: str = Field(description="The code that the authenticator app shows now.", examples=["123456"], max_length=128)


class ConfirmResponse(BaseModel):
    """The recovery codes. The server shows them only once."""

    recovery_codes: list[str] = Field(
        description="Each replaces one code of the app, once.", examples=[["abcde-fghij-kmnpq-rstuv-wxyz2"]]
    )


class DisableRequest(RequestModel):
    """Both factors."""

    password: EnteredPassword
    totp: TotpCode
