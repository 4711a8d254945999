package engine

import (
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRetain(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	hours := func(n int) time.Time { return now.Add(-time.Duration(n) * time.Hour) }
	log := []segment{{0, 10, hours(9)}, {100, 10, hours(6)}, {200, 10, hours(3)}, {300, 10, hours(1)}}
	const all = int64(1) << 60
	for name, test := range map[string]struct {
		limit    int64
		oldest   time.Time
		keepFrom int64
		want     int64
	}{
		"nothing to delete":     {-1, time.Time{}, all, 0},
		"by age":                {-1, hours(5), all, 200},
		"last segment stays":    {0, now, all, 300},
		"by size":               {25, time.Time{}, all, 200},
		"size is enough":        {40, time.Time{}, all, 0},
		"not read yet":          {0, now, 150, 100},
		"read up to a boundary": {0, now, 200, 200},
		"nothing read":          {0, now, 0, 0},
	} {
		if got := retain(log, test.limit, test.oldest, test.keepFrom); got != test.want {
			t.Errorf("%s: kept from %d, want %d", name, got, test.want)
		}
	}
	if got := retain(nil, 0, now, all); got != 0 {
		t.Errorf("empty partition: kept from %d", got)
	}
}

// Whatever the files are: no unread record goes, no young record of a log within
// its limit goes, and the last file stays.
func TestRetain_Property(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var log []segment
		base := rapid.Int64Range(0, 1000).Draw(t, "base")
		for range rapid.IntRange(0, 10).Draw(t, "segments") {
			log = append(log, segment{base, rapid.Int64Range(0, 100).Draw(t, "size"),
				time.Unix(rapid.Int64Range(0, 100).Draw(t, "written"), 0)})
			base += rapid.Int64Range(1, 50).Draw(t, "records")
		}
		limit := rapid.Int64Range(-1, 500).Draw(t, "limit")
		oldest := time.Unix(rapid.Int64Range(0, 100).Draw(t, "oldest"), 0)
		keepFrom := rapid.Int64Range(0, 2000).Draw(t, "keepFrom")
		start := retain(log, limit, oldest, keepFrom)
		if start > keepFrom {
			t.Fatalf("kept from %d although %d is not read", start, keepFrom)
		}
		var kept int64
		for i, s := range log {
			if s.base >= start {
				kept += s.size
			}
			if i == len(log)-1 && s.base < start {
				t.Fatal("the last segment is gone")
			}
		}
		for i := len(log) - 1; i >= 0; i-- {
			if s := log[i]; s.base < start {
				if kept += s.size; !s.written.Before(oldest) && (limit < 0 || kept <= limit) {
					t.Fatalf("segment %+v is gone without a reason", s)
				}
			}
		}
	})
}

func TestBroker_Retention_BySize(t *testing.T) {
	dir := t.TempDir()
	player := play(t, "broker", dir)
	produce(t, []string{player.line()}, "small", numbered(0, 10000, 1000)...)
	player.kill()

	b := startBroker(t, BrokerConfig{Dir: dir, Topics: brokerTopics()})
	commit(t, b.Addrs(), "slow", "small", 2000)
	if err := b.applyRetention(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	start := b.cluster.PartitionInfo("small", 0).LogStartOffset
	if start == 0 || start > 2000 {
		t.Errorf("kept from %d, want something up to 2000, which a group has not read", start)
	}
	commit(t, b.Addrs(), "slow", "small", 10000)
	if err := b.applyRetention(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	info := b.cluster.PartitionInfo("small", 0)
	if info.NumBytes > 4<<20 || info.NumBytes < 2<<20 {
		t.Errorf("%d bytes kept, want nearly 4 MB", info.NumBytes)
	}
	check(t, consume(t, b.Addrs(), "small", info.LogStartOffset), info.LogStartOffset, int(info.LogStartOffset), 10000)
}

// Age is the time of the broker's write: a record of last year that comes today
// stays, and one that came long ago goes, whatever its time.
func TestBroker_Retention_ByAge(t *testing.T) {
	dir := t.TempDir()
	b := startBroker(t, BrokerConfig{Dir: dir, Topics: brokerTopics()})
	messages := numbered(0, 5000, 1000)
	for i := range messages {
		messages[i].Time = time.Now().AddDate(0, 0, -400)
	}
	produce(t, b.Addrs(), "small", messages[:4000]...)
	segments, err := listSegments(b.partitionDir("small", 0))
	if err != nil || len(segments) < 3 {
		t.Fatalf("segments %v, error %v", segments, err)
	}
	if err := b.applyRetention(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := b.cluster.PartitionInfo("small", 0).LogStartOffset; got != 0 {
		t.Errorf("kept from %d, want everything", got)
	}
	if err := b.applyRetention(t.Context(), time.Now().AddDate(0, 0, 8)); err != nil {
		t.Fatal(err)
	}
	want := segments[len(segments)-1].base
	if got := b.cluster.PartitionInfo("small", 0).LogStartOffset; got != want {
		t.Errorf("kept from %d, want %d, the last segment", got, want)
	}
	entries, err := os.ReadDir(b.partitionDir("small", 0))
	if err != nil || len(entries) > 3 {
		t.Errorf("files %v, error %v: the old ones should be gone", entries, err)
	}

	// The offsets go on after a restart, although the first ones are gone.
	stopBroker(t, b)
	again := startBroker(t, BrokerConfig{Dir: dir, Topics: brokerTopics()})
	produce(t, again.Addrs(), "small", messages[4000:]...)
	check(t, consume(t, again.Addrs(), "small", want), want, int(want), 5000)
}
