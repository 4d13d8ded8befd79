"""Time-based one-time codes: TOTP (RFC 6238) with six digits, 30 seconds and SHA-1, which all apps support."""

import hmac

import pyotp

STEP_SECONDS = 30
_DRIFT_STEPS = 1  # the phone's clock may be wrong, and typing takes some time
_QUIET_ZONE_MODULES = 4  # white modules around a QR code, which scanners need to find it (ISO/IEC 18004)


def new_totp_secret() -> str:
    """Return 160 random bits in base32 (RFC 4226 §4 R6)."""
    return pyotp.random_base32(32)


def provisioning_uri(secret: str, name: str) -> str:
    """Return the `otpauth:` URI for an authenticator app, which the QR code contains."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="cloudchat")


def qr_rows(uri: str) -> list[str]:
    """Return the rows of a QR code, including its quiet zone. `1` is a black module, `0` a white one."""
    import segno  # 5 ms and 1 MiB, which few processes need

    code = segno.make(uri, micro=False, error="m")
    rows = code.matrix_iter(border=_QUIET_ZONE_MODULES)
    return ["".join("1" if module else "0" for module in row) for row in rows]


def matching_step(secret: str, code: str, now: float) -> int | None:
    """Return the 30-second step of `code` if it is the current step or an adjacent one, else None.

    Compares `code` with the codes of all these steps, in constant time.
    """
    generator = pyotp.TOTP(secret)
    current = int(now) // STEP_SECONDS
    found = None
    for step in range(current - _DRIFT_STEPS, current + _DRIFT_STEPS + 1):
        if hmac.compare_digest(generator.generate_otp(step).encode(), code.encode(errors="replace")):
            found = step
    return found
