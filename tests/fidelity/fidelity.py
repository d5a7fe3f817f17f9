#!/usr/bin/env python3
"""Holds servsim against the real runs of the folder that SERVSIM_MEASURED_DATA names.

Writes experiments and means into a work folder, runs `servsim validate --json` on each, and prints the report
(doc/fidelity.md). --check exits with 1 where a figure is beyond its limit; --pairs prints the pairs of experiment and
measured file of a set, for servsim calibrate. Needs nothing but Python's own library.
"""
import argparse
import csv
import json
import os
import subprocess
import sys

MODELS = {"Qwen/Qwen3-14B": "qwen3-14b", "meta-llama/Llama-3.1-8B-Instruct": "llama-3.1-8b",
          "codellama/CodeLlama-34b-Instruct-hf": "codellama-34b", "meta-llama/Llama-2-7b-hf": "llama-2-7b"}
DEVICES = {"H100": "h100", "A100-80GB": "a100"}
REQUESTED = {"codegen": 247, "general": 248, "roleplay": 251}  # output tokens that the clients asked for
FIGURES = ("ttft_ms", "tpot_ms", "latency_ms")


def experiment(work, name, lines):
    path = os.path.join(work, name + ".yaml")
    with open(path, "w", encoding="utf-8") as out:
        out.write("servsim: 1\nname: %s\n%s\n" % (name, "\n".join(lines)))
    return path


def vllm015(model, device, tp, budget, blocks, utilization=0.9):
    kv = "kv_cache: {prefix_caching: true, memory_utilization: %s%s}" % (
        utilization, ", blocks: %d" % blocks if blocks else "")
    return ["model: {name: %s, dtype: fp16}" % model, "hardware: %s" % device,
            "cluster: {gpus: %d, tp: %d}" % (tp, tp),
            "scheduler: {plugin: fcfs, max_num_seqs: 128, max_num_batched_tokens: %d}" % budget, kv,
            "engine: vllm-0.15"]


class Run:
    """One measured run: an experiment, what was measured, and how the two are held together."""

    def __init__(self, name, yaml, measured, flags=(), model="", device=""):
        self.name, self.yaml, self.measured, self.flags = name, yaml, measured, list(flags)
        self.model, self.device = model, device
        self.result = None

    def validate(self, servsim, sets):
        command = [servsim, "validate", self.yaml, "--measured", self.measured, "--json"] + self.flags
        for one in sets:
            command += ["--set", one]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit("%s: %s" % (self.name, done.stderr.strip()))
        self.result = json.loads(done.stdout)["runs"]
        return self.result


def stage_runs(data, work):
    """The 29 stages of vLLM 0.15.1: Poisson arrivals, 100 prompts in turn behind one system prompt."""
    runs = []
    with open(os.path.join(data, "calibration/vllm015_sim2real_calibration.csv"), encoding="utf-8") as source:
        for row in csv.DictReader(source):
            model, device = MODELS[row["model"]], DEVICES[row["gpu"]]
            name = "%s-%s" % (row["exp"], row["stage"])
            rate, duration = float(row["rate_req_per_s"]), float(row["duration_s"])
            system = int(row["system_prompt_tokens"])
            lines = vllm015(model, device, int(row["tp"]), int(row["max_num_batched_tokens"]),
                            int(float(row["gpu_kv_blocks"] or 0)), row["gpu_mem_util"] or 0.9)
            lines.append("workload: {plugin: poisson, rate: %g, requests: %d, prompt_tokens: %d, output_tokens: %s, "
                         "distinct_prompts: 100, shared_prefix_tokens: %d}" %
                         (rate, rate * duration, system + int(row["question_tokens"]), row["output_tokens"], system))
            means = os.path.join(work, name + ".csv")
            with open(means, "w", encoding="utf-8") as out:
                out.write("ttft_mean_ms,tpot_mean_ms,latency_mean_ms,ttft_p90_ms,ttft_p99_ms,latency_p90_ms,"
                          "latency_p99_ms\n%s\n" % ",".join(row[key] for key in (
                              "ttft_mean_ms", "tpot_from_latency_ms", "latency_mean_ms", "ttft_p90_ms", "ttft_p99_ms",
                              "latency_p90_ms", "latency_p99_ms")))
            runs.append(Run(name, experiment(work, name, lines), means, [], model, device))
    return runs


