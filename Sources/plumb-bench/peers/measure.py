"""What all peers share: options, the clock, and the one JSON line that a run prints.

The members are those of `plumb-bench model`, so that `plumb-bench compare` can read both sides.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def options(description, variants):
    """A parser with what every peer takes. The first variant is the default."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("workload")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=10, help="least time to measure")
    parser.add_argument("--repetitions", type=int, default=3, help="least repetitions")
    parser.add_argument("--variant", choices=variants, default=variants[0])
    parser.add_argument(
        "--mkl", choices=["unlocked", "plain"], default="unlocked",
        help="unlocked: on AMD, MKL is told to use the kernels that it has for Intel; "
        "plain: PyTorch as installed",
    )
    return parser


SHIM = "int mkl_serv_intel_cpu_true(void) { return 1; }"


def unlock_mkl():
    """Starts this script again with MKL's fast kernels where MKL would not choose them.

    MKL asks for the processor's maker before its features. On AMD with AVX-512 the answer costs a
    quarter of the speed of large products, which would flatter Plumb. Returns what came of it.
    """
    with open("/proc/cpuinfo") as file:
        text = file.read()
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if "AuthenticAMD" not in text or "avx512f" not in text:
        return "plain, nothing to unlock on this processor"
    if not compiler:
        return "plain, no C compiler to unlock it with"
    if "PEERS_MKL" not in os.environ:
        # Inside the virtual environment: nobody else can put a library there.
        library = os.path.join(sys.prefix, "plumb-peers-mkl.so")
        if not os.path.exists(library):
            with tempfile.TemporaryDirectory() as folder:
                source = os.path.join(folder, "shim.c")
                with open(source, "w") as file:
                    file.write(SHIM)
                built = os.path.join(folder, "shim.so")
                subprocess.run([compiler, "-shared", "-fPIC", "-o", built, source], check=True)
                shutil.move(built, library)
        environment = dict(os.environ, PEERS_MKL="unlocked", LD_PRELOAD=library)
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    return "unlocked"


def torch_with(arguments):
    """PyTorch with so many threads; quiet, and never asking the network."""
    arguments.mkl_used = "plain" if arguments.mkl == "plain" else unlock_mkl()
    threads = arguments.threads
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("RAYON_NUM_THREADS", str(threads))
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    import transformers

    transformers.logging.set_verbosity_error()
    return torch


def machine_times():
    """Processor seconds of the whole machine: at work, and taken away by the hypervisor (steal)."""
    with open("/proc/stat") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    tick = os.sysconf("SC_CLK_TCK")
    return sum(fields[i] for i in (0, 1, 2, 5, 6)) / tick, fields[7] / tick


def own_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_bytes():
    """Largest resident set of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def repeat(work, arguments, warm_up=1):
    """Seconds of each repetition after `warm_up` of them, and what happened on the machine.

    Work of which only a part counts returns that part's seconds: wall clock and processors.
    """
    for _ in range(warm_up):
        work()
    load = os.getloadavg()[0]
    busy, stolen = machine_times()
    own = own_seconds()
    start = time.perf_counter()
    times, processor = [], []
    while (
        len(times) < arguments.repetitions or time.perf_counter() - start < arguments.seconds
    ):
        before, used = time.perf_counter(), own_seconds()
        counted = work()
        wall, used = counted or (time.perf_counter() - before, own_seconds() - used)
        times.append(wall)
        processor.append(used)
    elapsed = time.perf_counter() - start
    own = own_seconds() - own
    busy_after, stolen_after = machine_times()
    return times, {
        "cpu_seconds": statistics.median(processor),
        "load_average": load,
        "others_share": max(0, busy_after - busy - own) / elapsed / os.cpu_count(),
        "steal_share": (stolen_after - stolen) / elapsed / os.cpu_count(),
    }


def report(arguments, times, machine, tokens, versions, **more):
    """Prints the line: `tokens` of one repetition, the median of its seconds."""
    seconds = statistics.median(times)
    print(
        json.dumps(
            {
                "workload": arguments.workload,
                "side": "peer",
                "variant": arguments.variant,
                "mkl": getattr(arguments, "mkl_used", None),
                "threads": arguments.threads,
                "tokens": tokens,
                "tokens_per_second": tokens / seconds,
                "seconds": seconds,
                "repetitions": len(times),
                **machine,
                "peak_bytes": peak_bytes(),
                **more,
                "versions": {**versions, "python": platform.python_version()},
            }
        ),
        flush=True,
    )
