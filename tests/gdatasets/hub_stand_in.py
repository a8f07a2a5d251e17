"""A small stand-in for the Hugging Face Hub's HTTP interface, on loopback. It is NOT the Hub.

It was written from what `huggingface_hub` sends and reads, for one dataset or model repository without Xet
storage: create, refs, preupload, LFS batch and upload, commit, tree, resolve, tag. Faults can be put in its way, each
for some number of requests: an HTTP status, or a cut connection.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

ANSWERS: dict[str, tuple[int, bytes]] = {
    "page": (500, b"<!DOCTYPE html>\n<html>\x1b[2J<h1>Oops</h1>\n" + b"x" * 100_000),
    "refusing page": (403, b"<html>\n<h1>No</h1>\n\x1b[2J"),
    "wrong page": (200, b"<html>\n<h1>Welcome to the hotel</h1>\n"),
    "nothing": (200, b""),
    "no JSON": (200, b"{'a': 1"),
    "deep JSON": (200, b"[" * 100_000),
    "a list": (200, b"[]"),
    "an object": (200, b"{}"),
    "null": (200, b"null"),
    "a redirect loop": (302, b""),
    "no text": (500, bytes(range(256))),
}
"""What servers answer that are no Hub, or one in trouble: a status and a body."""


@dataclass
class Fault:
    """Answer `times` requests whose "METHOD path" contains `where`: a status, one of `ANSWERS`, or cut them ("cut")."""

    where: str
    what: int | str
    times: int = 1


@dataclass
class StandIn:
    """The state of the pretended Hub."""

    repos: dict[str, list[str]] = field(default_factory=dict)  # commits, newest last
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)  # files
    tags: dict[str, str] = field(default_factory=dict)
    store: dict[str, bytes] = field(default_factory=dict)  # LFS objects by SHA-256
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    corrupt: str = ""  # a path that reads back wrong
    url: str = ""

    def files(self, revision: str) -> dict[str, bytes] | None:
        commits = [commit for commits in self.repos.values() for commit in commits]
        commit = self.tags.get(revision, commits[-1] if revision == "main" and commits else revision)
        return self.commits.get(commit)

    def commit_of(self, revision: str) -> str:
        commits = [commit for commits in self.repos.values() for commit in commits]
        return self.tags.get(revision, commits[-1] if revision == "main" and commits else revision)

    def commit(self, repo: str, files: dict[str, bytes]) -> str:
        listing = "".join(f"{path}{hashlib.sha256(content).hexdigest()}" for path, content in sorted(files.items()))
        oid = hashlib.sha1(f"{len(self.commits)}{listing}".encode()).hexdigest()
        self.commits[oid] = files
        self.repos[repo].append(oid)
        return oid


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a reply is sent in two parts; the second would wait for the first one's receipt
    hub: StandIn

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def _answer(self) -> None:
        path = unquote(urlparse(self.path).path)
        line = f"{self.command} {path}"
        self.hub.requests.append(line)
        for fault in self.hub.faults:
            if fault.where in line and fault.times > 0:
                fault.times -= 1
                if fault.what == "cut":
                    self.rfile.read(min(100, int(self.headers.get("Content-Length", 0))))
                    self.connection.close()
                    self.close_connection = True
                    return
                self._body()
                if fault.what in ANSWERS:
                    self._reply(*ANSWERS[str(fault.what)], {"Location": self.path, "Content-Type": "text/html"})
                else:
                    self._reply(int(fault.what), {"error": f"fault {fault.what}"})
                return
        body = self._body()
        for pattern, method in _ROUTES:
            if match := re.fullmatch(pattern, line):
                method(self, body, *match.groups())
                return
        self._reply(404, {"error": f"the stand-in knows no {line}"})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            content = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _reply(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    def _missing(self, what: str) -> None:
        self._reply(404, {"error": f"{what} not found"}, {"X-Error-Code": f"{what}NotFound"})

    def root(self, _: bytes) -> None:
        self._reply(200, {})

    def create(self, body: bytes) -> None:
        wanted = json.loads(body)
        repo = f"{wanted['organization']}/{wanted['name']}" if wanted.get("organization") else wanted["name"]
        if repo in self.hub.repos:
            self._reply(409, {"error": "exists", "url": f"{self.hub.url}/datasets/{repo}"})
            return
        self.hub.repos[repo] = []
        self.hub.commit(repo, {".gitattributes": b"*.parquet filter=lfs\n"})
        self._reply(200, {"url": f"{self.hub.url}/datasets/{repo}"})

    def refs(self, _: bytes, repo: str) -> None:
        if repo not in self.hub.repos:
            self._missing("Repo")
            return
        tags = [{"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": oid} for tag, oid in self.hub.tags.items()]
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": self.hub.commit_of("main")}
        self._reply(200, {"branches": [main], "tags": tags, "converts": []})

    def info(self, _: bytes, repo: str, revision: str = "main") -> None:
        files = self.hub.files(revision) if repo in self.hub.repos else None
        if files is None:
            self._missing("Repo" if repo not in self.hub.repos else "Revision")
            return
        siblings = [{"rfilename": path} for path in files]
        self._reply(
            200,
            {"_id": "1", "id": repo, "sha": self.hub.commit_of(revision), "siblings": siblings, "private": False}
            | {"gated": False, "disabled": False, "downloads": 0, "likes": 0, "tags": []},
        )

    def tree(self, _: bytes, repo: str, revision: str, folder: str = "") -> None:
        files = self.hub.files(revision) if repo in self.hub.repos else None
        if files is None:
            self._missing("Revision")
            return
        inside = f"{folder}/" if folder else ""
        if "recursive=true" in self.path.lower():
            paths = [path for path in files if path.startswith(inside)]
        else:
            names = {path[len(inside) :].split("/")[0] for path in files if path.startswith(inside)}
            paths = sorted(inside + name for name in names)
        self._reply(200, [self._entry(files, path) for path in paths])

    def paths_info(self, body: bytes, repo: str, revision: str) -> None:
        files = self.hub.files(revision) if repo in self.hub.repos else None
        if files is None:
            self._missing("Revision")
            return
        wanted = json.loads(body)["paths"] if body.startswith(b"{") else parse_qs(body.decode())["paths"]
        present = [path for path in wanted if any(f"{file}/".startswith(f"{path}/") for file in files)]
        self._reply(200, [self._entry(files, path) for path in present])

    @staticmethod
    def _entry(files: dict[str, bytes], path: str) -> dict[str, Any]:
        if path not in files:
            return {"type": "directory", "path": path, "oid": hashlib.sha1(path.encode()).hexdigest(), "size": 0}
        content = files[path]
        return {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}

    def preupload(self, body: bytes, _repo: str) -> None:
        modes = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith((".parquet", ".png")) else "regular",
                "shouldIgnore": False,
                "oid": None,
            }
            for file in json.loads(body)["files"]
        ]
        self._reply(200, {"files": modes})

    def batch(self, body: bytes, _repo: str) -> None:
        objects = []
        for wanted in json.loads(body)["objects"]:
            known = {"oid": wanted["oid"], "size": wanted["size"]}
            upload = {"actions": {"upload": {"href": f"{self.hub.url}/lfs/{wanted['oid']}", "header": {}}}}
            objects.append(known if wanted["oid"] in self.hub.store else known | upload)
        self._reply(200, {"transfer": "basic", "objects": objects})

    def store(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            self._reply(400, {"error": "other content than its SHA-256 says"})
            return
        self.hub.store[oid] = body
        self._reply(200, {})

    def validate(self, _: bytes) -> None:
        self._reply(200, {"errors": [], "warnings": []})

    def commit(self, body: bytes, repo: str) -> None:
        files = dict(self.hub.files("main") or {})
        for line in body.splitlines():
            step = json.loads(line)
            value = step["value"]
            if step["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif step["key"] == "lfsFile":
                files[value["path"]] = self.hub.store[value["oid"]]
            elif step["key"] == "deletedFile":
                del files[value["path"]]
        oid = self.hub.commit(repo, files)
        self._reply(200, {"commitUrl": f"{self.hub.url}/datasets/{repo}/commit/{oid}", "commitOid": oid})

    def tag(self, body: bytes, _repo: str, revision: str) -> None:
        name = json.loads(body)["tag"]
        if name in self.hub.tags:
            self._reply(409, {"error": "the tag exists"})
            return
        self.hub.tags[name] = revision
        self._reply(200, {})

    def resolve(self, _: bytes, repo: str, revision: str, path: str) -> None:
        files = self.hub.files(revision) if repo in self.hub.repos else None
        if files is None:
            self._missing("Repo" if repo not in self.hub.repos else "Revision")
            return
        if path not in files:
            self._missing("Entry")
            return
        content = files[path]
        if path == self.hub.corrupt:
            content = content[:-1] + bytes([content[-1] ^ 1])
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        headers = {"ETag": etag, "X-Repo-Commit": self.hub.commit_of(revision), "Accept-Ranges": "bytes"}
        status = 200
        if part := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(part[1]), min(int(part[2] or len(content) - 1), len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            status, content = 206, content[first : last + 1]
        self._reply(status, content, {"Content-Type": "application/octet-stream", **headers})


_ROUTES = [
    (r"(?:HEAD|GET) /", _Handler.root),
    (r"POST /api/repos/create", _Handler.create),
    (r"POST /api/validate-yaml", _Handler.validate),
    (r"GET /api/(?:datasets|models)/([^/]+/[^/]+)/refs", _Handler.refs),
    (r"GET /api/(?:datasets|models)/([^/]+/[^/]+)", _Handler.info),
    (r"GET /api/(?:datasets|models)/([^/]+/[^/]+)/revision/([^/]+)", _Handler.info),
    (r"GET /api/(?:datasets|models)/([^/]+/[^/]+)/tree/([^/]+)/?", _Handler.tree),
    (r"GET /api/(?:datasets|models)/([^/]+/[^/]+)/tree/([^/]+)/(.+)", _Handler.tree),
    (r"POST /api/(?:datasets|models)/([^/]+/[^/]+)/paths-info/([^/]+)", _Handler.paths_info),
    (r"POST /api/(?:datasets|models)/([^/]+/[^/]+)/preupload/main", _Handler.preupload),
    (r"POST /api/(?:datasets|models)/([^/]+/[^/]+)/commit/main", _Handler.commit),
    (r"POST /api/(?:datasets|models)/([^/]+/[^/]+)/tag/([^/]+)", _Handler.tag),
    (r"POST /(?:datasets|models)/([^/]+/[^/]+)\.git/info/lfs/objects/batch", _Handler.batch),
    (r"PUT /lfs/([0-9a-f]{64})", _Handler.store),
    (r"(?:HEAD|GET) /(?:datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", _Handler.resolve),
]


@contextmanager
def running() -> Iterator[StandIn]:
    """The stand-in, listening on loopback while the block runs."""
    hub = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)  # `shutdown` waits for a look
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