def request_runs(data, work):
    """The six files of vLLM 0.15.1 on H100 with a row for each request."""
    runs = []
    for model, tp in (("codellama-34b", 2), ("llama-2-7b", 1)):
        for kind, tokens in REQUESTED.items():
            name = "h100_%s-tp%d-%s" % (model, tp, kind)
            lines = vllm015(model, "h100", tp, 2048, 7463 if model == "llama-2-7b" else 0)
            measured = os.path.join(data, "calibration/vllm015_%s_requests.csv" % name)
            runs.append(Run(name, experiment(work, name, lines), measured,
                            ["--output-tokens", str(tokens), "--distinct-prompts", "100"], model, "h100"))
    return runs


def merged_trace(data, work, tokens, measured):
    """The prompts of a trace at the times when the client really sent them."""
    path = os.path.join(work, os.path.basename(measured) + ".jsonl")
    with open(os.path.join(data, "sharegpt", tokens), encoding="utf-8") as source, \
            open(measured, encoding="utf-8") as times, open(path, "w", encoding="utf-8") as out:
        for line, row in zip(source, csv.DictReader(times)):
            one = json.loads(line)
            out.write(json.dumps({"arrival_s": float(row["arrival_s"]), "input_toks": one["input_toks"],
                                  "output_toks": one["output_toks"], "input_tok_ids": one["input_tok_ids"]}) + "\n")
    return path


def rtxpro_runs(data, work):
    """vLLM 0.19.0 on the RTX PRO 6000, from its measured bundles: one GPU, and two ranks that share experts."""
    cases = (("rtxpro6000_llama31_8b_tp1", "llama-3.1-8b", "meta-llama/Llama-3.1-8B", "llama-3.1-8b",
              "cluster: {gpus: 1}", ", blocks: 36578"),
             ("rtxpro6000_qwen3_30b_a3b_dp2ep2", "qwen3-30b-a3b", "Qwen/Qwen3-30B-A3B-Instruct-2507", "qwen3-30b-a3b",
              "cluster: {gpus: 2, dp: 2, ep: 2}", ""))
    runs = []
    for name, model, bundle, trace, cluster, blocks in cases:
        measured = os.path.join(data, "calibration/vllm_%s_requests.csv" % name)
        tokens = merged_trace(data, work, "sharegpt-%s-300-sps10.jsonl" % trace, measured)
        lines = ["model: %s" % model,
                 "hardware: {plugin: profile, path: %s, memory: 96GiB, memory_bandwidth: 1597GB/s, "
                 "peak_tflops: 503.8}" % os.path.join(data, "profiles/RTXPRO6000", bundle, "bf16"),
                 cluster, "scheduler: {plugin: fcfs, max_num_seqs: 128, max_num_batched_tokens: 2048}",
                 "kv_cache: {prefix_caching: true%s}" % blocks, "engine: vllm-0.19",
                 "workload: {plugin: tokens, path: %s}" % tokens]
        runs.append(Run(name, experiment(work, name, lines), measured, ["--own-traffic"], model, "rtxpro6000"))
    return runs


SETS = {"stages": stage_runs, "requests": request_runs, "rtxpro": rtxpro_runs}


def error(run, figure, point="mean"):
    return run.result[-1][figure][point]["error"]


def mean_absolute(runs, figure):
    return sum(abs(error(run, figure)) for run in runs) / len(runs)


def percent(value):
    return "" if value is None else "%+.1f" % (100 * value)


def table_of_means(runs, out):
    out.append("| run | TTFT ms | error % | TPOT ms | error % | latency ms | error % |")
    out.append("|---|---|---|---|---|---|---|")
    for run in runs:
        for part in run.result:
            name = run.name if part["stage"] is None else "%s, stage %d" % (run.name, part["stage"])
            cells = []
            for figure in FIGURES:
                cells += ["%.2f" % part[figure]["mean"]["real"], percent(part[figure]["mean"]["error"])]
            out.append("| %s | %s |" % (name, " | ".join(cells)))
    out.append("")
    out.append("Mean absolute errors: TTFT %.1f %%, TPOT %.1f %%, latency %.1f %%." % tuple(
        100 * mean_absolute(runs, figure) for figure in FIGURES))
    out.append("")


