package bench

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage is the processor time and the greatest memory of processes, by what they are.
type usage map[string]struct {
	cpu  time.Duration
	peak int64 // bytes resident at the most
}

// userHertz is the unit of times in /proc, which Linux fixes at 100 for programs.
const userHertz = 100

// measure reads what a program and its children have used so far: the Go program, its ClickHouse, its broker.
func measure(name string, pid int) usage {
	u := usage{}
	u.add(name, pid)
	return u
}

func (u usage) add(name string, pid int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return // it has ended, or there is no /proc
	}
	// The name of the program stands in parentheses and may hold anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const userTime, systemTime = 11, 12
	entry := u[name]
	for _, i := range []int{userTime, systemTime} {
		ticks, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err == nil {
			entry.cpu += time.Duration(ticks) * time.Second / userHertz
		}
	}
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
		var kib int64
		if _, err := fmt.Sscan(lineAfter(text, "VmHWM"), &kib); err == nil {
			entry.peak = max(entry.peak, kib<<10)
		}
	}
	u[name] = entry
	for _, child := range children(pid) {
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
		kind := "broker"
		if bytes.HasPrefix(command, []byte("clickhouse")) {
			kind = "ClickHouse"
		}
		u.add(kind, child)
	}
}

// children are the processes that a process has started and that still run.
func children(pid int) (all []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// forgetPeaks makes the peaks of memory what is resident now (5: man 5 proc), of a process and its children.
func forgetPeaks(pid int) error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		return fmt.Errorf("forget peaks of memory: %w", err)
	}
	for _, child := range children(pid) {
		if err := forgetPeaks(child); err != nil {
			return err
		}
	}
	return nil
}

// since is what was used after an earlier measurement; the peak of memory is that of the whole life.
func (u usage) since(before usage) usage {
	diff := maps.Clone(u)
	for name, entry := range diff {
		entry.cpu -= before[name].cpu
		diff[name] = entry
	}
	return diff
}

func (u usage) total() (cpu time.Duration) {
	for _, entry := range u {
		cpu += entry.cpu
	}
	return cpu
}

// perEvent says how many microseconds of processor each event cost, by process.
func (u usage) perEvent(events int64) string {
	parts := []string{fmt.Sprintf("%.1f µs", u.micros(events))}
	for _, name := range slices.Sorted(maps.Keys(u)) {
		parts = append(parts, fmt.Sprintf("%s %.1f", name, float64(u[name].cpu.Nanoseconds())/1e3/float64(events)))
	}
	return parts[0] + " (" + strings.Join(parts[1:], ", ") + ")"
}

func (u usage) micros(events int64) float64 {
	return float64(u.total().Nanoseconds()) / 1e3 / float64(events)
}

// memory says the peaks, by process.
func (u usage) memory() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(u)) {
		parts = append(parts, fmt.Sprintf("%s %d MB", name, u[name].peak>>20))
	}
	return strings.Join(parts, ", ")
}
