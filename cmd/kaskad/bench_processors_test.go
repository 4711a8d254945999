package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// processors is what the processes of a benchmark have used of the processors, in microseconds: this one, which is the
// client and the broker, and ClickHouse. On a machine that others use too it tells more than the time that passed.
// Other systems than Linux report 0.
type processors struct{ client, server float64 }

func readProcessors(t *benchTopic) processors {
	return processors{processorTime(os.Getpid()), processorTime(t.server.PID())}
}

// since returns what each event cost from before until p.
func (p processors) since(before processors, events int64) processors {
	n := float64(max(events, 1))
	return processors{(p.client - before.client) / n, (p.server - before.server) / n}
}

func (p processors) total() float64 { return p.client + p.server }

func (p processors) String() string {
	return fmt.Sprintf("%.2f (client and broker %.2f, server %.2f)", p.total(), p.client, p.server)
}

// processorTime is what a process has used, all of its threads, in microseconds.
func processorTime(pid int) float64 {
	fields := statFields(pid)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	// The kernel counts in hundredths of a second here, whatever its own clock.
	return float64((time.Duration(user+system) * 10 * time.Millisecond).Microseconds())
}

// statFields are the fields of /proc/PID/stat behind the name, which may hold blanks: state, parent and so on.
func statFields(pid int) []string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	return strings.Fields(rest)
}
