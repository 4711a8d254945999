package schema

import "math"

// Latencies are kept in histograms with cells that grow by latencyGrowth, so that a quantile is at most 1 % off
// wherever it lies in its cell; docs/definitions.md section 3 allows 2 %. Cell 0 holds 0 ms; cell i > 0 holds (g^(i-2),
// g^(i-1)] ms. The same formula stands in aggregate's SQL.
const (
	latencyGrowth    = 1.02
	logLatencyGrowth = 0.01980262729617973
)

// LatencyCell returns the cell of a latency in milliseconds; what is below 0 counts as 0.
func LatencyCell(ms int64) uint16 {
	if ms <= 0 {
		return 0
	}
	return uint16(1 + math.Ceil(math.Log(float64(ms))/logLatencyGrowth))
}

// LatencyCellTop returns the greatest latency of the cell, in whole milliseconds. Some of the first cells hold none,
// and have that of the cell before.
func LatencyCellTop(cell uint16) int64 {
	if cell == 0 {
		return 0
	}
	return int64(math.Pow(latencyGrowth, float64(cell)-1))
}

// LatencyCellMS returns a latency that stands for all in the cell, in milliseconds, at most 1 % from any of them.
func LatencyCellMS(cell uint16) float64 {
	if cell == 0 {
		return 0
	}
	if cell == 1 {
		return 1
	}
	hi := math.Pow(latencyGrowth, float64(cell)-1)
	lo := hi / latencyGrowth
	return 2 * lo * hi / (lo + hi)
}
