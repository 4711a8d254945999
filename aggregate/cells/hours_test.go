package cells_test

import (
	"fmt"
	"slices"
	"testing"

	"kaskad/aggregate/cells"
	"kaskad/schema"
	"kaskad/schema/state"
)

// Messages of an hour share cells when they come one after the other, few or many; of hours that come by turns each has
// cells anew, unless these are looked for. What is counted is the same.
func TestSum_Hours(t *testing.T) {
	const hours, each, campaigns = 3, 90, 30
	var texts state.Texts
	message := func(hour, i int) *state.Message {
		at := int64(hour+1) * schema.HourMS
		m := &state.Message{}
		m.Reset()
		m.Key = state.Key{Account: "acme", BucketMS: at, MessageID: fmt.Sprint(hour, "-", i)}
		m.Add(&schema.Event{Step: 1, Status: schema.Sent, Channel: "sms", Recipient: []byte("+79001234567"),
			Campaign: fmt.Appendf(nil, "c%d", i%campaigns), SubmittedMS: at, OccurredMS: at, Billable: -1}, &texts)
		return m
	}
	sum := func(scattered, byTurns bool) (rows int, sent int64) {
		s := cells.Sum{Scattered: scattered}
		for n := range hours * each {
			hour, i := n/each, n%each
			if byTurns {
				hour, i = n%hours, n/hours
			}
			s.Replace(nil, message(hour, i), nil, nil)
		}
		blocks := s.Blocks(1)
		all := columnOf[int64](t, blocks, "rollup_attempts", "sent")
		for _, n := range all {
			sent += n
		}
		if n := len(columnOf[int64](t, blocks, "rollup_cascades", "messages")); n != len(all) {
			t.Errorf("%d cells of messages, want one for each of the %d of attempts", n, len(all))
		}
		return len(all), sent
	}
	for _, c := range []struct {
		scattered, byTurns bool
		rows               int
	}{{false, false, hours * campaigns}, {true, false, hours * campaigns}, {true, true, hours * campaigns},
		{false, true, hours * each}} {
		if rows, sent := sum(c.scattered, c.byTurns); rows != c.rows || sent != hours*each {
			t.Errorf("%+v: %d cells of %d messages, want %d of %d", c, rows, sent, c.rows, hours*each)
		}
	}
}

// A sum that is used again has nothing of before, whatever it kept.
func TestSum_Hours_Reset(t *testing.T) {
	m := messageOf(t, `"status":"sent","campaign":"a","occurred_at":"2026-11-20T10:01:00Z",`+submittedAt)
	var s cells.Sum
	for range 3 {
		s.Replace(nil, m, nil, nil)
		if sent := columnOf[int64](t, s.Blocks(1), "rollup_attempts", "sent"); !slices.Equal(sent, []int64{1}) {
			t.Fatalf("sent %v, want 1", sent)
		}
		s.Reset()
	}
}
