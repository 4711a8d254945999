package ingest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// mixed is a seeded set of n good events with poison and orphans between them.
func mixed(n int, seed uint64) (values []string, want Balance) {
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range n {
		switch random.IntN(20) {
		case 0:
			values = append(values, badEvent)
			want.Rejected++
		case 1:
			values = append(values, orphan(fmt.Sprintf("orphan-%d-%d", seed, i)))
			want.Parked++
		case 2:
			values = append(values, "[]")
			want.Empty++
		default:
			values = append(values, deliveredEvent(fmt.Sprintf("m-%d-%d", seed, i)))
			want.Stored++
		}
	}
	want.Consumed = uint64(n)
	return values, want
}

// expectStored compares the tables with what a set of events must lead to.
func (r *rig) expectStored(want Balance) {
	r.t.Helper()
	r.expectLedger(want)
	r.expectCount(want.Stored, "SELECT count() FROM attempts FINAL")
	r.expectCount(want.Stored, "SELECT count() FROM located FINAL")
	r.expectCount(want.Parked, "SELECT count() FROM orphans FINAL")
	r.expectCount(want.Rejected, "SELECT count() FROM rejected FINAL")
	r.expectChanges()
}

// testCrashes ends an ingester behind each step of storing a block, at several blocks, and starts another one: nothing
// is lost, nothing counts twice.
func testCrashes(t *testing.T, r *rig) {
	values, want := mixed(4000, 1)
	r.produce(values...)
	random := rand.New(rand.NewPCG(2, 2))
	for _, step := range []string{"facts", "changes", "located", "touches", "rejected", "ledger", "commit"} {
		crashed := make(chan struct{})
		skip := random.Int32N(3)
		var seen atomic.Int32
		var stop func()
		ready := make(chan struct{})
		in, stop := r.start(func(c *Config, _ *Deps) {
			c.BlockRows, c.FetchBytes = 100, 20_000
			c.OnStep = func(s string) {
				if s != step || seen.Add(1) <= skip {
					return
				}
				<-ready
				if seen.Load() == skip+1 {
					close(crashed)
					go stop()
				}
				// The worker stands still until its generation is over, as if the process were gone.
				time.Sleep(300 * time.Millisecond)
			}
		})
		close(ready)
		select {
		case <-crashed:
		case <-time.After(60 * time.Second):
			t.Fatalf("never came to step %s: %+v", step, in.Balance())
		}
		stop()
		if b := in.Balance(); b.InFlight != 0 || balanced(b) != nil {
			t.Errorf("after the end: %+v", b)
		}
	}
	in, _ := r.start(nil)
	r.watchBalance(in)
	r.drained()
	r.expectStored(want)
}

// testRebalance lets a second member join while the first one hangs in an insert: the first must let go of its
// partitions.
func testRebalance(t *testing.T, r *rig) {
	g := newGate(t, r.options.Addr[0])
	g.greets = true
	behind := r.connAt(g.addr())
	first, stopFirst := r.start(func(_ *Config, d *Deps) { d.Conn = behind })
	r.waitFor("the first member", func() bool {
		return first.Ready() == nil &&
			len(first.LocalLag()) == DefaultPartitions
	})
	g.stall()
	values, want := mixed(3000, 3)
	r.produce(values...)
	r.waitFor("the first member to hang", func() bool { return first.Balance().InFlight > 0 })
	second, _ := r.start(nil)
	r.waitFor("the second member", func() bool {
		return len(second.LocalLag()) == DefaultPartitions/2 &&
			second.Balance().Stored > 0
	})
	if b := first.Balance(); b.Stored != 0 || balanced(b) != nil {
		t.Errorf("first member: %+v", b)
	}
	stopFirst()
	if b := first.Balance(); b != (Balance{}) {
		t.Errorf("the first member did not give everything back: %+v", b)
	}
	r.waitFor("the second member to take over", func() bool { return len(second.LocalLag()) == DefaultPartitions })
	r.drained()
	r.expectStored(want)
	g.open()
}

