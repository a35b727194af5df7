"""Stand-in for the networking sidecar that workerd starts beside each local container.

Plumbing only: connections in are tunnelled to the container, connections out are all handed to workerd, which
decides (with internet off it closes them). Names are not resolved and nothing but TCP leaves. No TLS is opened.
"""

import json
import socket
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OUT_PORT = 39002
# Marks our own connections, so that they are not handed to ourselves.
MARK = 1
SO_ORIGINAL_DST = 80

egress_port = int(sys.argv[sys.argv.index("--http-egress-port") + 1])
ingress = sys.argv[sys.argv.index("--http-ingress-address") + 1]


def redirect_everything():
    own = ["-m", "mark", "--mark", str(MARK), "-j", "RETURN"]
    rules = [
        ["-t", "nat", "-A", "OUTPUT", *own],
        ["-t", "nat", "-A", "OUTPUT", "-o", "lo", "-j", "RETURN"],
        ["-t", "nat", "-A", "OUTPUT", "-p", "tcp", "-j", "REDIRECT", "--to-ports", str(OUT_PORT)],
        ["-A", "OUTPUT", "-o", "lo", "-j", "ACCEPT"],
        ["-A", "OUTPUT", "-p", "tcp", "-j", "ACCEPT"],
        ["-A", "OUTPUT", "-j", "DROP"],
    ]
    for rule in rules:
        subprocess.run(["iptables", *rule], check=True)


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def join(a, b):
    back = threading.Thread(target=pump, args=(b, a), daemon=True)
    back.start()
    pump(a, b)
    back.join()
    a.close()
    b.close()


def tunnel_out(client):
    port, packed = struct.unpack("!2xH4s8x", client.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16))
    target = f"{socket.inet_ntoa(packed)}:{port}"
    out = socket.socket()
    out.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
    try:
        out.connect((socket.gethostbyname("host.docker.internal"), egress_port))
        out.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = out.recv(1)
            if not byte:
                raise OSError("no answer")
            head += byte
    except OSError:
        client.close()
        return
    join(client, out)


def accept_out():
    server = socket.create_server(("127.0.0.1", OUT_PORT), backlog=128)
    while True:
        client, _ = server.accept()
        threading.Thread(target=tunnel_out, args=(client,), daemon=True).start()


class Ingress(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        global egress_port
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        egress_port = body.get("port", egress_port)
        self.reply(200)

    def do_GET(self):
        self.reply(200, b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")

    def do_CONNECT(self):
        host, port = self.headers.get("X-Dst-Addr", self.path).rsplit(":", 1)
        try:
            target = socket.create_connection(("127.0.0.1", int(port)), timeout=5)
        except OSError:
            self.reply(400, b"not listening")
            return
        target.settimeout(None)
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        join(self.connection, target)

    def log_message(self, *_):
        pass


redirect_everything()
threading.Thread(target=accept_out, daemon=True).start()
address, port = ingress.rsplit(":", 1)
server = ThreadingHTTPServer((address, int(port)), Ingress)
server.serve_forever()
