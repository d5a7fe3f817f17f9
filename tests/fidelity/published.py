#!/usr/bin/env python3
"""Holds servsim against runs that others published: published_runs.csv, a line for each.

Writes an experiment for each run into a work folder, simulates it and prints how far servsim is off, by run and by class.
--check exits with 1 where the median is beyond what servsim is held to. Nothing was fitted to these runs. Needs nothing
but Python's own library.
"""
import argparse
import csv
import json
import os
import statistics
import subprocess
import sys

RUNS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "published_runs.csv")
HELD = 0.15  # median of the errors' sizes, doubtful runs left out
MIXTURES = ("deepseek-r1", "gpt-oss-20b", "gpt-oss-120b", "qwen3-30b-a3b", "qwen3-235b-a22b")
GREEDY = 10  # bytes a logit: to 32 bits (6), the largest of them (4)

# Conversations from ShareGPT, as the benchmark client of vLLM picks them, whose means are published alone; and requests
# for code, from their medians and 90 % points.
LENGTHS = {
    "fixed": "",
    "sharegpt": ", prompt_distribution: lognormal, prompt_cv: 1.2, prompt_max: 1024, output_distribution: lognormal, "
                "output_cv: 1.0, output_max: 1024",
    "coding": ", prompt_distribution: lognormal, prompt_cv: 0.98, prompt_max: 11264, output_distribution: lognormal, "
              "output_cv: 0.58, output_max: 1024"}


def version(row):
    """Of the engine, or the year and month where the page tells none."""
    return tuple(int(part) for part in row["engine"].split(" ")[1].replace("-", ".").split("."))


