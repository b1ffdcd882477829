# SPDX-License-Identifier: BSD-3-Clause
# Medians of the measured rounds in the CSV file `csv`, and their ratios, as
# lines of fields separated by "|". Reads "row|title" lines: what to print.
function median(values,    n, list, i, j, keep) {
	n = split(values, list, " ")
	for (i = 2; i <= n; i++) {
		keep = list[i] + 0
		for (j = i - 1; j >= 1 && list[j] + 0 > keep; j--)
			list[j + 1] = list[j]
		list[j + 1] = keep
	}
	low = list[1]; high = list[n]
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}
function get(row, name) { return median(all[row, name]) }
function ratio(x, y) { return y > 0 ? sprintf(x / y < 10 ? "%.2f" : "%.1f", x / y) : "-" }
BEGIN {
	FS = ","
	while ((getline <csv) > 0) {
		if (!header++) {
			for (i = 1; i <= NF; i++) name[i] = $i
			continue
		}
		if ($1 == 0) continue
		for (i = 6; i <= NF; i++) all[$2, name[i]] = all[$2, name[i]] " " $i
	}
	FS = "|"
	print "|kpps|min–max|lost|in kernel|CPU s/Mpkt|RTT µs|sd µs|p50 µs|p99 µs|jitter µs|kpps ÷ off|kpps ÷ base|RTT ÷ off|RTT ÷ base"
}
{
	row = $1
	kpps = get(row, "peer_pps") / 1000
	range = sprintf("%.0f–%.0f", low / 1000, high / 1000)
	off = get("off-1", "peer_pps") / 1000; base = get("baseline", "peer_pps") / 1000
	rtt = get(row, "rtt_avg")
	printf "%s|%.0f|%s|%.1f%%|%s|%s", $2, kpps, range, 100 * get(row, "lost"),
		row == "on" ? sprintf("%.2f%%", 100 * get(row, "kernel_share")) : "-",
		row == "baseline" ? "-" : sprintf("%.4f", get(row, "relay_cpu"))
	printf "|%.1f|%.1f|%.1f|%.1f|%.1f", rtt, get(row, "rtt_sd"), get(row, "rtt_p50"),
		get(row, "rtt_p99"), get(row, "jitter")
	printf "|%s|%s|%s|%s\n", ratio(kpps, off), ratio(kpps, base),
		ratio(rtt, get("off-1", "rtt_avg")), ratio(rtt, get("baseline", "rtt_avg"))
}
