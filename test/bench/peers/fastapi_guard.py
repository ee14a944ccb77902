"""The reference: py-oidc-auth on FastAPI, one worker of uvicorn."""

import json
import os

import uvicorn
from fastapi import FastAPI
from py_oidc_auth import FastApiOIDCAuth, IDToken

settings = json.loads(os.environ["BENCH_SETTINGS"])
auth = FastApiOIDCAuth(
    client_id=settings["clientId"],
    client_secret=settings["clientSecret"],
    discovery_url=settings["issuer"] + "/.well-known/openid-configuration",
    audience=settings["audience"],
)
app = FastAPI()


@app.get("/me")
async def me(token: IDToken = auth.required()) -> dict:
    return {"sub": token.sub}


uvicorn.run(app, host="127.0.0.1", port=settings["port"], log_level="warning", access_log=False)
