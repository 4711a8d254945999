package verdicts

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/aggregate/health"
	"kaskad/schema/errormap"
	"kaskad/schema/rules"
)

// While what waits is old, verdicts take less of the time; a round rests for two minutes in all, evenly, unless its
// slices take longer.
func TestDecider_Rest(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	var asOf int64
	n := New(Config{Now: func() time.Time { return noon }}, Deps{Passes: Passes{AsOf: func() int64 { return asOf }}})
	in := func(slices int, rested time.Duration) *round {
		return &round{bounds: make([]numberKey, slices), rested: rested}
	}
	for _, c := range []struct {
		asOf, took time.Duration
		round      *round
		want       time.Duration
	}{
		{0, 2 * time.Second, nil, 14 * time.Second},
		{yieldAfter, 2 * time.Second, in(0, 0), 14 * time.Second},
		{yieldAfter, time.Minute, nil, longestWait},
		{yieldAfter + time.Millisecond, 2 * time.Second, in(1, 0), 40 * time.Second},
		{time.Hour, time.Minute, nil, longestWait},
		{time.Hour, 0, in(1, 0), 0},
		{0, time.Second, in(12, 0), 7 * time.Second},
		{time.Hour, time.Second, in(12, 0), 10 * time.Second},
		{time.Hour, time.Second, in(2, 110*time.Second), 5 * time.Second},
		{time.Hour, time.Second, in(2, 119*time.Second), time.Second},
		{0, time.Second, in(1000, 3*time.Minute), time.Second},
	} {
		asOf = noon.Add(-c.asOf).UnixMilli()
		n.round = c.round
		if n.took = c.took; n.rest() != c.want {
			t.Errorf("%+v, %v behind, after a slice of %v: a rest of %v, want %v", c.round, c.asOf, c.took, n.rest(),
				c.want)
		}
	}
}

// Slices that take too long get smaller, and larger again.
func TestNextShare(t *testing.T) {
	for _, c := range []struct {
		share float64
		took  time.Duration
		want  float64
	}{
		{1, 0, 1},
		{1, 2 * targetSlice, 1},
		{1, 2*targetSlice + 1, 0.5},
		{smallestByTime, time.Minute, smallestByTime},
		{smallestShare, time.Minute, 2 * smallestShare},
		{0.25, targetSlice, 0.25},
		{0.25, targetSlice / 2, 0.25},
		{0.25, targetSlice/2 - 1, 0.5},
		{0.75, 0, 1},
	} {
		if share := nextShare(c.share, c.took); share != c.want {
			t.Errorf("after a slice of %v at %v: %v, want %v", c.took, c.share, share, c.want)
		}
	}
}

// A size that failed is not tried again soon, but again.
func TestRound_Note(t *testing.T) {
	r := &round{most: 1}
	r.note(0.25, false)
	for i := range 16 {
		if want := map[bool]float64{true: 0.25, false: 0.5}[i < 8]; r.most != want {
			t.Errorf("after %d slices that went well: %v, want %v", i, r.most, want)
		}
		r.note(0.125, true)
	}
	if r.most != 1 {
		t.Errorf("in the end %v, want all", r.most)
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

// While editions follow each other slices rest, but not when somebody waits for a verdict, of this round or the next.
func TestDecider_Turn_Urged(t *testing.T) {
	for name, c := range map[string]struct {
		urged, next bool // by Passes, and before
		round       *round
		want        bool
	}{
		"nobody waits":               {},
		"nobody waits, in a round":   {round: &round{}},
		"somebody waits":             {urged: true, want: true},
		"somebody waited before":     {next: true, want: true},
		"somebody waits, in a round": {urged: true, round: &round{}, want: true},
		"the round is waited for":    {round: &round{urged: true}, want: true},
	} {
		n := New(Config{Now: time.Now}, Deps{Passes: Passes{AsOf: func() int64 { return time.Now().UnixMilli() },
			Ready: func() uint64 { return 0 }, Waiting: func() bool { return true },
			Streaming: func() bool { return true }, Urged: func() bool { return c.urged }}})
		ended := time.Now()
		n.taken, n.took, n.ended, n.tidy, n.urged, n.round = true, time.Minute, ended, ended, c.next, c.round
		n.done = 1 // another round than the one at hand: it is left, and nothing is ready
		if err := n.Turn(t.Context(), true); err != nil || n.ended.After(ended) != c.want {
			t.Errorf("%s: decided %t, want %t: %v", name, n.ended.After(ended), c.want, err)
		}
	}
}

// Rounds wait for a backlog, for two minutes at most however the lag swings, and unless somebody asks; a stream that is
// a few seconds behind is none. It is over when what waited is decided, or fails.
func TestDecider_Turn_Backlog(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	asOf, ready, waiting, urged := int64(0), uint64(7), true, false
	n := New(Config{Now: func() time.Time { return now }, OnStep: func(string) {}}, Deps{Passes: Passes{
		AsOf: func() int64 { return asOf }, Ready: func() uint64 { return ready },
		Waiting: func() bool { return waiting }, Streaming: func() bool { return true },
		Urged: func() bool { return urged }, CheckOwner: func(context.Context) error { return nil }}})
	n.taken = true
	turn := func(when string, decides, deferred bool) {
		t.Helper()
		// A turn that decides has nothing to do here, as far as it is not refused: all that is ready is done.
		before := n.ended
		n.done, n.took, n.tidy = ready, 0, time.Now().Add(time.Hour)
		if err := n.Turn(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if n.ended.After(before) != decides || n.Deferred() != deferred {
			t.Errorf("%s: decides %v, deferred %v", when, n.ended.After(before), n.Deferred())
		}
	}
	turn("before the first edition", true, false)
	asOf = now.Add(-backlogAfter).UnixMilli()
	turn("a stream that is behind", true, false)
	asOf--
	turn("a backlog", false, true)
	if n.owed != ready {
		t.Errorf("owed up to %d, want %d", n.owed, ready)
	}
	began := n.backlogged
	asOf++
	if n.waitsForBacklog() || n.backlogged != began {
		t.Errorf("a lag that swings began to wait at %v, want %v", n.backlogged, began)
	}
	asOf--
	urged = true
	turn("somebody asks", true, false)
	urged = false
	turn("nobody asks any more", false, true)
	n.backlogged = time.Now().Add(-longestWait)
	turn("a long backlog", true, false)
	n.backlogged = time.Time{}
	turn("another backlog", false, true)
	waiting = false
	turn("worked off", true, false)
	n.deferred.Store(true)
	n.taken = false
	n.deps.Conn = refusing{}
	if err := n.Turn(t.Context(), true); !errors.Is(err, errRefused) || n.Deferred() {
		t.Errorf("a turn that fails: %v, deferred %v", err, n.Deferred())
	}
}

// refusing is ClickHouse that answers nothing.
type refusing struct{ driver.Conn }

var errRefused = errors.New("refused")

type refusedRow struct{ driver.Row }

func (refusedRow) Scan(...any) error { return errRefused }

func (refusing) QueryRow(context.Context, string, ...any) driver.Row { return refusedRow{} }
