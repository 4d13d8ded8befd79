"""A small application, wrapped as the real one is, for tests of the wrapping."""

import warnings
from collections import Counter

from fastapi import APIRouter, FastAPI
from slowapi import Limiter

from cloudchat.http.middleware.install import install_middleware
from cloudchat.rate_limiting.http_limits import install_limiter, limited_route

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it recommends httpx2 instead of httpx; nothing else here needs httpx2
    from starlette.testclient import TestClient, WebSocketDenialResponse

__all__ = ["ORIGIN", "TestClient", "WebSocketDenialResponse", "make_app"]

ORIGIN = "https://chat.example"


def make_app(limiter: Limiter) -> FastAPI:
    """Create an app whose routes respond, take a body, fail, and are limited to 3 requests a minute."""
    app = FastAPI()
    install_middleware(app, lambda: frozenset({ORIGIN}), Counter())
    install_limiter(app, limiter)

    @app.get("/api/hello")
    def hello() -> dict[str, str]:
        return {"hello": "you"}

    @app.post("/api/echo")
    def echo(body: dict[str, int]) -> dict[str, int]:
        return body

    @app.get("/api/both")
    def one() -> None:
        pass

    @app.post("/api/both")
    def other() -> None:
        pass

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("a secret of the implementation")

    few = APIRouter(route_class=limited_route(limiter, "3/minute"))

    @few.get("/limited")
    def limited() -> dict[str, bool]:
        return {"passed": True}

    app.include_router(few)
    return app
