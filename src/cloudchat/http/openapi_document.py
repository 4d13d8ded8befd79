"""`/openapi.json`, rendered once: FastAPI's own route encodes the document again for each request (2 ms)."""

import functools
import json

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cloudchat.http.error_docs import error_schemas


def openapi_route(app: FastAPI) -> Route:
    """Return the route of the document that describes `app`."""

    @functools.cache
    def content() -> bytes:
        document = app.openapi()
        document["components"]["schemas"].update(error_schemas())
        return json.dumps(document, separators=(",", ":")).encode()

    def openapi(request: Request) -> Response:
        return Response(content(), media_type="application/json")

    return Route("/openapi.json", openapi, methods=["GET"])