def table_of_requests(runs, out):
    for run in runs:
        for part in run.result:
            label = run.name if part["stage"] is None else "%s, stage %d" % (run.name, part["stage"])
            out.append("**%s**, %d requests" % (label, part["requests"]))
            out.append("")
            out.append("| figure | mean | P50 | P90 | P99 | each request, absolute |")
            out.append("|---|---|---|---|---|---|")
            for figure in FIGURES:
                cells = ["%.2f ms, %s %%" % (part[figure][p]["real"], percent(part[figure][p]["error"]))
                         for p in ("mean", "p50", "p90", "p99")]
                out.append("| %s | %s | %.1f %% |" % (figure.replace("_ms", "").upper(), " | ".join(cells),
                                                      100 * part[figure]["request_error"]))
            out.append("")
            out.append("Makespan %s %%, output tokens/s %s %%, tokens/s over time %.1f %% (mean absolute, windows of "
                       "1 s)." % (percent(part["makespan_s"]["error"]), percent(part["output_tokens_per_s"]["error"]),
                                  100 * part["throughput_over_time_error"]))
            out.append("")


# What the run of two data-parallel ranks is held to until it meets the limits of the other: what it misses today, and a
# little more.
HELD = {("rtxpro6000_qwen3_30b_a3b_dp2ep2", figure): limit for figure, limit in (
    ("mean ttft_ms", 0.08), ("mean tpot_ms", 0.02), ("mean latency_ms", 0.023), ("TTFT of each request", 0.16),
    ("makespan", 0.053))}


def limits(results):
    """What is wanted, and what must hold: the name of the figure, its value, the limit, what it is held to."""
    checks = []
    for figure, limit in (("ttft_ms", 0.15), ("tpot_ms", 0.04), ("latency_ms", 0.05)):
        if "stages" in results:
            checks.append(("29 stages, %s, mean absolute" % figure, mean_absolute(results["stages"], figure), limit,
                           limit))
    for run in results.get("rtxpro", []):
        part = run.result[-1]
        figures = []
        for figure, limit in (("ttft_ms", 0.03), ("tpot_ms", 0.01), ("latency_ms", 0.01)):
            figures.append(("mean " + figure, error(run, figure), limit))
            figures.append(("P99 " + figure, error(run, figure, "p99"), 0.03))
        figures.append(("TTFT of each request", part["ttft_ms"]["request_error"], 0.06))
        figures.append(("makespan", part["makespan_s"]["error"], 0.01))
        for figure, value, limit in figures:
            checks.append(("%s, %s" % (run.name, figure), abs(value), limit, HELD.get((run.name, figure), limit)))
    return checks


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--servsim", default="./servsim")
    parser.add_argument("--data", default=os.environ.get("SERVSIM_MEASURED_DATA"))
    parser.add_argument("--work", required=True, help="folder for experiments")
    parser.add_argument("--only", choices=sorted(SETS), action="append")
    parser.add_argument("--set", action="append", default=[], help="passed on to servsim validate")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--preamble", help="text in front of the tables")
    args = parser.parse_args()
    if not args.data:
        sys.exit("SERVSIM_MEASURED_DATA names no folder with measured data")
    args.work = os.path.abspath(args.work)  # an experiment takes paths from where it lies
    os.makedirs(args.work, exist_ok=True)
    results = {name: SETS[name](args.data, args.work) for name in args.only or SETS}
    if args.pairs:
        print(" ".join("%s %s" % (run.yaml, run.measured) for runs in results.values() for run in runs))
        return 0
    for runs in results.values():
        for run in runs:
            run.validate(args.servsim, args.set)
    checks = limits(results)
    if args.check:
        failed = 0
        for what, value, limit, held in checks:
            failed += value > held
            print("%s: %.2f %%, limit %.1f %%%s%s" % (
                what, 100 * value, 100 * limit, "" if value <= limit else ", missed",
                "" if value <= held else ", WORSE than the %.1f %% that it is held to" % (100 * held)))
        return 1 if failed else 0
    out = []
    if args.preamble:
        with open(args.preamble, encoding="utf-8") as text:
            out.append(text.read())
    titles = {"stages": "## vLLM 0.15.1 on H100 and A100: 29 stages", "rtxpro": "## vLLM 0.19.0 on the RTX PRO 6000",
              "requests": "## vLLM 0.15.1 on H100: request by request"}
    for name, runs in results.items():
        out += [titles[name], "", " ".join(SETS[name].__doc__.split()), ""]
        (table_of_requests if name == "rtxpro" else table_of_means)(runs, out)
    out += ["## Limits", "", "| figure | % | limit % | |", "|---|---|---|---|"]
    out += ["| %s | %.2f | %.1f | %s |" % (what, 100 * value, 100 * limit, "" if value <= limit else "missed")
            for what, value, limit, _ in checks]
    print("\n".join(out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
