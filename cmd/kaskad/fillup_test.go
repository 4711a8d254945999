package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/cmd/kaskad/datadir"
	"kaskad/engine/enginetest"
	"kaskad/simulate"
	"kaskad/simulate/model"
)

// A disk that another program fills to the last byte, at any moment and for any while, costs no fact: when there is
// space again all parts are whole, and the reports are the model's.
func TestRun_FullDisk(t *testing.T) {
	t.Parallel()
	for seed := range uint64(enginetest.World(t, 1, 1, 30)) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			fillRound(t, seed)
		})
	}
}

func fillRound(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 10))
	config := simulate.DefaultConfig()
	config.Seed, config.Messages, config.Poison, config.Start = 500+seed, 3000, 0,
		time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC)
	config.Now = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC) // every window is over for more than an hour
	sim, err := simulate.New(config)
	if err != nil {
		t.Fatal(err)
	}
	k := newKaskad(t, "--now", sim.Now().Format(time.RFC3339Nano))
	k.dir = smallDisk(t, 512)
	k.start("")
	k.waitReady()
	var log eventLog
	m := model.New(sim.Now())
	for ev := range sim.Events() {
		log.add(ev.Key, ev.Line)
		if err := m.Add(ev.Line); err != nil {
			t.Fatal(err)
		}
	}
	order := random.Perm(log.len())

	// Small batches make many parts, and many parts merges.
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		const batch = 200
		for start := 0; start < len(order) && t.Context().Err() == nil; start += batch {
			log.send(t, order[start:min(start+batch, len(order))], k.produceAnyhow)
			time.Sleep(20 * time.Millisecond)
		}
	}()
	t.Cleanup(func() { <-sent })
	disk := newFiller(t, k.dir)
	time.Sleep(time.Duration(500+random.IntN(3000)) * time.Millisecond)
	step, pause := int64(0), time.Duration(0)
	if random.IntN(3) == 0 {
		step, pause = 8<<20, 20*time.Millisecond
	}
	disk.fill(step, pause)
	time.Sleep(time.Duration(200+random.IntN(4000)) * time.Millisecond)
	killed := random.IntN(4) == 0
	if killed {
		k.kill()
	}
	disk.release()
	if killed {
		k.start("")
		k.waitReady()
	}
	<-sent
	k.waitReady() // an engine that lost a write starts again when there is space
	k.settle(3 * time.Minute)
	k.checkParts()
	queries, err := model.TruthQueries()
	if err != nil {
		t.Fatal(err)
	}
	k.mustEqual(m, queries[:6])
	// Once more from facts alone.
	if err := k.database().Exec(t.Context(),
		"INSERT INTO touched SELECT account, bucket, generateUUIDv4(), 0, 1 FROM attempts GROUP BY account, bucket"); err != nil {
		t.Fatal(err)
	}
	k.settle(3 * time.Minute)
	k.mustEqual(m, queries[:6])
}

// database connects to the ClickHouse of a running kaskad.
func (k *kaskad) database() driver.Conn {
	k.t.Helper()
	at, ok := datadir.ReadRunning(k.dir)
	if !ok {
		k.t.Fatal("kaskad does not run")
	}
	options, err := clickhouse.ParseDSN(at.Clickhouse)
	if err != nil {
		k.t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// checkParts reads every active part of every table back.
func (k *kaskad) checkParts() {
	k.t.Helper()
	conn := k.database()
	var names []string
	if err := conn.QueryRow(k.t.Context(),
		"SELECT groupArray(name) FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'").Scan(&names); err != nil {
		k.t.Fatal(err)
	}
	var broken []string
	for _, name := range names {
		rows, err := conn.Query(k.t.Context(), "CHECK TABLE `"+name+"` SETTINGS check_query_single_value_result = 0")
		if err != nil {
			k.t.Fatalf("check %s: %v", name, err)
		}
		for rows.Next() {
			var part, message string
			var passed bool
			if err := rows.Scan(&part, &passed, &message); err != nil {
				k.t.Fatalf("check %s: %v", name, err)
			}
			if !passed {
				broken = append(broken, name+" "+part+": "+message)
			}
		}
		if err := rows.Err(); err != nil {
			k.t.Fatalf("check %s: %v", name, err)
		}
	}
	if len(broken) > 0 {
		k.t.Errorf("parts are broken:\n%s", strings.Join(broken, "\n"))
	}
}

// While the disk is full senders and operators are told so, reports are served, and what was refused goes through as
// soon as there is room.
func TestRun_FullDisk_IsSaid(t *testing.T) {
	k := newKaskad(t, "--now", "2026-11-20T00:00:00Z")
	k.dir = smallDisk(t, 512)
	k.start("")
	k.waitReady()
	disk := newFiller(t, k.dir)
	disk.fill(0, 0)
	state := func() string {
		var answer struct{ Disk struct{ State string } }
		k.get("/v1/status", &answer)
		return answer.Disk.State
	}
	// Started again for lack of space, ClickHouse waits for room: then nobody answers but the broker's side.
	event := []byte(`{"account":"a","message_id":"m","submitted_at":"2026-11-19T10:00:00Z","occurred_at":"2026-11-19T10:00:00Z","channel":"sms","status":"sent","recipient":"+79001234567"}`)
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		status, body := k.request(http.MethodPost, "/v1/events", "application/json", event)
		if status == http.StatusInsufficientStorage && strings.Contains(string(body), "disk-full") {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("POST on a full disk: %d %s", status, body)
		}
	}
	if status, body := k.request(http.MethodGet, "/readyz", "", nil); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz on a full disk: %d %s", status, body)
	}
	if _, body := k.request(http.MethodGet, "/metrics", "", nil); !strings.Contains(string(body),
		"kaskad_disk_full 1\n") {
		t.Error("no metric says that the disk is full")
	}
	disk.release()
	k.waitReady()
	if got := state(); got != "ok" {
		t.Errorf("the disk is %s after it was freed", got)
	}
	k.post(event)
	k.settle(2 * time.Minute)
}
