"""A peer on FastAPI."""

import uvicorn
from fastapi import FastAPI
from peer_settings import CLOCK, SETTINGS, oidc_options
from py_oidc_auth import FastApiOIDCAuth, IDToken

auth = FastApiOIDCAuth(**oidc_options())

app = FastAPI()
app.include_router(auth.create_auth_router(prefix=SETTINGS["prefix"]))


@app.get("/required")
async def required(token: IDToken = auth.required()) -> IDToken:
    return token


@app.get("/admins")
async def admins(token: IDToken = auth.required(claims={"roles": ["admins"]})) -> IDToken:
    return token


@app.post("/clock")
async def clock(seconds: float) -> None:
    CLOCK.let_pass(seconds)


uvicorn.run(app, host="127.0.0.1", port=SETTINGS["port"], log_level="warning")