class Run:
    """A published run, and what servsim makes of it."""

    def __init__(self, row):
        self.row = row
        self.name = row["run"]
        self.errors = {}  # of each figure that is published and compared

    def arrivals(self):
        """One after the other, by chance, or all at once: as in a closed loop, those beyond the places wait then."""
        if self.row["traffic"] == "single":
            return "arrivals: constant, rate: 0.005"
        return "rate: %s" % self.row["rate"] if self.row["traffic"] == "poisson" else "arrivals: constant, rate: 1e9"

    def engine(self):
        """The nearest one that servsim has."""
        return "vllm-0.19" if (0, 19) <= version(self.row) < (1, 0) else "vllm-0.15"

    def experiment(self):
        row = self.row
        weights = ", weights: %s" % row["weights"] if row["weights"] in ("fp8", "int4") else ""
        engine = ", sampling: %d, plain_sampling: %d" % (GREEDY, GREEDY) if row["sampling"] == "greedy" else ""
        kv = ", dtype: %s" % row["kv"] if row["kv"] else ""
        places = int(row["places"])
        return "\n".join((
            "servsim: 1", "name: %s" % self.name, "model: {name: %s%s}" % (row["model"], weights),
            "hardware: {plugin: %s%s}" % (row["gpu"], ", " + row["card"] if row["card"] else ""),
            "cluster: {gpus: %s, tp: %s, ep: %s}" % (row["tp"], row["tp"], row["ep"]),
            "scheduler: {plugin: fcfs, max_num_seqs: %d, max_num_batched_tokens: %d}" % (
                places, max(int(row["budget"]), places)),
            "kv_cache: {prefix_caching: true%s}" % kv, "engine: {name: %s%s}" % (self.engine(), engine),
            "workload: {plugin: poisson, requests: %s, %s, prompt_tokens: %s, output_tokens: %.0f%s}" % (
                row["requests"], self.arrivals(), row["prompt_tokens"], float(row["output_tokens"]),
                LENGTHS[row["lengths"]]),
            "report: [json]", ""))

    def simulate(self, servsim, work):
        path = os.path.join(work, self.name)
        with open(path + ".yaml", "w", encoding="utf-8") as out:
            out.write(self.experiment())
        done = subprocess.run([servsim, "run", path + ".yaml", "--output", path], check=False, capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise SystemExit("%s: %s" % (self.name, done.stderr.strip()))
        with open(path + "/cells/run/summary.json", encoding="utf-8") as text:
            made = json.load(text)
        simulated = {"ttft_ms": made["ttft_ms"]["mean"], "tpot_ms": made["tpot_ms"]["mean"],
                     "latency_s": made["latency_ms"]["mean"] / 1e3, "duration_s": made["simulated_s"]}
        for figure, value in simulated.items():
            if self.row[figure] and not (figure == "tpot_ms" and self.is_burst()):
                self.errors[figure] = value / float(self.row[figure]) - 1

    def is_burst(self):
        """The mean TPOT of conversations that come all at once is that of the shortest, whose lengths nobody tells."""
        return self.row["traffic"] == "batch" and self.row["lengths"] == "sharegpt"

    def figure(self):
        """What tells how long steps take: TPOT, or the time that all of it took."""
        order = ("duration_s",) if self.row["traffic"] == "batch" else ("tpot_ms", "latency_s", "duration_s")
        return next(figure for figure in order if figure in self.errors)

    def error(self):
        return self.errors[self.figure()]

    def traffic(self):
        row = self.row
        if row["traffic"] == "poisson":
            return "%s/s" % row["rate"]
        if row["traffic"] == "closed":
            return "%s at once" % row["places"]
        lengths = {"sharegpt": "ShareGPT", "coding": "coding"}.get(row["lengths"], "%s + %.0f" % (
            row["prompt_tokens"], float(row["output_tokens"])))
        return lengths if row["traffic"] == "single" else "%s x %s" % (row["requests"], lengths)


def percent(value):
    return "%+.1f" % (100 * value)


def layout(row):
    return "tp%s%s" % (row["tp"], " ep%s" % row["ep"] if row["ep"] != "1" else "")


def card(row):
    """Cards of the A100 that are described by their datasheet: PCIe, 40 GB."""
    return row["gpu"] + ("" if not row["card"] else " 40 GB" if "40GiB" in row["card"] else " PCIe")


def setup(run):
    row = run.row
    return (row["model"], card(row), row["weights"], layout(row), row["engine"], row["source"])


def table(runs):
    """A line for each set-up, with what was compared of each of its runs."""
    sources = list(dict.fromkeys(run.row["source"] for run in runs))
    lines = ["| model | GPU | bits | layout | engine | runs: error of TPOT, latency or duration, % | of |",
             "|---|---|---|---|---|---|---|"]
    for key in dict.fromkeys(setup(run) for run in runs):
        cells = []
        for run in (run for run in runs if setup(run) == key):
            more = ["%s %s" % (name, percent(run.errors[figure])) for name, figure in (
                ("TTFT", "ttft_ms"), ("TPOT", "tpot_ms")) if figure in run.errors and figure != run.figure()]
            cells.append("%s: %s%s%s" % (run.traffic(), percent(run.error()), "".join(" (%s)" % one for one in more),
                                         " ?" if run.row["doubt"] else ""))
        lines.append("| %s | %s | %s |" % (" | ".join(key[:-1]), "; ".join(cells), sources.index(key[-1]) + 1))
    lines += ["", "Where from:", ""]
    return lines + ["%d. <%s>" % (i + 1, source) for i, source in enumerate(sources)]


def era(row):
    """By how the engine works: vLLM without its compiler; with it, and steps composed one after the other; as now."""
    if row["engine"].startswith("sglang"):
        return "SGLang 0.5.7"
    if version(row) == (0, 7, 2):
        return "vLLM 0.7.2"
    late = version(row) >= ((2026,) if version(row) >= (1,) else (0, 12))
    return "vLLM of 2026, to 0.27" if late else "vLLM of 2025, 0.8.5 to 0.11"


def weights_class(row):
    names = {"16": "16 bits", "fp8": "fp8, multiplied in fp8", "int4": "int4", "mxfp4": "mxfp4"}
    return "fp8 on an A100" if row["weights"] == "fp8" and row["gpu"] == "a100" else names[row["weights"]]


CLASSES = (
    ("engine", era), ("GPU", lambda row: row["gpu"]), ("weights", weights_class),
    ("model", lambda row: "experts" if row["model"] in MIXTURES else "dense"),
    ("layout", lambda row: "expert parallel" if row["ep"] != "1" else "tp" + row["tp"]),
    ("traffic", lambda row: {"single": "one request at a time", "closed": "1 to 64 at once",
                             "poisson": "Poisson"}.get(row["traffic"], "all at once, %s" % (
                                 "of one length" if row["lengths"] == "fixed" else "of many lengths"))))


def medians(runs):
    """Signed medians and those of the sizes, over the runs that are not in doubt."""
    lines = ["| runs | number | median, % | median size, % |", "|---|---|---|---|"]

    def add(name, chosen):
        errors = [run.error() for run in chosen]
        lines.append("| %s | %d | %s | %.1f |" % (name, len(errors), percent(statistics.median(errors)),
                                                  100 * statistics.median(map(abs, errors))))
    add("all", runs)
    for what, of in CLASSES:
        for value in sorted(set(of(run.row) for run in runs)):
            add("%s: %s" % (what, value), [run for run in runs if of(run.row) == value])
    return lines


def simulate_all(servsim, work):
    os.makedirs(work, exist_ok=True)
    with open(RUNS, encoding="utf-8") as text:
        runs = [Run(row) for row in csv.DictReader(text)]
    for run in runs:
        run.simulate(servsim, work)
    return runs


def report(servsim, work):
    runs = simulate_all(servsim, work)
    return medians([run for run in runs if not run.row["doubt"]]) + ["", "## Runs", ""] + table(runs)


def words(preamble):
    if not preamble:
        return ""
    with open(preamble, encoding="utf-8") as text:
        return text.read() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--servsim", default="./servsim")
    parser.add_argument("--work", required=True, help="folder for experiments")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--preamble", help="text in front of the tables")
    args = parser.parse_args()
    if not args.check:
        print(words(args.preamble) + "\n".join(report(args.servsim, args.work)))
        return 0
    runs = [run for run in simulate_all(args.servsim, args.work) if not run.row["doubt"]]
    median = statistics.median(abs(run.error()) for run in runs)
    print("published runs: median %.1f %%, held to %.0f %%" % (100 * median, 100 * HELD))
    return 1 if median > HELD else 0


if __name__ == "__main__":
    sys.exit(main())
