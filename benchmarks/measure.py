"""Runs a command as a fresh process and measures it: wall time, memory, processes, threads.

Linux only. What is measured is the whole tree: the command and everything it starts.
"""

import json
import os
import re
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

SAMPLE_SECONDS = 0.025  # Finding the tree costs about 1.5 ms of one core each time.
END_SECONDS = 10.0  # How long a process may take to end, by itself or when it was asked to.
MB = 1e6


@dataclass(frozen=True)
class Run:
    """What one run of a command cost and said.

    seconds       from starting the process to its end, start-up and imports included
    peak_tree_mb  the largest sampled sum over the tree: PSS (shared pages divided among those who
                  share them) of several processes, the largest RSS of one alone; 1 MB is 10^6 bytes
    max_rss_mb    the largest RSS of the command's process, or of a child that it waited for
    processes     the most at a time, the command itself included
    threads       the most at a time in the tree
    report        the JSON object that the command printed as its last line, else empty
    error         why it failed, in one line; empty on success
    left_behind   names of processes that did not end after the command had ended; they were ended
    """

    seconds: float
    peak_tree_mb: float
    max_rss_mb: float
    processes: int
    threads: int
    report: dict[str, Any] = field(repr=False)
    error: str
    left_behind: list[str]


class TreeSampler(threading.Thread):
    """Samples a process and its descendants until `done` is set; kills the process at `deadline`.

    Keeps every process it has seen, so that those are still counted whose parent has ended. After
    `join` the other threads may read it and call `end_all`.
    """

    def __init__(self, root: psutil.Process, timeout_seconds: float) -> None:
        super().__init__(daemon=True)
        self.root = root
        self.deadline = time.monotonic() + timeout_seconds
        self.done = threading.Event()
        self.timed_out = False
        self.seen: dict[int, psutil.Process] = {root.pid: root}
        self.peak_bytes = self.root_peak_bytes = self.most_processes = self.most_threads = 0

    def run(self) -> None:
        while not self.done.is_set():
            self.sample()
            if time.monotonic() > self.deadline:
                self.timed_out = True
                self.root.kill()
                return
            self.done.wait(SAMPLE_SECONDS)

    def sample(self) -> None:
        """Adds the processes that are new and takes the sums over those that live."""
        try:
            for child in self.root.children(recursive=True):
                self.seen.setdefault(child.pid, child)
        except psutil.Error:
            pass  # The root has ended; the others may still be there.
        self.root_peak_bytes = max(self.root_peak_bytes, peak_rss_bytes(self.root.pid))
        living = self.living()
        memory = threads = 0
        for process in living:
            try:
                memory += memory_bytes(process, is_shared=len(living) > 1)
                threads += process.num_threads()
            except psutil.Error:
                continue  # It ended since.
        self.peak_bytes = max(self.peak_bytes, memory)
        self.most_processes = max(self.most_processes, len(living))
        self.most_threads = max(self.most_threads, threads)

    def living(self) -> list[psutil.Process]:
        """Returns the processes seen so far that have not ended."""
        return [process for process in self.seen.values() if is_alive(process)]

    def end_all(self) -> list[str]:
        """Waits for the processes that are left, which may be about to end, then ends the others.

        Each is ended by its own id. Returns the names of those that did not end by themselves.
        """
        left = psutil.wait_procs(self.living(), timeout=END_SECONDS)[1]
        names = []
        for process in left:
            try:
                names.append(process.name())
                process.terminate()
            except psutil.Error:
                continue
        for process in psutil.wait_procs(left, timeout=END_SECONDS)[1]:
            process.kill()
        return names


def is_alive(process: psutil.Process) -> bool:
    """Tells whether this very process, not another with its id, has not ended."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def peak_rss_bytes(pid: int) -> int:
    """Returns the largest RSS that a process has had so far, 0 if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def memory_bytes(process: psutil.Process, is_shared: bool) -> int:
    """Returns the process's PSS where pages are shared and PSS may be read, else its RSS."""
    if is_shared:
        try:
            return int(process.memory_full_info().pss)
        except psutil.AccessDenied:
            pass
    return int(process.memory_info().rss)


def run_measured(
    command: Sequence[str], timeout_seconds: float = 900, without: Sequence[str] = ()
) -> Run:
    """Runs `command` to its end and measures it; never raises for its failure.

    Its environment is ours but for the variables named in `without`.

    A command that takes longer than `timeout_seconds` is killed; the run's error says so. Of its
    output only the last line is kept, which should be a JSON object (see reporting_job.py).
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env={name: value for name, value in os.environ.items() if name not in without},
        )
        sampler = TreeSampler(psutil.Process(process.pid), timeout_seconds)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)  # Taken: Popen must not wait again.
        sampler.done.set()
        sampler.join()
        report = last_object(text_of(output))
        error = str(report.get("error", ""))
        if sampler.timed_out:
            error = f"killed after {timeout_seconds:g} s"
        elif process.returncode and not error:
            last_lines = text_of(errors).strip().splitlines() or ["no message"]
            error = f"exit code {process.returncode}: {last_lines[-1]}"
    # The kernel counts what this process had when it forked as the child's, so a smaller maximum
    # says nothing, and the sampled one stands for it.
    max_rss_bytes = sampler.root_peak_bytes
    if usage.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        max_rss_bytes = max(max_rss_bytes, usage.ru_maxrss * 1024)
    peak_mb, max_rss_mb = sampler.peak_bytes / MB, max_rss_bytes / MB
    if sampler.most_processes <= 1:
        peak_mb = max(peak_mb, max_rss_mb)  # Samples may miss the peak.
    return Run(
        seconds=seconds,
        peak_tree_mb=peak_mb,
        max_rss_mb=max_rss_mb,
        processes=sampler.most_processes,
        threads=sampler.most_threads,
        report=report,
        error=error,
        left_behind=sampler.end_all(),
    )


def text_of(file: Any) -> str:
    """Returns all that was written to a temporary file."""
    file.seek(0)
    return str(file.read().decode(errors="replace"))


def last_object(output: str) -> dict[str, Any]:
    """Returns the last line of `output` that is a JSON object, or an empty one."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            return found if isinstance(found, dict) else {}
    return {}
