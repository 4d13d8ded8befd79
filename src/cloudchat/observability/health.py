"""`/healthz`: the process lives. `/readyz`: it can do its work, or which part it misses."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response

Check = Callable[[], Awaitable[str | None]]
"""Returns what is wrong, for a person, or None."""


async def until_well(check: Check, seconds: float) -> None:
    """Wait until nothing is wrong, but no longer than this."""
    deadline = asyncio.get_running_loop().time() + seconds
    while await check() is not None and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def health_routes(checks: dict[str, Check]) -> APIRouter:
    """The two routes. `checks` are asked at each `/readyz`, so each must be quick and bounded."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="The process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz", summary="The process can do its work", responses={503: {"description": "It cannot"}})
    async def readyz(response: Response) -> dict[str, object]:
        reasons = {name: reason for name, check in checks.items() if (reason := await check()) is not None}
        if reasons:
            response.status_code = 503
        return {"status": "unavailable" if reasons else "ready", "reasons": reasons}

    return router
