"""A program that replaces `cloudchat serve` and tries what the sandbox must allow or deny."""

import errno

PROBE = """
import ctypes, json, mmap, os, socket, subprocess

def unshare():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000):
        raise OSError(ctypes.get_errno(), "unshare")

def write(path):
    with open(path, "w") as file:
        file.write("x")
    os.unlink(path)

attempts = {
    "state": lambda: write("/var/lib/cloudchat/probe"),
    "loopback": lambda: socket.create_server(("127.0.0.1", 0)).close(),
    "etc": lambda: write("/etc/probe"),
    "program": lambda: write("/opt/cloudchat/probe"),
    "backups": lambda: os.listdir("/var/backups"),
    "secrets": lambda: os.listdir("/etc/cloudchat/credentials"),
    "homes": lambda: os.listdir("/root"),
    "others' processes": lambda: os.stat("/proc/1"),
    "raw packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "a shell": lambda: subprocess.run(["/bin/sh", "-c", "true"], check=True),
    "machine code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close(),
    "user namespaces": unshare,
    "other users": lambda: os.setuid(65534) if os.fork() == 0 else os.wait(),
}
errors = {}
for name, attempt in attempts.items():
    try:
        attempt()
        errors[name] = 0
    except OSError as error:
        errors[name] = error.errno
print("errors", json.dumps(errors), flush=True)
os._exit(0)
"""

DENIED = {
    "etc": errno.EROFS,  # from the sandbox; the file's permissions would give EACCES
    "program": errno.EACCES,
    "backups": errno.EACCES,
    "secrets": errno.EACCES,
    "homes": errno.EACCES,
    "others' processes": errno.ENOENT,
    "raw packets": errno.EAFNOSUPPORT,
    "netlink": errno.EAFNOSUPPORT,
    "a shell": errno.EACCES,
    "machine code": errno.EPERM,
    "user namespaces": errno.EPERM,
}
ALLOWED = {"state", "loopback"}
"""What the server needs. It also shows that the probe itself works."""
