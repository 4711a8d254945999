package bench

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// sizes are what a row is measured with: small by default, those of the goals with SCALE=full, and any other by
// BENCH_… variables.
type sizes struct {
	b     testing.TB
	named []string
}

func (s *sizes) get(name string, small, full int) int {
	s.b.Helper()
	name = "BENCH_" + name
	n := small
	if os.Getenv("SCALE") == "full" {
		n = full
	}
	if text := os.Getenv(name); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 {
			s.b.Fatalf("%s=%s is no positive number", name, text)
		}
	}
	s.named = append(s.named, fmt.Sprintf("%s=%d", name, n))
	return n
}

// row is a row of the page that is being measured.
type row struct {
	Row
	b testing.TB
}

// figure prints a figure and keeps it for the page.
func (r *row) figure(name, goal, format string, args ...any) {
	value := fmt.Sprintf(format, args...)
	fmt.Printf("%s: %s", name, value)
	if goal != "" {
		fmt.Printf(" (goal: %s)", goal)
	}
	fmt.Println()
	r.Figures = append(r.Figures, Figure{Name: name, Value: value, Goal: goal})
}

func (r *row) publish() {
	r.b.Helper()
	if err := r.Publish(time.Now()); err != nil {
		r.b.Fatal(err)
	}
}

// times are measured durations.
type times []time.Duration

// at is the quantile q of the times, 0 of none.
func (t times) at(q float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (t times) mean() time.Duration {
	var sum time.Duration
	for _, d := range t {
		sum += d
	}
	return sum / time.Duration(max(len(t), 1))
}

// String is the median and the 99th percentile.
func (t times) String() string {
	return fmt.Sprintf("p50 %s, p99 %s", short(t.at(0.5)), short(t.at(0.99)))
}

// short is a duration with three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f ms", float64(d.Microseconds())/1e3)
}
