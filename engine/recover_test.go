package engine

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// replay starts kfake on a copy of a store, without our recovery.
func replay(t *testing.T, store string) *kfake.Cluster {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(copied, os.DirFS(store)); err != nil {
		t.Fatal(err)
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(copied))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// Our snapshots lead kfake to the state that it finds by reading everything, in
// a first life, in one after a stop in order, and after retention.
func TestRecoverLogs_SameAsReplay(t *testing.T) {
	dir := t.TempDir()
	store := filepath.Join(dir, "store")
	compare := func(when string) {
		t.Helper()
		want := replay(t, store).PartitionInfo("small", 0)
		if err := recoverLogs(store); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		got := replay(t, store).PartitionInfo("small", 0)
		if *got != *want {
			t.Errorf("%s: got %+v, want %+v", when, *got, *want)
		}
		name := filepath.Join(store, "partitions", "small-0", "snapshot.json")
		first, err := os.ReadFile(name)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if err := recoverLogs(store); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if second, err := os.ReadFile(name); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s: a second recovery writes another snapshot (%v)", when, err)
		}
	}

	player := play(t, "broker", dir)
	addrs := []string{player.line()}
	produce(t, addrs, "small", numbered(0, 5000, 1000)...)
	player.kill()
	compare("after a kill")

	b := startBroker(t, BrokerConfig{Dir: dir, Topics: brokerTopics()})
	produce(t, b.Addrs(), "small", numbered(5000, 6000, 1000)...)
	stopBroker(t, b)
	compare("after a stop")

	player = play(t, "broker", dir)
	produce(t, []string{player.line()}, "small", numbered(6000, 9000, 1000)...)
	player.kill()
	compare("after a stop and a kill")

	b = startBroker(t, BrokerConfig{Dir: dir, Topics: brokerTopics()})
	start := b.cluster.PartitionInfo("small", 0).LogStartOffset
	check(t, consume(t, b.Addrs(), "small", start), start, int(start), 9000)
}

// A batch that was never whole leaves an empty file, which must not take the
// partition's offset with it.
func TestRecoverLogs_TornNewSegment(t *testing.T) {
	dir := t.TempDir()
	player := play(t, "broker", dir)
	addrs := []string{player.line()}
	produce(t, addrs, "small", numbered(0, 3000, 1000)...)
	player.kill()
	partition := filepath.Join(dir, "store", "partitions", "small-0")
	segments, err := listSegments(partition)
	if err != nil || len(segments) < 2 {
		t.Fatalf("segments %v, error %v", segments, err)
	}
	last := segments[len(segments)-1]
	if err := os.Truncate(segmentPath(partition, last.base), 100); err != nil {
		t.Fatal(err)
	}
	b := startBroker(t, BrokerConfig{Dir: dir, Topics: brokerTopics()})
	produce(t, b.Addrs(), "small", numbered(int(last.base), 4000, 1000)...)
	check(t, consume(t, b.Addrs(), "small", 0), 0, 0, 4000)
	stopBroker(t, b)
	again := startBroker(t, BrokerConfig{Dir: dir, Topics: brokerTopics()})
	check(t, consume(t, again.Addrs(), "small", 0), 0, 0, 4000)
}

// What an open transaction means is for kfake to find out.
func TestRecoverLogs_LeavesTransactionsAlone(t *testing.T) {
	dir := t.TempDir()
	player := play(t, "broker", dir)
	client, err := kgo.NewClient(kgo.SeedBrokers(player.line()), kgo.TransactionalID("t"),
		kgo.DefaultProduceTopic("small"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseAllowingRebalance()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(context.Background(), &kgo.Record{Value: []byte("open")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	player.kill()
	if err := recoverLogs(filepath.Join(dir, "store")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "store", "partitions", "small-0", "snapshot.json")); !os.IsNotExist(err) {
		t.Errorf("there is a snapshot of a log with a transaction (%v)", err)
	}
}
