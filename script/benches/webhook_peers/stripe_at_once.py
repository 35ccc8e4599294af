"""A stand-in for Stripe's API that knows every id and answers at once: `python -m … <port>`."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from script.benches.webhook_peers.deliveries import OBJECTS, named


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        last = self.path.partition("?")[0].rsplit("/", 1)[-1]
        found = OBJECTS["account"] if last in ("account", "acct_bench") else named(last)
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
