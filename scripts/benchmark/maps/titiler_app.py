"""TiTiler: map tiles of one COG, as its documentation sets it up."""

from __future__ import annotations

import os

from fastapi import FastAPI
from titiler.core.factory import TilerFactory


def cog_path() -> str:
    """The one file there is: no client names another."""
    return os.environ["BENCHMARK_COG"]


app = FastAPI()
app.include_router(TilerFactory(path_dependency=cog_path).router)


@app.get("/ready")
def is_ready() -> dict[str, bool]:
    """Tell that the process serves."""
    return {"ready": True}
