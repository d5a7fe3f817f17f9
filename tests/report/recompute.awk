# recompute.awk - the figures of one cell from its requests.csv alone, written without looking at how servsim does it.
#
#   awk -v ttft_limit_ms=1000 -v tpot_limit_ms=50 -f recompute.awk requests.csv
#
# Prints "NAME VALUE" lines. Any awk will do.

function sort(list, n,    gap, i, j, held) {
    for (gap = int(n / 2); gap > 0; gap = int(gap / 2))
        for (i = gap + 1; i <= n; i++) {
            held = list[i]
            for (j = i; j > gap && list[j - gap] > held; j -= gap)
                list[j] = list[j - gap]
            list[j] = held
        }
}

function figures(name, list, n,    i, sum, rank) {
    if (n == 0)
        return
    for (i = 1; i <= n; i++)
        sum += list[i]
    sort(list, n)
    rank = int(n * 99 / 100)
    if (rank * 100 < n * 99)
        rank++
    printf "%s_mean %.9g\n%s_p99 %.9g\n", name, sum / n, name, list[rank]
}

BEGIN { FS = "," }

NR == 1 {
    for (i = 1; i <= NF; i++)
        at[$i] = i
    next
}

{
    total++
    arrival = $at["arrival_s"] + 0
    if (total == 1 || arrival < first)
        first = arrival
    if ($at["status"] != "finished")
        next
    finished++
    output += $at["output_tokens"]
    end = arrival + $at["latency_ms"] / 1000
    if (end > last)
        last = end
    latency[finished] = $at["latency_ms"] + 0
    ttft[finished] = $at["ttft_ms"] + 0
    met_here = $at["ttft_ms"] + 0 <= ttft_limit_ms
    if ($at["tpot_ms"] != "") {
        tpot[++paced] = $at["tpot_ms"] + 0
        met_here = met_here && $at["tpot_ms"] + 0 <= tpot_limit_ms
    }
    met += met_here
}

END {
    time = last - first
    printf "total %d\nfinished %d\nsimulated_s %.9g\n", total, finished, time
    printf "output_tokens_per_s %.9g\nrequests_per_s %.9g\n", output / time, finished / time
    printf "slo_percent %.9g\ngoodput %.9g\n", 100 * met / total, met / time
    figures("latency", latency, finished)
    figures("ttft", ttft, finished)
    figures("tpot", tpot, paced)
}
