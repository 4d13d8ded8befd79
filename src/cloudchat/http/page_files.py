"""The page's own files."""

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class PageFiles(StaticFiles):
    """Starlette's, but what is not there is not there for any method: it would refuse the method without looking."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """See `StaticFiles`."""
        if scope["method"] in ("GET", "HEAD"):
            return await super().get_response(path, scope)
        await super().get_response(path, {**scope, "method": "HEAD"})
        raise HTTPException(405)
