package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"kaskad/schema"
	"kaskad/schema/erasure"
)

const erasedNumber = "+79001234567"

func (r *rig) erasureKey() *erasure.Key {
	r.t.Helper()
	key, err := erasure.OpenKey(filepath.Join(r.t.TempDir(), "erasure.key"))
	if err != nil {
		r.t.Fatal(err)
	}
	return key
}

// ask notes an erasure, and that it is done when done is true. Nothing is overwritten.
func (r *rig) ask(key *erasure.Key, done bool) erasure.Erasure {
	r.t.Helper()
	e, err := erasure.Request(context.Background(), r.conn, key, "acme", erasedNumber, "test", testNow)
	if err == nil && done {
		e, err = erasure.Finish(context.Background(), r.conn, e, testNow)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

// expectErased checks that no table holds the number of account acme.
func (r *rig) expectErased() {
	r.t.Helper()
	r.expectCount(0, "SELECT count() FROM attempts WHERE account = 'acme' AND (startsWith(recipient_country, '"+erasedNumber+"\\0') OR position(contact, '9001234567') > 0)")
	r.expectCount(0, "SELECT count() FROM recipient_events WHERE account = 'acme' AND (position(recipient, "+
		"'9001234567') > 0 OR position(contact, '9001234567') > 0)")
	r.expectCount(0, "SELECT count() FROM orphans WHERE position(recipient_country, '9001234567') > 0 OR "+
		"position(contact, '9001234567') > 0 OR position(raw, '9001234567') > 0")
	r.expectCount(0, "SELECT count() FROM rejected WHERE position(raw, 'acme') > 0 AND (position(raw, '9001234567') "+
		"> 0 OR position(error, '9001234567') > 0)")
	r.expectCount(0, "SELECT count() FROM changes WHERE account = 'acme' AND match(state, '9001234567[^8]')")
	r.expectCount(0, "SELECT count() FROM number_queue WHERE account = 'acme' AND position(number, '9001234567') > 0")
}

// What arrives after a number was erased is stored under its pseudonym, dead letters and what is replayed of them too;
// the country stays.
func TestIngester_Run_Erased(t *testing.T) {
	r := newRig(t)
	key := r.erasureKey()
	erased := r.ask(key, true)
	registry := prometheus.NewRegistry()
	in, _ := r.start(func(c *Config, d *Deps) { c.ErasureKey, d.Registerer = key, registry })
	r.watchBalance(in)
	r.produce(
		deliveredEvent("m-1"),
		strings.Replace(deliveredEvent("m-2"), erasedNumber, "device:1",
			1)[:len(deliveredEvent("m-2"))-len(erasedNumber)+len("device:1")-1]+`,"contact":"`+erasedNumber+`"}`,
		strings.Replace(deliveredEvent("m-3"), erasedNumber, "device:1",
			1)[:len(deliveredEvent("m-3"))-len(erasedNumber)+len("device:1")-1]+`,"contact":79001234567}`,
		strings.Replace(deliveredEvent("m-4"), "acme", "other", 1),
		strings.Replace(deliveredEvent("m-5"), erasedNumber, erasedNumber+"8", 1),
		orphan("o-1"),
		strings.Replace(orphan("o-2"), erasedNumber, `\u002b7\u0039001234567`, 1),
		badEvent,
		strings.Replace(badEvent, erasedNumber, "79001234567", 1),
		`{"account":"acme","recipient":"`+erasedNumber+`","status":"lookup","valid":false,"occurred_at":"2026-11-19T10:20:30Z"}`,
		`{"account":"acme","recipient":"`+erasedNumber+`", broken`,
	)
	r.drained()
	r.expectLedger(Balance{Consumed: 11, Stored: 6, Rejected: 3, Parked: 2})
	r.expectErased()
	pseudonym := erased.Pseudonym
	r.expectCount(1, "SELECT count() FROM attempts WHERE account = 'acme' AND recipient_country = '"+pseudonym+"\\0RU'")
	r.expectCount(1, "SELECT count() FROM attempts WHERE contact = '"+pseudonym+"'")
	r.expectCount(1, "SELECT count() FROM attempts WHERE contact = '"+"~"+strings.TrimPrefix(pseudonym, "user:")+"'")
	r.expectCount(1, "SELECT count() FROM attempts WHERE account = 'other' AND startsWith(recipient_country, '"+erasedNumber+"')")
	r.expectCount(1, "SELECT count() FROM attempts WHERE account = 'acme' AND startsWith(recipient_country, '"+erasedNumber+"8')")
	r.expectCount(2, "SELECT count() FROM orphans WHERE recipient_country = '"+pseudonym+"\\0RU' AND position(raw, '"+pseudonym+"') > 0 AND isValidJSON(raw)")
	r.expectCount(1, "SELECT count() FROM recipient_events WHERE recipient = '"+pseudonym+"' AND status = 'lookup'")
	r.expectCount(3, "SELECT count() FROM rejected WHERE position(raw, 'erased-') > 0")
	// Two parked events hold it in a column and in their bytes.
	if got := metric(t, registry, "kaskad_ingest_pseudonymised_total"); got != 3+4+3+1 {
		t.Errorf("%v numbers were pseudonymised, want 11", got)
	}

	client := r.kgoClient(kgo.ConsumeTopics(r.letters), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for seen := 0; seen < 3; {
		for _, record := range client.PollFetches(t.Context()).Records() {
			seen++
			if text := string(record.Value) + fmt.Sprint(record.Headers); strings.Contains(text, "9001234567") {
				t.Errorf("the dead letter topic has the number: %s", text)
			}
		}
	}

	// A dead letter that was restored from a back-up, say, and is valid by now.
	if err := schema.InsertRejected(t.Context(), r.conn,
		[]schema.Rejection{{Place: schema.Place{Topic: "old", Line: 1}, Raw: []byte(deliveredEvent("m-6")),
			AtMS: 1}}); err != nil {
		t.Fatal(err)
	}
	p, err := NewProducer(ProducerConfig{Brokers: r.brokers, Topic: r.topic})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if result, err := Replay(t.Context(), r.conn, p, schema.LetterFilter{Topic: "old"},
		func() time.Time { return testNow }); err != nil || result.Sent != 1 {
		t.Fatal(result, err)
	}
	r.drained()
	r.expectCount(1, "SELECT count() FROM attempts WHERE message_id = 'm-6' AND recipient_country = '"+pseudonym+"\\0RU'")
}

// Without the key, or with another one, nothing is stored while there are erasures; with it ingest goes on where it
// was.
func TestIngester_Run_ErasureKeyMissing(t *testing.T) {
	r := newRig(t)
	key, other := r.erasureKey(), r.erasureKey()
	r.ask(key, true)
	r.produce(deliveredEvent("m-1"))
	for want, wrong := range map[string]*erasure.Key{erasure.ErrNoKey.Error(): nil,
		erasure.ErrOtherKey.Error(): other} {
		var log lockedLog
		_, stop := r.start(func(c *Config, d *Deps) {
			c.ErasureKey, d.Logger = wrong, slog.New(slog.NewTextHandler(&log, nil))
		})
		r.waitFor("the log to say "+want, func() bool { return strings.Contains(log.String(), want) })
		stop()
		r.expectCount(0, "SELECT count() FROM attempts")
	}
	r.start(func(c *Config, _ *Deps) { c.ErasureKey = key })
	r.drained()
	r.expectCount(1, "SELECT count() FROM attempts")
	r.expectErased()
}

type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A number that is erased while a block with its events is being stored is erased once more by ingest, which knows it.
func TestIngester_Run_ErasedMeanwhile(t *testing.T) {
	for _, at := range []string{"facts", "changes", "located", "touches", "rejected"} {
		t.Run(at, func(t *testing.T) {
			r := newRig(t)
			key := r.erasureKey()
			r.produce(deliveredEvent("m-1"), orphan("o-1"), badEvent)
			var once sync.Once
			r.start(func(c *Config, _ *Deps) {
				c.ErasureKey, c.Linger = key, 300*time.Millisecond
				c.OnStep = func(step string) {
					if step == at {
						once.Do(func() { r.ask(key, true) })
					}
				}
			})
			r.drained()
			r.expectErased()
			r.expectCount(1, "SELECT count() FROM attempts FINAL")
			r.expectCount(1, "SELECT count() FROM orphans FINAL WHERE position(raw, 'erased-') > 0")
		})
	}
}

// A process that ended between storing and committing leaves events in plain when their number was erased right after.
// Who reads them again finds that out.
func TestIngester_Run_ErasedAfterCrash(t *testing.T) {
	r := newRig(t)
	key := r.erasureKey()
	r.produce(deliveredEvent("m-1"), orphan("o-1"), badEvent)
	crash, die := context.WithCancel(t.Context())
	in, err := New(func() Config {
		c := r.config()
		c.ErasureKey, c.Linger = key, 300*time.Millisecond
		c.OnStep = func(step string) {
			if step == "rejected" && r.count("SELECT count() FROM attempts") > 0 {
				die()
			}
		}
		return c
	}(), Deps{Conn: r.conn})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Run(crash); err != nil {
		t.Fatal(err)
	}
	if r.count("SELECT count() FROM attempts WHERE startsWith(recipient_country, '"+erasedNumber+"')") == 0 {
		t.Fatal("the events were not stored in plain, so this test shows nothing")
	}
	r.ask(key, true)
	r.start(func(c *Config, _ *Deps) { c.ErasureKey = key })
	r.drained()
	r.expectErased()
	r.expectCount(1, "SELECT count() FROM attempts FINAL")
}
