package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/cmd/kaskad/datadir"
	"kaskad/engine/enginetest"
	"kaskad/schema"
	"kaskad/simulate"
	"kaskad/simulate/model"
)

// damage shortens every file of the active parts of a table, as a failing disk or a power cut does, while kaskad does
// not run.
func (k *kaskad) damage(table string) {
	k.t.Helper()
	conn := k.database()
	if err := conn.Exec(k.t.Context(), "OPTIMIZE TABLE `"+table+"` FINAL"); err != nil {
		k.t.Fatal(err)
	}
	var paths []string
	if err := conn.QueryRow(k.t.Context(),
		"SELECT groupArray(path) FROM system.parts WHERE database = currentDatabase() AND table = $1",
		table).Scan(&paths); err != nil {
		k.t.Fatal(err)
	}
	k.kill()
	for _, path := range paths {
		files, err := filepath.Glob(filepath.Join(path, "*"))
		if err != nil {
			k.t.Fatal(err)
		}
		for _, name := range files {
			if err := os.Truncate(name, 0); err != nil {
				k.t.Fatal(err)
			}
		}
	}
}

// A part that cannot be read is found at the start; the topic is read again, the reports are the model's, the balance
// does not move, and nothing is lost any more.
func TestRun_BrokenPart_IsReadAgain(t *testing.T) {
	k, m, queries := lossyWorld(t)
	before := k.settle(2 * time.Minute)
	orders := ordersIn(t, k.database())
	k.damage("attempts")
	k.start("")
	k.waitAnswer("/v1/status")
	k.waitWhole(orders+1, 5*time.Minute)
	after := k.settle(2 * time.Minute)
	if after.Balance != before.Balance {
		t.Errorf("balance %+v, want %+v", after.Balance, before.Balance)
	}
	k.mustEqual(m, queries)
	k.waitReady()
	if out := k.command("check", "--data", k.dir); !strings.Contains(out, "ok    facts") {
		t.Errorf("check says:\n%s", out)
	}
}

// Where the topic has forgotten the events of a lost part, the hours are named, are not mature, and everything is red
// until somebody accepts it.
func TestRun_BrokenPart_ForgottenByTheTopic(t *testing.T) {
	k, _, _ := lossyWorld(t)
	k.settle(2 * time.Minute)
	k.damage("attempts")
	// The log begins anew.
	if err := os.RemoveAll(filepath.Join(k.dir, "kafka")); err != nil {
		t.Fatal(err)
	}
	k.start("")
	k.waitAnswer("/v1/status")
	var lost *schema.Losses
	deadline := time.Now().Add(2 * time.Minute)
	for {
		asked := time.Now()
		// Passes name the hours one after the other: what is accepted has to be all of them.
		var now status
		k.get("/v1/status", &now)
		var err error
		if lost, err = schema.ReadLosses(t.Context(), k.database()); err == nil && len(lost.Hours) > 0 &&
			lost.Rereading == 0 && now.PendingBuckets == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no hour is named: %+v, %v", lost, err)
		}
		rest(asked)
	}
	if h := lost.Hours[0]; h.Account == "" || h.Published == 0 || h.Found >= h.Published {
		t.Errorf("lost hour %+v", h)
	}
	if status, body := k.request(http.MethodGet, "/readyz", "", nil); status != http.StatusServiceUnavailable ||
		!strings.Contains(string(body), "facts are lost") {
		t.Errorf("/readyz: %d %s", status, body)
	}
	if out, err := k.tryCommand("check", "--data", k.dir); err == nil || !strings.Contains(out, "FAIL  facts") {
		t.Errorf("check ends with %v and says:\n%s", err, out)
	}
	report := "/v1/reports/channels?from=2026-10-01T00:00:00Z&to=2026-10-03T00:00:00Z"
	var answer struct{ Mature bool }
	if k.get(report, &answer); answer.Mature {
		t.Error("a report over hours that lack facts is mature")
	}
	if out := k.command("reread", "--accept", "--data", k.dir); !strings.Contains(out, lost.Hours[0].Account) {
		t.Errorf("reread --accept says:\n%s", out)
	}
	if k.get(report, &answer); !answer.Mature {
		t.Error("a report over hours whose loss was accepted is not mature")
	}
	k.waitReady()
}

