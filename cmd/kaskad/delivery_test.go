package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kaskad/cmd/kaskad/datadir"
	"kaskad/engine/enginetest"
	"kaskad/ingest"
	"kaskad/simulate"
	"kaskad/simulate/model"
)

// deliveryMessages is the size of the delivery test: 3 000, and a million in make test-long, unless the environment
// says otherwise.
func deliveryMessages(t testing.TB) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("TEST_DELIVERY_MESSAGES")); err == nil {
		return n
	}
	return enginetest.World(t, 3_000, 6_000, 1_000_000)
}

// log is a simulated world kept as keys and lines, to be sent in any order.
type eventLog struct {
	data []byte
	ends []int // of keys and values in turn
}

func (l *eventLog) add(key, line []byte) {
	l.data = append(l.data, key...)
	l.ends = append(l.ends, len(l.data))
	l.data = append(l.data, line...)
	l.ends = append(l.ends, len(l.data))
}

func (l *eventLog) len() int { return len(l.ends) / 2 }

func (l *eventLog) at(i int) (key, line []byte) {
	start := 0
	if i > 0 {
		start = l.ends[2*i-1]
	}
	return l.data[start:l.ends[2*i]], l.data[l.ends[2*i]:l.ends[2*i+1]]
}

// send produces the log in the given order and survives the death of the broker: what was not acknowledged is sent
// again.
func (l *eventLog) send(t testing.TB, order []int, produce func(ctx context.Context, keys, values [][]byte) error) {
	t.Helper()
	const batch = 20_000
	keys, values := make([][]byte, 0, batch), make([][]byte, 0, batch)
	for start := 0; start < len(order); start += batch {
		keys, values = keys[:0], values[:0]
		for _, i := range order[start:min(start+batch, len(order))] {
			key, line := l.at(i)
			keys, values = append(keys, key), append(values, line)
		}
		for tries := 0; ; tries++ {
			err := produce(t.Context(), keys, values)
			if err == nil {
				break
			}
			if t.Context().Err() != nil || tries > 300 || !errors.Is(err, ingest.ErrUnavailable) {
				t.Fatalf("produce: %v", err)
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
}

// The promise: every event that Kafka accepted is stored at least once, and storing it twice changes no number. A world
// is played once; then sent again in another order while the whole process tree is killed at seeded moments, among them
// every step between facts, touches and commit and every step of a publication. Each time the reports must equal the
// model's, to the last digit.
func TestRun_DeliverySurvivesKills(t *testing.T) {
	config := simulate.DefaultConfig()
	config.Seed, config.Messages = 20261120, deliveryMessages(t)
	config.Duplicates, config.Reordered, config.Late, config.Poison = 0.05, 0.05, 0.01, 0.001
	sim, err := simulate.New(config)
	if err != nil {
		t.Fatal(err)
	}
	k := newKaskad(t, "--now", sim.Now().Format(time.RFC3339Nano))
	k.start("")
	k.waitReady()

	began := time.Now()
	var log eventLog
	poison := 0
	for ev := range sim.Events() {
		log.add(ev.Key, ev.Line)
		if ev.Kind == simulate.Poison {
			poison++
		}
	}
	m := model.New(sim.Now())
	for i := range log.len() {
		_, line := log.at(i)
		_ = m.Add(line) // poison is refused by the model too
	}
	queries, err := model.TruthQueries()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events of %d messages, %d of them poison, made and modelled in %v", log.len(), config.Messages, poison,
		time.Since(began).Round(time.Second))

	order := make([]int, log.len())
	for i := range order {
		order[i] = i
	}
	var s status
	k.get("/v1/status", &s)
	began = time.Now()
	log.send(t, order, producerTo(t, s.Kafka.Brokers).Produce)
	sent := time.Since(began)
	s = k.settle(10 * time.Minute)
	t.Logf("sent in %v, settled after %v (%.0f events/s)", sent.Round(time.Millisecond),
		time.Since(began).Round(time.Millisecond), float64(log.len())/time.Since(began).Seconds())
	if s.Balance.Consumed != uint64(log.len()) || s.Balance.Rejected != uint64(poison) {
		t.Errorf("balance %+v, want %d consumed and %d rejected", s.Balance, log.len(), poison)
	}
	k.mustEqual(m, queries)

	random := rand.New(rand.NewPCG(7, 7))
	random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	k.sendUnderKills(&log, order, random)
	k.mustEqual(m, queries)
	s = k.settle(2 * time.Minute)
	// A batch whose acknowledgement was lost is sent again, so more may be consumed; nothing may be missing, and each
	// refused line is refused as often as it was sent.
	if s.Balance.Consumed < uint64(2*log.len()) || s.Balance.Rejected < uint64(2*poison) {
		t.Errorf("balance %+v, want at least %d consumed and %d rejected", s.Balance, 2*log.len(), 2*poison)
	}
}

// sendUnderKills sends the log in pieces, kills the process tree at a seeded moment of each, and returns when all of it
// is in the reports.
func (k *kaskad) sendUnderKills(log *eventLog, order []int, random *rand.Rand) {
	k.t.Helper()
	moments := []string{"facts:1", "located:1", "touches:1", "rejected:1", "ledger:1", "commit:1", "published:1"}
	if enginetest.Long() { // aggregate's own tests die there too
		moments = append(moments, "computed:1", "closed:1")
	}
	kills := enginetest.World(k.t, len(moments)+1, len(moments)+1, 20)
	if kills == 20 {
		moments = append(moments, "facts:2", "located:2", "touches:2", "ledger:2", "commit:2", "computed:2",
			"published:2")
	}
	for len(moments) < kills {
		moments = append(moments, fmt.Sprintf("after:%d", 300+random.IntN(2500)))
	}
	random.Shuffle(len(moments), func(i, j int) { moments[i], moments[j] = moments[j], moments[i] })

	k.kill()
	var sending sync.WaitGroup
	next := make(chan []int, len(moments))
	var sent atomic.Int64
	sending.Go(func() {
		for piece := range next {
			log.send(k.t, piece, k.produceAnyhow)
			sent.Add(1)
		}
	})
	reached := 0
	for i, moment := range moments {
		var millis int
		_, err := fmt.Sscanf(moment, "after:%d", &millis)
		if err == nil {
			k.start("")
		} else {
			k.start(moment)
		}
		next <- order[i*len(order)/len(moments) : (i+1)*len(order)/len(moments)]
		if err == nil {
			k.waitReady()
			time.Sleep(time.Duration(millis) * time.Millisecond)
			k.kill()
			reached++
			continue
		}
		if k.dieOrRest(time.Minute, func() bool { return sent.Load() == int64(i)+1 }) {
			reached++
		} else {
			k.t.Logf("kill %d: %s was not reached, so it dies at rest", i, moment)
		}
	}
	if reached < len(moments)/2 {
		k.t.Errorf("only %d of %d moments were reached", reached, len(moments))
	}
	close(next)
	k.start("")
	k.waitReady()
	sending.Wait()
	k.settle(10 * time.Minute)
}

// produceAnyhow finds the broker where it is now: it comes back at the port it had, or somewhere else when that is
// taken.
func (k *kaskad) produceAnyhow(ctx context.Context, keys, values [][]byte) error {
	at, ok := datadir.ReadRunning(k.dir)
	if !ok {
		return fmt.Errorf("%w: not running", ingest.ErrUnavailable)
	}
	producer, err := ingest.NewProducer(ingest.ProducerConfig{Brokers: at.Kafka})
	if err != nil {
		return err
	}
	defer producer.Close()
	return producer.Produce(ctx, keys, values)
}

// Any order, any duplication, any split into batches: one report.
func testAnyOrderOneReport(t *testing.T, k *kaskad) {
	config := simulate.DefaultConfig()
	config.Messages, config.Orphans, config.PlainIDs, config.SubmittedDrift, config.Multipart = 400, 0.4, 0.4, 0.1, 0.8
	config.Duplicates, config.FarSkew, config.ClockSkew, config.FailedFirst, config.ConflictingDimensions,
		config.Poison = 0.3, 0.05, 0.05, 0.1, 0.1, 0
	queries, err := model.TruthQueries()
	if err != nil {
		t.Fatal(err)
	}
	config.Now = sharedNow
	config.Start = config.Now.AddDate(0, 0, -3)
	for seed := range uint64(enginetest.World(t, 1, 2, 2)) {
		config.Seed = 100 + seed
		sim, err := simulate.New(config)
		if err != nil {
			t.Fatal(err)
		}
		m := model.New(sim.Now())
		var lines [][]byte
		for ev := range sim.Events() {
			// Accounts of their own keep the seeds apart on one server.
			line := renameAccount(ev.Line, fmt.Sprintf("s%d-", seed))
			if err := m.Add(line); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
		random := rand.New(rand.NewPCG(seed, 2))
		for range 2 {
			random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
			for start := 0; start < len(lines); {
				end := min(start+1+random.IntN(len(lines)/3), len(lines))
				k.post(join(lines[start:end]))
				start = end
			}
		}
		k.settle(2 * time.Minute)
		accounts := accountsOf(m)
		for i := range queries {
			queries[i].Filters = map[string][]string{"account": accounts}
		}
		k.mustEqual(m, queries)
	}
}
