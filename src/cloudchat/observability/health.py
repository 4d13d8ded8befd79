"""`/healthz`: the process is alive. `/readyz`: it can do its work, or the reasons why it cannot."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response

from cloudchat.http.middleware.proxies import UNREADABLE

UNREADABLE_CLIENT = "X-Forwarded-For of the proxy is not an address, so all its clients count as one"

Check = Callable[[], Awaitable[str | None]]
"""Returns a description of the problem, for a person, or None."""


async def wait_until_healthy(check: Check, timeout_seconds: float) -> None:
    """Wait until the check finds no problem, at most for the timeout."""
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    while await check() is not None and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


class SharedChecks:
    """Runs the checks once for all requests that wait at the same time, so that many requests cause few checks."""

    def __init__(self, checks: dict[str, Check]) -> None:
        self._checks = checks
        self._running: asyncio.Task[dict[str, str]] | None = None

    async def reasons(self) -> dict[str, str]:
        """Return the problems by the names of their checks."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await asyncio.shield(self._running)

    async def _run(self) -> dict[str, str]:
        return {name: reason for name, check in self._checks.items() if (reason := await check()) is not None}


def health_routes(checks: dict[str, Check]) -> APIRouter:
    """Return the two routes. `/readyz` runs all checks, so each must be quick and bounded in time."""
    router = APIRouter(tags=["health"])
    shared = SharedChecks(checks)

    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz", summary="Check that the process is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.head("/readyz", include_in_schema=False)
    @router.get(
        "/readyz",
        summary="Check that the process can do its work",
        responses={503: {"description": "It cannot, for the reasons in the body"}},
    )
    async def readyz(request: Request, response: Response) -> dict[str, object]:
        reasons = await shared.reasons()
        if reasons:
            response.status_code = 503
        answer: dict[str, object] = {"status": "unavailable" if reasons else "ready", "reasons": reasons}
        if request.scope.get("state", {}).get(UNREADABLE):
            # The proxy through which this very request came: `cloudchat doctor --url` reads it.
            answer["warnings"] = {"proxy": UNREADABLE_CLIENT}
        return answer

    return router
