"""What a program tries that is put in the place of `cloudchat serve`, and what its sandbox says to each."""

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

tries = {
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
found = {}
for name, attempt in tries.items():
    try:
        attempt()
        found[name] = 0
    except OSError as refusal:
        found[name] = refusal.errno
print("found", json.dumps(found), flush=True)
os._exit(0)
"""

REFUSED = {
    "etc": errno.EROFS,  # by the sandbox; the file's own rights would have said EACCES
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
"""What the server needs, by which the probe shows that it works at all."""