// testChurn: members join and leave all the time.
func testChurn(t *testing.T, r *rig) {
	const parts = 6
	var all Balance
	var producing sync.WaitGroup
	batches := make([][]string, parts)
	for i := range batches {
		values, want := mixed(600, uint64(10+i))
		batches[i] = values
		all.Consumed += want.Consumed
		all.Stored += want.Stored
		all.Rejected += want.Rejected
		all.Parked += want.Parked
		all.Empty += want.Empty
	}
	producing.Go(func() {
		for _, b := range batches {
			r.produce(b...)
			time.Sleep(500 * time.Millisecond)
		}
	})
	var members []func()
	for range 5 {
		in, stop := r.start(func(c *Config, _ *Deps) { c.BlockRows, c.FetchBytes = 50, 10_000 })
		r.watchBalance(in)
		members = append(members, stop)
		if len(members) > 2 {
			members[0]()
			members = members[1:]
		}
		time.Sleep(700 * time.Millisecond)
	}
	producing.Wait()
	members[0]()
	r.drained()
	r.expectStored(all)
}

// testOutage: ClickHouse is away, first for new connections and then in the middle of everything, while events keep
// coming. What is in flight stays bounded, and nothing is lost.
func testOutage(t *testing.T, r *rig) {
	g := newGate(t, r.options.Addr[0])
	g.greets = true
	behind := r.connAt(g.addr())
	g.refuse() // from the very start
	registry := prometheus.NewRegistry()
	const rows, fetch = 500, 50_000
	in, _ := r.start(func(c *Config, d *Deps) {
		d.Conn, d.Registerer, c.BlockRows, c.FetchBytes = behind, registry, rows, fetch
	})
	r.watchBalance(in)
	if in.Ready() == nil {
		t.Error("ready without ClickHouse")
	}
	go func() {
		for i, change := range []func(){g.open, g.refuse, g.open, g.stall, g.open, g.refuse, g.open} {
			time.Sleep(400 * time.Millisecond)
			// An outage while nothing is under way is none.
			for closes := i%2 == 1; closes && in.Balance().InFlight == 0 && t.Context().Err() == nil; {
				time.Sleep(time.Millisecond)
			}
			change()
		}
	}()
	var want Balance
	most := uint64(0)
	for i := range 16 {
		values, w := mixed(1000, uint64(100+i))
		r.produce(values...)
		want.Consumed += w.Consumed
		want.Stored += w.Stored
		want.Rejected += w.Rejected
		want.Parked += w.Parked
		want.Empty += w.Empty
		most = max(most, in.Balance().InFlight)
		time.Sleep(180 * time.Millisecond)
	}
	r.drained()
	r.expectStored(want)
	// Each of two workers holds a block, and at most one chunk more than fits into it.
	if limit := uint64(2 * (rows + (fetch+arenaSlack)/100)); most > limit {
		t.Errorf("%d events in flight, the limit is %d", most, limit)
	}
	if metric(t, registry, "kaskad_ingest_insert_retries_total") == 0 {
		t.Error("no insert was tried again: there was no outage")
	}
	if n := metric(t, registry, "kaskad_ingest_fetch_errors_total"); n != 0 {
		t.Errorf("%v fetches failed, but Kafka was never away", n)
	}
}

// The earliest offset is where reading goes on when the wanted one is gone.
func TestIngester_Run_OffsetOutOfRange(t *testing.T) {
	r := newRig(t)
	client := r.kgoClient()
	put := func(prefix string) {
		for _, id := range ids(prefix, 100) {
			r.produceRecords(client, &kgo.Record{Partition: 0, Value: []byte(deliveredEvent(id))})
		}
	}
	put("before")
	_, stop := r.start(nil)
	r.drained()
	stop()
	put("after")
	request := kmsg.NewPtrDeleteRecordsRequest()
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = r.topic
	partition := kmsg.NewDeleteRecordsRequestTopicPartition()
	partition.Partition, partition.Offset = 0, 150
	topic.Partitions = append(topic.Partitions, partition)
	request.Topics = append(request.Topics, topic)
	if _, err := request.RequestWith(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	in, _ := r.start(func(_ *Config, d *Deps) { d.Registerer = registry })
	r.waitFor("the rest", func() bool { return in.Balance().Stored == 50 })
	r.drained()
	r.expectLedger(Balance{Consumed: 150, Stored: 150})
	if got := metric(t, registry, "kaskad_ingest_offset_resets_total"); got != 1 {
		t.Errorf("%v resets, want 1", got)
	}
}

// A topic that is made anew has offsets that the ledger has passed long ago.
func TestIngester_Run_TopicMadeAnew(t *testing.T) {
	r := newRig(t)
	r.produce(events(ids("old", 1000))...)
	_, stop := r.start(nil)
	r.drained()
	stop()
	client, done := newClient(r.brokers, nil)
	defer done()
	if _, err := client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{r.topic}}); err != nil {
		t.Fatal(err)
	}
	r.ensureTopics(DefaultPartitions)
	r.produce(events(ids("new", 200))...)
	in, stop := r.start(nil)
	r.waitFor("the new events", func() bool { return in.Balance().Stored == 200 })
	r.drained()
	stop()
	r.expectCount(1200, "SELECT count() FROM attempts FINAL")
	r.expectLedger(Balance{Consumed: 1200, Stored: 1200})
	r.produce(events(ids("newer", 50))...)
	in, _ = r.start(nil)
	r.waitFor("the newer events", func() bool { return in.Balance().Stored == 50 })
	r.drained()
	r.expectLedger(Balance{Consumed: 1250, Stored: 1250})
}

