# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""A keep-alive client for DICOMweb that costs little next to the server, and the two measurements of it: a list of studies, frames."""
import base64
import multiprocessing
import socket
import statistics
import time


class Connection:
    """One connection to a server on this machine."""

    def __init__(self, port, login):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.login = f"Authorization: Basic {base64.b64encode(login.encode()).decode()}\r\n" if login else ""
        self.buffer = bytearray(1 << 20)

    def get(self, target, accept):
        """Status and number of bytes of the body; the bytes of the first megabyte stay in `buffer`."""
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n{self.login}\r\n".encode())
        view, filled, end = memoryview(self.buffer), 0, -1
        while end < 0:
            count = self.socket.recv_into(view[filled:])
            if not count:
                raise RuntimeError(f"{target}: the connection ended")
            filled += count
            end = self.buffer.find(b"\r\n\r\n", 0, filled)
        head = bytes(view[:end]).decode("latin-1").lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        got = filled - end - 4
        while got < length:
            count = self.socket.recv_into(view)
            if not count:
                raise RuntimeError(f"{target}: the connection ended")
            got += count
        return int(head.split()[1]), length


def list_seconds(port, login, target, rows, runs):
    """Median time of a list that must have `rows` rows."""
    connection = Connection(port, login)
    times = []
    for turn in range(runs + 5):
        begin = time.perf_counter()
        status, length = connection.get(target, "application/dicom+json")
        if turn >= 5:
            times.append(time.perf_counter() - begin)
    if status != 200 or connection.buffer.count(b'"0020000D"') < rows and length < len(connection.buffer):
        raise RuntimeError(f"{target}: status {status}, fewer than {rows} rows")
    return statistics.median(times)


def _fetch(port, login, targets, seconds, counts, place, ready):
    connection = Connection(port, login)
    connection.get(targets[0], 'multipart/related; type="application/octet-stream"; transfer-syntax=*')
    ready.wait()
    end, number = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        status, length = connection.get(targets[number % len(targets)], 'multipart/related; type="application/octet-stream"; transfer-syntax=*')
        if status != 200 or length < 524288:
            raise RuntimeError(f"frame: status {status}, {length} bytes")
        number += 1
    counts[place] = number / seconds


def frame_rate(port, login, targets, connections, seconds):
    """Frames a second over several connections, each in a process of its own."""
    with multiprocessing.Manager() as manager:
        counts, ready = manager.list([0.0] * connections), manager.Barrier(connections)
        workers = [multiprocessing.Process(target=_fetch, args=(port, login, targets[n:] + targets[:n], seconds, counts, n, ready)) for n in range(connections)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            if worker.exitcode:
                raise RuntimeError("a client of the frames failed")
        return sum(counts)
