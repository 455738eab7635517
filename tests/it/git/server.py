"""A web server before `git http-backend`, for tests: basic authentication, and ways to go wrong.

    server.py ROOT LOG [--auth USER:PASSWORD] [--auth-file FILE] [--port PORT] [--status CODE]
        [--way hang|hang-fetch|cut|cut-fetch|slow|garbage|endless|old|redirect=URL|redirect-post=URL|refs|pack=KIND]
        [--tls FILE]

`hang-fetch` and `cut-fetch` go wrong in the fetch alone; --tls names a certificate with its key. What --auth-file holds is read at every request. `refs` puts names with tricks before those that the repository has;
`pack=` answers a fetch with what `packs.py` makes.

Prints its port. Writes one line a request to LOG: method, path, status, whether a credential came, bytes
that came and went (bodies).
"""

import argparse
import base64
import http.server
import os
import ssl
import subprocess
import sys
import time

import packs

ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("root")
ARGUMENTS.add_argument("log")
ARGUMENTS.add_argument("--auth")
ARGUMENTS.add_argument("--auth-file")
ARGUMENTS.add_argument("--status", default=302, type=int)
ARGUMENTS.add_argument("--way", default="")
ARGUMENTS.add_argument("--port", default=0, type=int)
ARGUMENTS.add_argument("--tls")
OPTIONS = ARGUMENTS.parse_args()
# Refs that a path, a terminal or a shell would take for something else.
TRICKS = [
    "refs/heads/../../../pwned",
    "refs/heads/main/../../pwned",
    "/tmp/pwned",
    "refs/heads/a\x1b[2J",
    "refs/heads/main.lock",
    "refs/heads/-oProxyCommand=x",
    "refs/heads/other symref-target:refs/heads/../../../pwned",
    "HEAD",
]
BACKEND = os.path.join(subprocess.check_output(["git", "--exec-path"], text=True).strip(), "git-http-backend")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, status, came, went):
        credential = "credential" if self.headers.get("Authorization") else "none"
        with open(OPTIONS.log, "a", encoding="utf-8") as log:
            print(self.command, self.path, status, credential, came, went, file=log)

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline().strip(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status, headers, data, came=0):
        self.note(status, came, len(data))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        cut = OPTIONS.way == "cut" and self.command == "POST" or OPTIONS.way == "cut-fetch" and self.fetches
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if cut:
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        elif OPTIONS.way == "slow":
            for at in range(0, len(data), 64):
                self.wfile.write(data[at : at + 64])
                self.wfile.flush()
                time.sleep(0.002)
        else:
            self.wfile.write(data)

    def serve(self):
        came = self.body()
        path, _, query = self.path.partition("?")
        self.fetches = b"command=fetch" in came
        if OPTIONS.way == "hang" or OPTIONS.way == "hang-fetch" and self.fetches:
            self.note(0, len(came), 0)
            time.sleep(600)
        if OPTIONS.way == "endless":
            self.note(200, len(came), 0)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
            self.end_headers()
            self.wfile.write(b"001e# service=git-upload-pack\n0000")
            first = b"1" * 40 + b" HEAD\0side-band-64k ofs-delta\n"
            self.wfile.write(b"%04x" % (len(first) + 4) + first)
            line = b"refs/heads/x".ljust(900, b"x") + b"\n"
            packet = b"%04x" % (len(line) + 45) + b"1" * 40 + b" " + line
            try:
                while True:
                    self.wfile.write(packet * 1000)
            except OSError:
                return
        if OPTIONS.way == "garbage":
            return self.answer(200, [("Content-Type", "application/x-git-upload-pack-advertisement")], b"\xff" * 999)
        way, _, more = OPTIONS.way.partition("=")
        if way == "redirect" or (way == "redirect-post" and self.command == "POST"):
            return self.answer(OPTIONS.status, [("Location", more + self.path)], b"")
        if way == "pack" and self.fetches:
            headers = [("Content-Type", "application/x-git-upload-pack-result")]
            return self.answer(200, headers, packs.answer(more), len(came))
        auth = OPTIONS.auth
        if OPTIONS.auth_file:
            with open(OPTIONS.auth_file, encoding="utf-8") as file:
                auth = file.read().strip()
        if auth:
            right = "Basic " + base64.b64encode(auth.encode()).decode()
            if self.headers.get("Authorization") != right:
                return self.answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
        environment = dict(
            os.environ,
            GIT_PROJECT_ROOT=OPTIONS.root,
            GIT_HTTP_EXPORT_ALL="1",
            PATH_INFO=path,
            QUERY_STRING=query,
            REQUEST_METHOD=self.command,
            CONTENT_TYPE=self.headers.get("Content-Type", ""),
            CONTENT_LENGTH=str(len(came)),
            # An old server knows the first version of the protocol alone.
            GIT_PROTOCOL="" if OPTIONS.way == "old" else self.headers.get("Git-Protocol", ""),
            HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
        )
        done = subprocess.run([BACKEND], input=came, env=environment, stdout=subprocess.PIPE, check=False)
        head, _, data = done.stdout.partition(b"\r\n\r\n")
        status, headers = 200, []
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            elif name:
                headers.append((name, value))
        if way == "refs" and b"command=ls-refs" in came:
            lines = [f"{'1' * 40} {name}\n".encode() for name in TRICKS]
            data = b"".join(b"%04x" % (len(line) + 4) + line for line in lines) + data
        if way == "refs" and self.command == "GET":
            # Where it would have a bundle fetched from.
            line = b"bundle-uri\n"
            data = data[:-4] + b"%04x" % (len(line) + 4) + line + b"0000"
        return self.answer(status, headers, data, len(came))

    do_GET = serve
    do_POST = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


with Server(("127.0.0.1", OPTIONS.port), Handler) as server:
    if OPTIONS.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(OPTIONS.tls)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    # The test that started this ends it, or ends itself.
    import threading

    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()
