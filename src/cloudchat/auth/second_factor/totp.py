"""One-time codes by the clock: TOTP (RFC 6238), six digits, 30 seconds, SHA-1: what every authenticator app speaks."""

import hmac

import pyotp
import segno

STEP_SECONDS = 30
_DRIFT_STEPS = 1  # a phone's clock may be off, and typing takes a while
_QUIET_ZONE = 4  # modules of white around a QR code, without which scanners do not find it (ISO/IEC 18004)


def new_totp_secret() -> str:
    """160 random bits in base32 (RFC 4226 §4 R6)."""
    return pyotp.random_base32(32)


def totp_uri(secret: str, name: str) -> str:
    """What an authenticator app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="cloudchat")


def qr_rows(uri: str) -> list[str]:
    """The QR code's rows of modules, `1` is black, with the white around them."""
    code = segno.make(uri, micro=False, error="m")
    return ["".join("1" if module else "0" for module in row) for row in code.matrix_iter(border=_QUIET_ZONE)]


def step_of_code(secret: str, code: str, now: float) -> int | None:
    """The 30 s step whose code this is, if it is the present one or a neighbour; else None."""
    generator = pyotp.TOTP(secret)
    present = int(now) // STEP_SECONDS
    found = None
    for step in range(present - _DRIFT_STEPS, present + _DRIFT_STEPS + 1):
        if hmac.compare_digest(generator.generate_otp(step).encode(), code.encode(errors="replace")):
            found = step
    return found
