"""A peer on Tornado."""

import asyncio

import tornado.web
from peer_settings import CLOCK, SETTINGS, oidc_options
from py_oidc_auth import IDToken
from py_oidc_auth.tornado_auth import TornadoOIDCAuth

auth = TornadoOIDCAuth(**oidc_options())


class Required(tornado.web.RequestHandler):
    @auth.required()
    async def get(self, token: IDToken) -> None:
        self.write(token.model_dump())


class Admins(tornado.web.RequestHandler):
    @auth.required(claims={"roles": ["admins"]})
    async def get(self, token: IDToken) -> None:
        self.write(token.model_dump())


class Clock(tornado.web.RequestHandler):
    async def post(self) -> None:
        CLOCK.let_pass(float(self.get_query_argument("seconds")))


async def main() -> None:
    routes = [("/required", Required), ("/admins", Admins), ("/clock", Clock)]
    app = tornado.web.Application(
        [*auth.get_auth_routes(prefix=SETTINGS["prefix"]), *routes]
    )
    app.listen(SETTINGS["port"], address="127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
