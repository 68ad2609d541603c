#!/usr/bin/env python3
"""Stands in for Locust where a test needs it to misbehave, or to tell what it
was started with. Takes the arguments that the runner gives and answers like a
master; the load is only numbers.

Variables: STAND_IN_DIR, where each process writes what it was started with;
STAND_IN_FAILS, failed requests; STAND_IN_DIES, pod that ends at once;
STAND_IN_DIES_LATER, pod that ends after a second of load; STAND_IN_ORPHAN, an
argument of a process that is left behind on purpose; STAND_IN_DEAF, pods that
take no SIGTERM.
"""

import json, os, signal, subprocess, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if "--version" in sys.argv:
    print("locust 2.47.0 from a test")
    sys.exit(0)


def option(name, default=None):
    found = default
    for index, arg in enumerate(sys.argv):
        if arg == name and index + 1 < len(sys.argv):
            found = sys.argv[index + 1]
        elif arg.startswith(name + "="):
            found = arg.split("=", 1)[1]
    return found


env = os.environ.get
pod, folder = env("POD", ""), env("STAND_IN_DIR")
source = option("-f", "")


def can_write():
    try:
        open("/lotest/src/new", "w").close()
        return True
    except OSError:
        return False


record = {
    "pod": pod,
    "args": sys.argv[1:],
    "env": {name: value for name, value in os.environ.items()},
    "uid": os.getuid(),
    "cwd": os.getcwd(),
    "source": source,
    "locustfile": open(source).read() if os.path.exists(source) else None,
    "can_write": can_write(),
    "lotest_src": sorted(os.listdir("/lotest/src")) if os.path.isdir("/lotest/src") else None,
}
if folder:
    with open(f"{folder}/{pod}.tmp", "w") as file:
        json.dump(record, file)
    os.rename(f"{folder}/{pod}.tmp", f"{folder}/{pod}.json")
if env("STAND_IN_ORPHAN"):
    # A process of its own session whose parent ends at once.
    code = "import os,sys,time; os.fork() and os._exit(0); os.setsid(); time.sleep(600)"
    subprocess.run([sys.executable, "-c", code, env("STAND_IN_ORPHAN"), pod], check=True)
if env("STAND_IN_DIES") == pod:
    print("first line")
    print("SyntaxError: no locustfile at all", flush=True)
    sys.exit(1)
if pod in env("STAND_IN_DEAF", "").split():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1 if env("STAND_IN_FAILS") and "--master" in sys.argv else 0))

if "--worker" in sys.argv:
    open(f"{folder}/{pod}.ready", "w").close()
    time.sleep(2.5 if env("STAND_IN_DIES_LATER") == pod else 600)
    os.remove(f"{folder}/{pod}.ready")
    sys.exit(3)

workers = int(option("--expect-workers", "1"))
length = float(option("--run-time", "1s").rstrip("s"))
begun, stopped = [], []


def connected():
    test = pod.removesuffix("-master")
    names = [f"{folder}/{test}-worker-{number + 1}.ready" for number in range(workers)]
    return list(filter(os.path.exists, names))


def wait_for_workers():
    while len(connected()) < workers:
        time.sleep(0.05)
    begun.append(time.monotonic() + 0.5)


threading.Thread(target=wait_for_workers, daemon=True).start()


def stats():
    now = time.monotonic()
    start = begun[0] if begun else now + 1
    end = min([start + length] + stopped)
    state = "ready" if now < start else "running" if now < end else "stopped"
    requests = int(max(0, min(now, end) - start) * 100)
    failures = min(requests, int(env("STAND_IN_FAILS", "0")))
    row = {"method": "", "name": "Aggregated", "num_requests": requests, "num_failures": failures}
    users = 10 if state == "running" else 0
    listed = [{"id": name, "state": "running", "user_count": 1} for name in connected()]
    return {"state": state, "user_count": users, "stats": [row], "errors": [], "workers": listed}


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.path == "/stats/requests"
        body = json.dumps(stats()).encode() if known else b""
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if folder and known and json.loads(body)["stats"][0]["num_requests"] > 50:
            open(f"{folder}/load", "w").close()

    def do_POST(self):
        stopped.append(time.monotonic())
        if folder:
            open(f"{folder}/stopped", "w").close()
        body = b'{"success": true}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


address = (option("--web-host", ""), int(option("--web-port", "8089")))
ThreadingHTTPServer(address, Answers).serve_forever()