// An operator may have the topic read again at any time: nothing counts twice.
func TestReread_From_ChangesNothing(t *testing.T) {
	k, m, queries := lossyWorld(t)
	before := k.settle(2 * time.Minute)
	times := []string{time.Now().Add(-time.Hour).UTC().Format(time.RFC3339),
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
	if enginetest.LongOrCI() { // elsewhere TestRun_BrokenPart_IsReadAgain has it read from there
		times = append(times, "beginning")
	}
	for _, from := range times {
		orders := ordersIn(t, k.database())
		k.command("reread", "--from", from, "--data", k.dir)
		k.waitWhole(orders+1, 5*time.Minute)
		if after := k.settle(2 * time.Minute); after.Balance != before.Balance {
			t.Errorf("from %s: balance %+v, want %+v", from, after.Balance, before.Balance)
		}
		k.mustEqual(m, queries)
	}
	var again uint64
	if err := k.database().QueryRow(t.Context(),
		"SELECT toUInt64(sum(until_offset - from_offset)) FROM reread_partitions FINAL").Scan(&again); err != nil {
		t.Fatal(err)
	}
	if want := uint64(len(times)-1) * before.Balance.Consumed; again != want {
		t.Errorf("%d records were read again, want %d", again, want)
	}
}

// lossyWorld starts kaskad and stores a small world, all of whose cohorts are settled.
func lossyWorld(t *testing.T) (*kaskad, *model.Model, []model.Query) {
	t.Helper()
	config := simulate.DefaultConfig()
	config.Seed, config.Messages, config.Poison, config.RecipientEvents = 77, 600, 0, 0
	sim, err := simulate.New(config)
	if err != nil {
		t.Fatal(err)
	}
	k := newKaskad(t, "--now", sim.Now().Format(time.RFC3339Nano))
	k.start("")
	k.waitReady()
	m := model.New(sim.Now())
	var lines [][]byte
	for ev := range sim.Events() {
		lines = append(lines, append([]byte(nil), ev.Line...))
		if err := m.Add(ev.Line); err != nil {
			t.Fatal(err)
		}
	}
	k.post(join(lines))
	queries, err := model.TruthQueries()
	if err != nil {
		t.Fatal(err)
	}
	k.settle(2 * time.Minute)
	k.mustEqual(m, queries[:4])
	return k, m, queries[:4]
}

// waitAnswer waits until a path answers 200.
func (k *kaskad) waitAnswer(path string) {
	k.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		asked := time.Now()
		response, err := http.Get("http://" + k.address + path)
		if err == nil {
			response.Body.Close()
			if _, known := datadir.ReadRunning(k.dir); known && response.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("GET %s: %v after two minutes", path, err)
		}
		rest(asked)
	}
}

// settledStatus is the status if nothing is under way.
func (k *kaskad) settledStatus() *status {
	var now status
	if k.get("/v1/status", &now); !now.settled() {
		return nil
	}
	return &now
}

// ordersIn counts all that were ever given to read the topic again.
func ordersIn(t testing.TB, conn driver.Conn) (n uint64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM rereads FINAL").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// waitWhole waits until as many orders to read again were given, all of them are carried out, and nothing is lost.
func (k *kaskad) waitWhole(given uint64, limit time.Duration) {
	k.t.Helper()
	conn := k.database()
	for began := time.Now(); ; {
		asked := time.Now()
		lost, err := schema.ReadLosses(context.Background(), conn)
		if err == nil {
			err = lost.Err()
		}
		if orders := ordersIn(k.t, conn); err == nil && orders < given {
			err = fmt.Errorf("%d orders to read again, want %d", orders, given)
		}
		// A pass that began before the events were back may still find hours short, until the next one.
		if now := k.settledStatus(); err == nil && lost.Rereading == 0 && now != nil && len(now.Losses.Hours) == 0 {
			return
		}
		if time.Since(began) > limit {
			k.t.Fatalf("after %v: %+v, %v", limit, lost, err)
		}
		rest(asked)
	}
}
