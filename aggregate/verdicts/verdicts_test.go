package verdicts

import (
	"errors"
	"testing"
	"time"

	"kaskad/aggregate/health"
	"kaskad/schema/errormap"
	"kaskad/schema/rules"
)

// While what waits is old, rounds of verdicts are few and large.
func TestDecider_Rest(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	var asOf int64
	n := New(Config{Now: func() time.Time { return noon }}, Deps{Passes: Passes{AsOf: func() int64 { return asOf }}})
	for _, c := range []struct{ asOf, took, want time.Duration }{
		{0, 2 * time.Second, 14 * time.Second},
		{yieldAfter, 2 * time.Second, 14 * time.Second},
		{yieldAfter, time.Minute, longestWait},
		{yieldAfter + time.Millisecond, 2 * time.Second, 40 * time.Second},
		{time.Hour, time.Minute, longestWait},
		{time.Hour, 0, 0},
	} {
		asOf = noon.Add(-c.asOf).UnixMilli()
		if n.took = c.took; n.rest() != c.want {
			t.Errorf("after a round of %v, %v behind: a rest of %v, want %v", c.took, c.asOf, n.rest(), c.want)
		}
	}
}

// Evidence that is cut short is no evidence.
func TestUnpack_CutShort(t *testing.T) {
	c := health.NewCollector(&errormap.Maps{}, 0)
	c.Reset("a", "+79160000000", rules.Default)
	const whole = "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00sms"
	if err := unpack(c, whole); err != nil {
		t.Errorf("whole: %v", err)
	}
	for n := 1; n < len(whole); n++ {
		if err := unpack(c, whole[:n]); !errors.Is(err, errPacked) {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
}

// While editions follow each other rounds rest, but not when somebody waits for a verdict.
func TestDecider_Turn_Urged(t *testing.T) {
	for _, urged := range []bool{false, true} {
		n := New(Config{Now: time.Now}, Deps{Passes: Passes{AsOf: func() int64 { return time.Now().UnixMilli() },
			Ready: func() uint64 { return 0 }, Waiting: func() bool { return true },
			Streaming: func() bool { return true }, Urged: func() bool { return urged }}})
		ended := time.Now()
		n.taken, n.took, n.ended, n.tidy = true, time.Minute, ended, ended
		if err := n.Turn(t.Context(), true); err != nil || n.ended.After(ended) != urged {
			t.Errorf("urged %t: a round %t, %v", urged, n.ended.After(ended), err)
		}
	}
}
