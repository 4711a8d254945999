package querytest

import (
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
	"testing"
)

// PeakMemory is by how many bytes this process was larger at most, while do ran, than before. What waits to be
// collected counts little, as the collector runs often meanwhile. The test must be alone ([enginetest.Alone]).
func PeakMemory(tb testing.TB, do func()) int64 {
	tb.Helper()
	const often = 25
	defer debug.SetGCPercent(debug.SetGCPercent(often))
	debug.FreeOSMemory()
	// 5 makes the peak what is resident now: man 5 proc.
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		tb.Fatalf("forget the peak of memory: %v", err)
	}
	before := memoryLine(tb, "VmRSS:")
	do()
	return memoryLine(tb, "VmHWM:") - before
}

// memoryLine is a size that the kernel says of this process.
func memoryLine(tb testing.TB, name string) int64 {
	tb.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := bytes.Cut(status, []byte(name))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		tb.Fatalf("/proc/self/status has no %s", name)
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return kib << 10
}
