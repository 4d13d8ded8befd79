"""The static files of the browser page."""

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class PageFiles(StaticFiles):
    """Answers 404 for a missing file with any method. Starlette's class answers 405 without looking for the file."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file, or raise HTTPException (404, 405)."""
        if scope["method"] in ("GET", "HEAD"):
            return await super().get_response(path, scope)
        await super().get_response(path, {**scope, "method": "HEAD"})
        raise HTTPException(405)
