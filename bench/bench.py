#!/usr/bin/env python3
"""How fast is servsim? Times it side by side with a yardstick, and prints a table, text and JSON, of medians and ratios.

What is compared is run in turn (A B A B ...), so that a machine that is slow, or busy for a while, slows both. Times
are CPU seconds (user and system) of whole processes, except where a row says otherwise. An event is an arrival or the
end of a run of equal steps (events in run.json); with --stepwise every step is such a run.

  a  whole runs (parse, simulate, requests.csv, summary) against libcsv alone on the same file
  b  the simulation alone: requests, events and token steps a second; instructions per event, by callgrind
  c  saturated, prefix-cached and prefill-heavy traffic; each scheduler and each device against the plainest
  d  memory per request in flight, start-up, a sweep against the sum of its cells
  e  growth: the exponent of time over requests, replicas and waiting requests

Needs nothing but Python's own library; valgrind for the instructions.
"""
import argparse
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import traffic  # noqa: E402

WHOLE_TRACE = 1429737
BASE = {"servsim": "1", "name": "bench", "model": "llama-3.1-8b", "hardware": "rtx3090", "router": "least_loaded",
        "scheduler": "fcfs", "cluster": "{gpus: 16}", "engine": "vllm-0.15", "report": "[json]"}
DEVICES = {"custom": "{plugin: custom, name: toy, peak_tflops: {bf16: 200}, memory: 40GiB, memory_bandwidth: 1500GB/s}",
           "profile": "{plugin: profile, path: \"data:synthetic_gpu/llama-3.1-8b/bf16\"}"}


class Table:
    """Rows of what was measured, printed as they come."""

    def __init__(self):
        self.rows = []

    def add(self, part, what, value, unit, limit=None, at_least=False, note=""):
        met = None if limit is None else (value >= limit if at_least else value <= limit)
        self.rows.append({"part": part, "what": what, "value": value, "unit": unit, "limit": limit,
                          "at_least": at_least, "met": met, "note": note})
        bound = "" if limit is None else "%s %s %s" % (">=" if at_least else "<=", shown(limit),
                                                      "" if met else " MISSED")
        print("%-2s %-58s %12s %-16s %s %s" % (part, what, shown(value), unit, bound, note), flush=True)


def shown(value):
    if isinstance(value, int) or abs(value) >= 1000:
        return "{:,.0f}".format(value)
    return "%.3g" % value


