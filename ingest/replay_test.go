package ingest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"kaskad/schema"
)

// senderFunc is a Sender.
type senderFunc func(ctx context.Context, keys, values [][]byte) error

func (f senderFunc) Produce(ctx context.Context, keys, values [][]byte) error {
	return f(ctx, keys, values)
}

// bury stores dead letters at offsets from 0 on of a topic that nobody reads.
func (r *rig) bury(raw ...string) {
	r.t.Helper()
	letters := make([]schema.Rejection, len(raw))
	for i := range letters {
		letters[i] = schema.Rejection{Place: schema.Place{Topic: "old", Partition: int32(i % 2), Offset: int64(i), Line: 1},
			Err: schema.FieldError{Reason: schema.ReasonUnknownValue, Field: "status", Rule: "is unknown"},
			Raw: []byte(raw[i]), AtMS: testNow.UnixMilli()}
	}
	if err := schema.InsertRejected(r.t.Context(), r.conn, letters); err != nil {
		r.t.Fatal(err)
	}
}

// By pages, each from where the one before has ended, every letter is looked at once: the good ones are sent, the bad
// ones stay, and what is chosen by places is no more than that.
func TestReplay_Pages(t *testing.T) {
	r := newRig(t)
	var raw []string
	for i := range 50 {
		if i%3 == 0 {
			raw = append(raw, badEvent)
			continue
		}
		raw = append(raw, deliveredEvent(fmt.Sprint("m", i)))
	}
	r.bury(raw...)
	var sent []string
	to := senderFunc(func(_ context.Context, _, values [][]byte) error {
		for _, v := range values {
			sent = append(sent, string(v))
		}
		return nil
	})
	now := func() time.Time { return testNow }
	count := func(filter schema.LetterFilter, wantWaiting, wantReplayed uint64) {
		t.Helper()
		waiting, replayed, err := CountLetters(t.Context(), r.conn, filter)
		if err != nil || waiting != wantWaiting || replayed != wantReplayed {
			t.Errorf("%d wait, %d are replayed, want %d and %d: %v", waiting, replayed, wantWaiting, wantReplayed, err)
		}
	}
	places := []schema.Place{{Topic: "old", Partition: 1, Offset: 1, Line: 1}, {Topic: "old", Offset: 0, Line: 1},
		{Topic: "old", Partition: 1, Offset: 4, Line: 1}}
	count(schema.LetterFilter{}, 50, 0)
	count(schema.LetterFilter{Places: places}, 2, 0)
	count(schema.LetterFilter{Field: "channel"}, 0, 0)
	got, err := Replay(t.Context(), r.conn, to, schema.LetterFilter{Places: places}, now)
	if err != nil || got.Sent != 1 || got.StillRefused != 1 || fmt.Sprint(sent) != fmt.Sprint([]string{raw[1]}) {
		t.Errorf("by places %+v, %q, %v", got, sent, err)
	}
	count(schema.LetterFilter{Places: places}, 1, 1)
	total, filter := schema.Replayed{}, schema.LetterFilter{Limit: 7}
	for pages := 1; ; pages++ {
		did, err := Replay(t.Context(), r.conn, to, filter, now)
		if err != nil {
			t.Fatal(err)
		}
		total.Sent, total.StillRefused = total.Sent+did.Sent, total.StillRefused+did.StillRefused
		if want := did.Sent+did.StillRefused == 7; did.More && !want {
			t.Errorf("a page of %+v", did)
		}
		if filter.After = did.Last; !did.More {
			if pages != 7 {
				t.Errorf("%d pages, want 7", pages)
			}
			break
		}
	}
	if total.Sent != 32 || total.StillRefused != 17 || len(sent) != 33 {
		t.Errorf("by pages %+v, %d are sent", total, len(sent))
	}
	seen := map[string]bool{}
	for _, v := range sent {
		if seen[v] || v == badEvent {
			t.Errorf("sent twice, or bad: %s", v)
		}
		seen[v] = true
	}
	count(schema.LetterFilter{Reason: schema.ReasonUnknownValue}, 17, 33)
}

// A page ends after some bytes too, and one letter always goes.
func TestReplay_PageBytes(t *testing.T) {
	r := newRig(t)
	long := strings.Replace(deliveredEvent("long"), "{", `{"x":"`+strings.Repeat("x", replayBytes/2)+`",`, 1)
	r.bury(long, long, long, long, long)
	to := senderFunc(func(context.Context, [][]byte, [][]byte) error { return nil })
	filter := schema.LetterFilter{Limit: 100}
	for _, want := range []uint64{2, 2, 1} {
		did, err := Replay(t.Context(), r.conn, to, filter, func() time.Time { return testNow })
		if err != nil || did.Sent != want || did.More != (want == 2) {
			t.Errorf("%+v, want %d: %v", did, want, err)
		}
		filter.After = did.Last
	}
}

// Killed between sending and marking, a batch is sent once more, and so do two that run at once; the facts are the
// same.
func TestReplay_KilledBeforeTheMark(t *testing.T) {
	r := newRig(t)
	var raw []string
	for i := range 20 {
		raw = append(raw, deliveredEvent(fmt.Sprint("m", i)))
	}
	r.bury(raw...)
	p, err := NewProducer(ProducerConfig{Brokers: r.brokers, Topic: r.topic})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	now := func() time.Time { return testNow }
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	killing := senderFunc(func(ctx context.Context, keys, values [][]byte) error {
		err := p.Produce(ctx, keys, values)
		kill()
		return err
	})
	if got, err := Replay(ctx, r.conn, killing, schema.LetterFilter{Limit: 100}, now); err == nil || got.Sent != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	r.expectCount(0, "SELECT count() FROM replayed")
	other := schema.Replayed{}
	// One that runs while another has sent and not marked yet.
	overtaken := senderFunc(func(ctx context.Context, keys, values [][]byte) error {
		if other, err = Replay(ctx, r.conn, p, schema.LetterFilter{}, now); err != nil {
			return err
		}
		return p.Produce(ctx, keys, values)
	})
	got, err := Replay(t.Context(), r.conn, overtaken, schema.LetterFilter{Limit: 100}, now)
	if err != nil || got.Sent != 20 || other.Sent != 20 {
		t.Fatalf("%+v %+v, %v", got, other, err)
	}
	if got, err := Replay(t.Context(), r.conn, p, schema.LetterFilter{}, now); err != nil || got.Sent != 0 {
		t.Errorf("again: %+v, %v", got, err)
	}
	r.start(nil)
	r.drained()
	r.expectCount(20, "SELECT count() FROM attempts FINAL")
	r.expectCount(20, "SELECT count() FROM replayed FINAL")
	r.expectLedger(Balance{Consumed: 60, Stored: 60})
}
