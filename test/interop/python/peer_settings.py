"""What a peer is told when it is started, and a clock of its own that can be made to go on."""

import json
import os
import time
from typing import Any, Dict

from py_oidc_auth.broker import issuer

SETTINGS: Dict[str, Any] = json.loads(os.environ["PEER_SETTINGS"])


class _Clock:
    """The module ``time``, except that ages and intervals may be longer than they really were."""

    passed = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.passed

    def let_pass(self, seconds: float) -> None:
        self.passed += seconds


CLOCK = _Clock()
setattr(issuer, "time", CLOCK)  # all that it takes from there is `monotonic`


def oidc_options() -> Dict[str, Any]:
    """The arguments of the reference's class, in its documented spelling."""
    return {
        "client_id": SETTINGS["clientId"],
        "client_secret": SETTINGS["clientSecret"],
        "discovery_url": SETTINGS["discoveryUrl"],
        "scopes": "myscope profile email",
        "audience": "my-aud",
        "proxy": SETTINGS["issuer"],
        "broker_mode": True,
        "broker_store_url": SETTINGS["storeUrl"],
        "broker_audience": SETTINGS["audience"],
        "trusted_issuers": SETTINGS["trustedIssuers"],
    }