class Bench:
    def __init__(self, args, work):
        self.quick, self.work, self.table = args.quick, work, Table()
        self.servsim = os.path.abspath(os.path.join(args.build, "servsim"))
        self.engine = os.path.abspath(os.path.join(args.build, "bench/engine_alone"))
        self.parser = os.path.abspath(os.path.join(args.build, "bench/parse_alone"))
        self.runs = 2 if args.quick else 3

    def file(self, name):
        return os.path.join(self.work, name)

    def experiment(self, name, **keys):
        """Writes an experiment; keys stand beside those of BASE. Returns its path."""
        path = self.file(name + ".yaml")
        with open(path, "w", encoding="utf-8") as out:
            for key, value in {**BASE, **keys}.items():
                out.write("%s: %s\n" % (key, value))
        return path

    def process(self, *command):
        """Runs to the end: {cpu_s, wall_s, out}."""
        begun = time.monotonic()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.work)
        out = child.stdout.read()
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit("bench: %s\n%s" % (" ".join(command), said.decode()))
        return {"cpu_s": usage.ru_utime + usage.ru_stime, "wall_s": time.monotonic() - begun, "out": out.decode()}

    def in_turn(self, *commands, runs=None):
        """The commands one after another, several times: for each the list of its processes. One run is not counted."""
        for command in commands:
            self.process(*command)
        rounds = [[self.process(*command) for command in commands] for _ in range(runs or self.runs)]
        return list(zip(*rounds))

    def alone(self, experiment, *sets, mode="simulate", runs=None):
        """The simulation without its traffic: what engine_alone says, with cpu_s of the engine, medians."""
        simulated, streamed = self.in_turn([self.engine, mode, experiment, *sets],
                                           [self.engine, "traffic", experiment, *sets], runs=runs)
        said = [json.loads(one["out"]) for one in simulated]
        traffic_s = statistics.median(json.loads(one["out"])["cpu_s"] for one in streamed)
        said[0]["cpu_s"] = max(statistics.median(one["cpu_s"] for one in said) - traffic_s, 1e-6)
        return said[0]

    # ---- a ----

    def trace(self, requests):
        path = self.file("trace%d.csv" % requests)
        if not os.path.exists(path):
            self.process(self.servsim, "trace", "generate", "--workload", "burstgpt_model", "--requests",
                         str(requests), "--output", path)
        return path

    def whole_runs(self):
        requests = 150000 if self.quick else WHOLE_TRACE
        trace = self.trace(requests)
        for replicas in (1, 16, 1024) if self.quick else (1, 4, 16, 64, 1024):
            run, parse = self.in_turn(
                [self.servsim, "simulate", "--npu_num", str(replicas), "--npu_group", "1", "--set", "cluster.tp=1",
                 "--dataset", trace, "--output", self.file("out.csv")], [self.parser, trace])
            ratios = [a["cpu_s"] / b["cpu_s"] for a, b in zip(run, parse)]
            seconds = statistics.median(one["cpu_s"] for one in run)
            self.table.add("a", "whole run, %s requests, %d replicas: of libcsv alone" % (shown(requests), replicas),
                           statistics.median(ratios), "times", {16: 3.0, 1024: 4.0}.get(replicas),
                           note="%.3f s, libcsv %.3f s" % (seconds, statistics.median(b["cpu_s"] for b in parse)))

    # ---- b ----

    def plain(self, requests, **keys):
        path = self.trace(requests)
        return self.experiment("plain%d" % requests, workload="{plugin: burstgpt, path: %s}" % path, **keys)

    def simulation(self):
        requests = 150000 if self.quick else WHOLE_TRACE
        one = self.alone(self.plain(requests))
        self.table.add("b", "simulation alone, 16 replicas: requests", one["requests"] / one["cpu_s"], "/s", 2e6, True)
        self.table.add("b", "  events (arrivals, ends of runs)", one["events"] / one["cpu_s"], "/s",
                       note="%.2f a request" % (one["events"] / one["requests"]))
        self.table.add("b", "  output tokens", one["tokens"] / one["cpu_s"], "/s")
        few = self.plain(4000 if self.quick else 20000)
        default, steps = self.alone(few), self.alone(few, mode="stepwise", runs=1)
        self.table.add("b", "  --stepwise against default, CPU time", steps["cpu_s"] / default["cpu_s"], "times",
                       note="%s steps/s" % shown(steps["steps"] / steps["cpu_s"]))

    def instructions(self, *command):
        out = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command],
                             capture_output=True, check=True)
        said = json.loads(out.stdout)
        return int(re.search(r"Collected : (\d+)", out.stderr.decode()).group(1)), said.get("events")

    def per_event(self, mode, few, many, *sets):
        """Instructions of the engine per event: of so many more requests, so that what is done once cancels."""
        total = events = 0
        for sign, requests in ((-1, few), (1, many)):
            experiment = self.plain(requests)
            whole, counted = self.instructions(self.engine, mode, experiment, *sets)
            stream, _ = self.instructions(self.engine, "traffic", experiment, *sets)
            total += sign * (whole - stream)
            events += sign * counted
        return total / events

    def counted(self):
        if shutil.which("valgrind") is None:
            print("b  instructions per event: left out, valgrind is not installed")
            return
        caching = "kv_cache.prefix_caching=true"
        sizes = (2000, 8000) if self.quick else (10000, 50000)
        small = (200, 800) if self.quick else (500, 2500)
        for mode, pair in (("simulate", sizes), ("stepwise", small)):
            for sets in ((), (caching,)):
                name = "default" if mode == "simulate" else "--stepwise"
                self.table.add("b", "instructions per event, %s%s" % (name, ", prefix caching" if sets else ""),
                               self.per_event(mode, *pair, *sets), "", 1500)

    # ---- c ----

    def saturated(self, requests, **keys):
        """More than four replicas can serve, and KV caches that are too small for the batches: preemptions."""
        load = "{plugin: poisson, rate: 1000, requests: %d, prompt_tokens: 512, prompt_distribution: geometric, " \
               "output_tokens: 128, output_distribution: geometric, output_max: 2000, prompt_max: 4000}" % requests
        return self.experiment("saturated%d" % requests, cluster="{gpus: 4}", kv_cache="{blocks: 2000}",
                               workload=load, **keys)

    def kinds_of_traffic(self):
        requests = 20000 if self.quick else 100000
        one = self.alone(self.saturated(requests))
        self.table.add("c", "saturated, KV pressure: requests", one["requests"] / one["cpu_s"], "/s", 3e5, True,
                       note="%.2f preemptions a request" % (one["preemptions"] / one["requests"]))
        rows = 3000 if self.quick else 12000
        path = self.file("conversations.jsonl")
        traffic.conversations(path, rows)
        for caching in ("false", "true"):
            one = self.alone(self.experiment("conversations", workload="{plugin: tokens, path: %s}" % path),
                             "kv_cache.prefix_caching=" + caching)
            self.table.add("c", "Mooncake-like, prefix caching %s: requests" % caching,
                           one["requests"] / one["cpu_s"], "/s")
        load = "{plugin: poisson, rate: 20, requests: %d, prompt_tokens: 4000, prompt_distribution: exponential, " \
               "prompt_max: 60000, output_tokens: 8}" % requests
        one = self.alone(self.experiment("prefill", workload=load))
        self.table.add("c", "prefill-heavy: requests", one["requests"] / one["cpu_s"], "/s")

    def names(self, kind):
        listed = json.loads(self.process(self.servsim, "plugins", "--json")["out"])
        found = listed["plugins"] if isinstance(listed, dict) else listed
        return [one["name"] for one in found if one["kind"] == kind]

    def each_of(self, kind, key, plainest, limit, experiment):
        names = sorted(self.names(kind), key=lambda name: name != plainest)
        rate = {}
        for name in names:
            use = DEVICES.get(name, name)
            one = self.alone(experiment(**{key: use}), runs=1 if self.quick else 2)
            rate[name] = one["requests"] / one["cpu_s"]
        for name in names[1:]:
            self.table.add("c", "%s %s against %s: requests a second" % (kind, name, plainest),
                           rate[name] / rate[plainest], "times", limit, True)

    def each_plugin(self):
        requests = 5000 if self.quick else 40000
        self.each_of("scheduler", "scheduler", "fcfs", 0.25, lambda **keys: self.saturated(requests, **keys))
        self.each_of("hardware", "hardware", "rtx3090", None, lambda **keys: self.plain(requests, **keys))

    # ---- d ----

    def memory(self):
        """All arrive at once, so that all are in flight; two counts, so that what is there once cancels. A process starts
        with its parent's peak, some 40 MB, so both counts take more than that."""
        peaks, counts = [], (200000, 400000) if self.quick else (200000, 800000)
        for requests in counts:
            one = json.loads(self.process(self.engine, "simulate", self.waiting("fcfs", requests))["out"])
            peaks.append(one["peak_bytes"] - requests * one["record_bytes"])
        self.table.add("d", "memory of a request in flight, beside its record", (peaks[1] - peaks[0]) /
                       (counts[1] - counts[0]), "bytes", 150)

    def start_up(self):
        whole, nothing = self.in_turn([self.servsim, "simulate", "--dataset", self.trace(1), "--output",
                                       self.file("one.csv")], ["true"], runs=9)
        self.table.add("d", "one request, from start to end (wall, without what `true` takes)",
                       1000 * statistics.median(a["wall_s"] - b["wall_s"] for a, b in zip(whole, nothing)), "ms", 20)

    def sweep(self):
        cells = 40 if self.quick else 200
        path = self.experiment("sweep", workload="{plugin: burstgpt, path: %s}" % self.trace(10000),
                               replicates=str(cells), output=self.file("sweep"))
        one = self.process(self.servsim, "run", "--quiet", "--jobs", "2", path)
        alone = 0.0
        for folder in os.scandir(self.file("sweep/cells")):
            with open(os.path.join(folder.path, "run.json"), encoding="utf-8") as run:
                alone += json.load(run)["wall_s"]
        self.table.add("d", "sweep of %d cells on two cores: of half the sum of its cells (wall)" % cells,
                       one["wall_s"] / (alone / 2), "times", note="%.2f s" % one["wall_s"])

    # ---- e ----

    def waiting(self, scheduler, requests):
        """Everybody arrives within a microsecond at one replica, so that nearly all wait."""
        load = "{plugin: poisson, rate: 1e9, requests: %d, prompt_tokens: 128, prompt_distribution: geometric, " \
               "output_tokens: 16, output_distribution: geometric, clients: [5, 3, 1, 1], priorities: [1, 1]}" % requests
        return self.experiment("waiting-%s-%d" % (scheduler, requests), scheduler=scheduler, cluster="{gpus: 1}",
                               workload=load)

    def exponent(self, what, points, note=""):
        """Of time over size, by least squares over logarithms."""
        xs, ys = zip(*((math.log(size), math.log(seconds)) for size, seconds in points))
        mean_x, mean_y = statistics.fmean(xs), statistics.fmean(ys)
        slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys)) / sum((x - mean_x) ** 2 for x in xs)
        self.table.add("e", what, slope, "exponent", 1.1, note=note or ", ".join(
            "%s: %.3f s" % (shown(size), seconds) for size, seconds in points))

    def growth(self):
        sizes = (10000, 100000, 1000000) if self.quick else (10000, 100000, 1000000, 10000000)
        points = []
        for requests in sizes:
            load = "{plugin: burstgpt_model, requests: %d}" % requests
            one = self.alone(self.experiment("model", workload=load), runs=1)
            points.append((requests, one["cpu_s"]))
        self.exponent("time over requests", points)
        points = []
        for replicas in (1, 4, 16, 64, 256, 1024):
            load = "{plugin: burstgpt_model, requests: %d}" % (50000 if self.quick else 200000)
            one = self.alone(self.experiment("model", workload=load, cluster="{gpus: %d}" % replicas), runs=1)
            points.append((replicas, one["cpu_s"]))
        self.exponent("time over replicas, the same requests", points)
        most = 10000 if self.quick else 100000
        for scheduler in self.names("scheduler"):
            points = []
            for requests in (100, 1000, 10000, 100000):
                if requests <= most:
                    one = self.alone(self.waiting(scheduler, requests), runs=1)
                    points.append((requests, one["cpu_s"]))
            self.exponent("time over waiting requests, %s" % scheduler, points[1:])


PARTS = {"a": ("whole_runs",), "b": ("simulation", "counted"), "c": ("kinds_of_traffic", "each_plugin"),
         "d": ("memory", "start_up", "sweep"), "e": ("growth",)}


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--build", default=".", help="the folder where servsim was built")
    args.add_argument("--json", help="write the table there, too")
    args.add_argument("--quick", action="store_true", help="less of everything, in under a minute")
    args.add_argument("--parts", default="abcde", help="of a to e")
    args = args.parse_args()
    with tempfile.TemporaryDirectory(prefix="servsim-bench-") as work:
        bench = Bench(args, work)
        begun = time.monotonic()
        for part in args.parts:
            for name in PARTS[part]:
                getattr(bench, name)()
        print("%.0f s" % (time.monotonic() - begun))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump({"quick": args.quick, "rows": bench.table.rows}, out, indent=1)
            out.write("\n")


if __name__ == "__main__":
    main()
