"""`/openapi.json` and `/asyncapi.json`, rendered once: FastAPI's own route encodes for each request (2 ms)."""

import functools
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def document_route(path: str, document: Callable[[], dict[str, Any]]) -> Route:
    """Return the route of a document, which is built at the first request."""

    @functools.cache
    def content() -> bytes:
        return json.dumps(document(), separators=(",", ":"), ensure_ascii=False).encode()

    def respond(request: Request) -> Response:
        return Response(content(), media_type="application/json")

    return Route(path, respond, methods=["GET"])
