"""What can stand at the path of a file and is none."""

import os
import socket

NO_FILES = ("folder", "pipe", "socket", "endless", "empty", "link")


def no_file(kind, folder, suffix=""):
    """Something of a kind in a folder, and what a message calls it."""
    path = folder / f"{kind}{suffix}"
    if kind == "folder":
        path.mkdir()
        return path, "folder"
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
        return path, "socket"
    if kind in ("pipe", "link"):
        target = path.with_name("to") if kind == "link" else path
        os.mkfifo(target)
        if kind == "link":
            path.symlink_to(target)
        return path, "pipe"
    path.symlink_to({"endless": "/dev/zero", "empty": "/dev/null"}[kind])
    return path, "device"