// Events that are read again are stored again, and counted once.
func TestIngester_Run_Redelivery(t *testing.T) {
	r := newRig(t)
	values, want := mixed(1000, 5)
	r.produce(values...)
	_, stop := r.start(nil)
	r.drained()
	stop()
	r.expectStored(want)
	client, done := newClient(r.brokers, nil)
	defer done()
	commits := make([]kafka.OffsetCommit, DefaultPartitions)
	for i := range commits {
		commits[i].Partition = i
	}
	response, err := client.OffsetCommit(t.Context(),
		&kafka.OffsetCommitRequest{GroupID: r.group, GenerationID: -1,
			Topics: map[string][]kafka.OffsetCommit{r.topic: commits}})
	if err != nil || response.Topics[r.topic][0].Error != nil {
		t.Fatal(err, response)
	}
	more, wantMore := mixed(100, 6)
	r.produce(more...)
	registry := prometheus.NewRegistry()
	in, _ := r.start(func(_ *Config, d *Deps) { d.Registerer = registry })
	r.watchBalance(in)
	r.waitFor("the new events", func() bool { return in.Balance() == wantMore })
	r.drained()
	if got := metric(t, registry, "kaskad_ingest_redelivered_events_total"); got != 1000 {
		t.Errorf("%v redelivered, want 1000", got)
	}
	if got := metric(t, registry, "kaskad_ingest_rejected_events_total"); got != float64(wantMore.Rejected) {
		t.Errorf("%v rejected, want %v", got, wantMore.Rejected)
	}
	r.expectStored(Balance{Consumed: 1100, Stored: want.Stored + wantMore.Stored,
		Rejected: want.Rejected + wantMore.Rejected,
		Parked:   want.Parked + wantMore.Parked, Empty: want.Empty + wantMore.Empty})
	lag, err := Lag(t.Context(), r.brokers, nil, r.letters+"-reader", r.letters)
	if err != nil || lag.Total != int64(want.Rejected+wantMore.Rejected) {
		t.Errorf("%d dead letters in the topic, want %d (%v)", lag.Total, want.Rejected+wantMore.Rejected, err)
	}
}

// A member waits for a topic that is made later, and for ClickHouse.
func TestIngester_Run_WaitsForTopic(t *testing.T) {
	r := newRigWith(t, newKfake(t).ListenAddrs())
	in, _ := r.start(nil)
	time.Sleep(300 * time.Millisecond)
	if err := in.Ready(); err == nil {
		t.Error("ready without a topic")
	}
	r.ensureTopics(4)
	r.produce(events(ids("m", 10))...)
	r.waitFor("the events", func() bool { return in.Balance().Stored == 10 })
}

// Whoever is told of touches finds them.
func TestIngester_Run_Touched(t *testing.T) {
	r := newRig(t)
	open := make(chan uint64, 1)
	r.start(func(_ *Config, d *Deps) {
		conn := d.Conn
		d.Touched = func() {
			var n uint64
			if err := conn.QueryRow(context.Background(), "SELECT count() FROM touched").Scan(&n); err != nil {
				t.Error(err)
			}
			select {
			case open <- n:
			default:
			}
		}
	})
	r.produce(deliveredEvent("m"))
	select {
	case n := <-open:
		if n == 0 {
			t.Error("told before the touch is stored")
		}
	case <-time.After(time.Minute):
		t.Fatal("never told")
	}
}
