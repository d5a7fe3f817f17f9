"""Cross-validation of an engine's own time: fitted without one group of runs, and tested on it.

The errors are taken to be linear in the engine's figures around those that ship (their slopes come from a run with each
figure raised), so that a fit is a least-squares problem. Figures stay at or above 0. A pull towards 0, as strong as the
noise of one run against a figure's own size, decides what few runs leave open.
"""

# Figure, the value that ships, by how much it is raised, the size that is plausible for it, how it is written.
FIGURES = (("step", 430.0, 100.0, 1000.0, "%gus"), ("sampling", 520.0, 100.0, 500.0, "%.0f"),
           ("arrival", 6750.0, 500.0, 7000.0, "%gus"))
FITTED = ("ttft_ms", "tpot_ms")
SHOWN = ("ttft_ms", "tpot_ms", "latency_ms")
NOISE = 0.02  # from run to run


def engine(values):
    pairs = ", ".join("%s: %s" % (name, text % value) for (name, _, _, _, text), value in zip(FIGURES, values))
    return "engine={name: vllm-0.15, %s}" % pairs


def errors(runs, servsim, values):
    """Errors of each run, over SHOWN."""
    out = []
    for run in runs:
        part = run.validate(servsim, [engine(values)])[-1]
        out.append([part[figure]["mean"]["error"] for figure in SHOWN])
    return out


def solve(matrix, right):
    """Gauss with pivots; the matrix is symmetric and positive."""
    n = len(right)
    rows = [list(matrix[i]) + [right[i]] for i in range(n)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(n):
            if k != i:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i])]
    return [rows[i][n] / rows[i][i] for i in range(n)]


def fit(base, slopes, chosen):
    """Steps from the figures that ship to those that fit the chosen runs best."""
    start = [value for _, value, _, _, _ in FIGURES]
    free = list(range(len(FIGURES)))
    steps = [0.0] * len(FIGURES)
    while free:
        matrix = [[0.0] * len(free) for _ in free]
        right = [0.0] * len(free)
        fixed = [i for i in range(len(FIGURES)) if i not in free]
        for run in chosen:
            for f in range(len(FITTED)):
                rest = base[run][f] + sum(slopes[i][run][f] * steps[i] for i in fixed)
                for a, i in enumerate(free):
                    right[a] -= slopes[i][run][f] * rest
                    for b, j in enumerate(free):
                        matrix[a][b] += slopes[i][run][f] * slopes[j][run][f]
        for a, i in enumerate(free):  # (start + step) / size is pulled to 0
            pull = (NOISE / FIGURES[i][3]) ** 2
            matrix[a][a] += pull
            right[a] -= pull * start[i]
        found = solve(matrix, right)
        below = [i for a, i in enumerate(free) if start[i] + found[a] < -1e-9]
        if not below:
            for a, i in enumerate(free):
                steps[i] = found[a]
            return steps
        for i in below:
            steps[i] = -start[i]
            free.remove(i)
    return steps


def mean_errors(base, slopes, steps, tested):
    return [sum(abs(base[run][f] + sum(slopes[i][run][f] * steps[i] for i in range(len(steps)))) for run in tested) /
            len(tested) for f in range(len(SHOWN))]


def by_twos(base, slopes, pairs, runs):
    """What two stages of one run weigh: left out of all, and alone to fit all others. Means over the pairs."""
    left, alone = [], []
    for pair in pairs:
        rest = [run for run in runs if run not in pair]
        everyone = [run for run in range(len(base)) if run not in pair]
        left.append(mean_errors(base, slopes, fit(base, slopes, everyone), pair))
        alone.append(mean_errors(base, slopes, fit(base, slopes, pair), rest))
    return [[sum(one[f] for one in errors_) / len(errors_) for f in range(len(SHOWN))] for errors_ in (left, alone)]


def pairs_of(runs, device):
    """Stages of one run each, where it has two on this GPU."""
    found = {}
    for i, run in enumerate(runs):
        if run.device == device:
            found.setdefault(run.name.rsplit("-", 1)[0], []).append(i)
    return [stages for stages in found.values() if len(stages) == 2]


def table(runs, servsim, names):
    """Lines of Markdown. `names` gives each run its model and its GPU."""
    start = [value for _, value, _, _, _ in FIGURES]
    base = errors(runs, servsim, start)
    slopes = []
    for i, (_, value, raised, _, _) in enumerate(FIGURES):
        moved = errors(runs, servsim, start[:i] + [value + raised] + start[i + 1:])
        slopes.append([[(b - a) / raised for a, b in zip(one, other)] for one, other in zip(base, moved)])
    everyone = list(range(len(runs)))
    whole = mean_errors(base, slopes, fit(base, slopes, everyone), everyone)

    def cells(values):
        return " | ".join("%.1f" % (100 * value) for value in values)

    out = ["| left out | stages | TTFT % | TPOT % | latency % | times the fit |", "|---|---|---|---|---|---|",
           "| nothing: the fit itself | %d | %s | |" % (len(runs), cells(whole))]
    for what, of in names:
        sums, count = [0.0] * len(SHOWN), 0
        for group in sorted(set(of)):
            tested = [run for run in everyone if of[run] == group]
            kept = [run for run in everyone if of[run] != group]
            found = mean_errors(base, slopes, fit(base, slopes, kept), tested)
            sums = [a + b * len(tested) for a, b in zip(sums, found)]
            count += len(tested)
            out.append("| %s | %d | %s | |" % (group, len(tested), cells(found)))
        means = [a / count for a in sums]
        out.append("| each %s in turn | %d | %s | %s |" % (what, count, cells(means), ", ".join(
            "%.2f" % (a / b) for a, b in zip(means, whole))))
    for device in sorted({run.device for run in runs}):
        pairs, same = pairs_of(runs, device), [i for i in everyone if runs[i].device == device]
        if len(pairs) > 1:
            left, alone = by_twos(base, slopes, pairs, same)
            out.append("| two stages of one run on the %s, each in turn | %d | %s | |" % (
                device, 2 * len(pairs), cells(left)))
            out.append("| all but two of one run on the %s, each in turn | %d | %s | |" % (
                device, len(same) - 2, cells(alone)))
    return out
