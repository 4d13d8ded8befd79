"""`/healthz`: the process is alive. `/readyz`: it can do its work, or the reasons why it cannot."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response

Check = Callable[[], Awaitable[str | None]]
"""Returns a description of the problem, for a person, or None."""


async def wait_until_healthy(check: Check, timeout_seconds: float) -> None:
    """Wait until the check finds no problem, at most for the timeout."""
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    while await check() is not None and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def health_routes(checks: dict[str, Check]) -> APIRouter:
    """Return the two routes. Every `/readyz` request runs all checks, so each must be quick and bounded in time."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Check that the process is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get(
        "/readyz",
        summary="Check that the process can do its work",
        responses={503: {"description": "It cannot, for the reasons in the body"}},
    )
    async def readyz(response: Response) -> dict[str, object]:
        reasons = {name: reason for name, check in checks.items() if (reason := await check()) is not None}
        if reasons:
            response.status_code = 503
        return {"status": "unavailable" if reasons else "ready", "reasons": reasons}

    return router
