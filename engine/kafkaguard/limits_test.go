package kafkaguard

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Of more clients than fit, the idlest go, and who works stays.
func TestWrap_TooManyConnections(t *testing.T) {
	r := newRig(t, nil)
	worker := r.dial()
	work := func() {
		t.Helper()
		if code, message := r.produce(worker, batchOf(0, 1, recordOf(0, []byte("x")))); code != 0 {
			t.Fatalf("code %d: %s", code, message)
		}
	}
	work()
	const strangers = maxConns + 200
	conns := make([]net.Conn, 0, strangers)
	for i := range strangers {
		conns = append(conns, r.dial())
		if i%100 == 0 {
			work()
		}
	}
	work()
	r.alive()
	r.guard.mu.Lock()
	open := len(r.guard.conns)
	r.guard.mu.Unlock()
	if open > maxConns {
		t.Errorf("%d connections, the limit is %d", open, maxConns)
	}
	r.closed(conns[0])
}

// When all are busy, the next one is refused and nobody is thrown out.
func TestWrap_AllBusy(t *testing.T) {
	r := newRig(t, func(c *Config) { c.limits.conns = 3 })
	var conns []net.Conn
	for range 3 {
		conn := r.dial()
		r.ask(conn, kmsg.NewPtrApiVersionsRequest())
		_, _ = conn.Write([]byte{0, 0, 0, 100, 0})
		conns = append(conns, conn)
	}
	waitFor(t, func() bool {
		r.guard.mu.Lock()
		defer r.guard.mu.Unlock()
		for c := range r.guard.conns {
			if c.idle() {
				return false
			}
		}
		return len(r.guard.conns) == 3
	})
	r.closed(r.dial())
	_ = conns[0].Close()
	waitFor(t, func() bool { r.guard.mu.Lock(); defer r.guard.mu.Unlock(); return len(r.guard.conns) == 2 })
	r.alive()
}

func waitFor(t *testing.T, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ready(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited 20 s")
		}
	}
}

// Lengths cost nothing, and bytes at most the limit, however many come with them.
func TestWrap_Memory(t *testing.T) {
	const limit = 32 << 20
	r := newRig(t, func(c *Config) {
		c.limits.held, c.limits.stallPatience, c.limits.waitPatience = limit, 100*time.Millisecond, 300*time.Millisecond
	})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	prefix := binary.BigEndian.AppendUint32(nil, maxRequest-4)
	for range 100 { // 10 GB are announced
		conn := r.dial()
		_, _ = conn.Write(append(prefix, 0, 0, 0, 8))
	}
	r.alive()
	runtime.ReadMemStats(&after)
	if grown := int64(after.Sys) - int64(before.Sys); grown > 32<<20 {
		t.Errorf("%d MB of memory for announcements", grown>>20)
	}

	chunk := make([]byte, 1<<20)
	for range 50 { // 400 MB come, and no request is ever complete
		conn := r.dial()
		go func() {
			_, _ = conn.Write(prefix)
			for range 8 {
				if _, err := conn.Write(chunk); err != nil {
					return
				}
			}
		}()
	}
	worker := r.dial()
	for range 20 {
		if held := r.guard.heldNow(); held > limit {
			t.Fatalf("%d bytes are held, the limit is %d", held, limit)
		}
		// Who sends whole requests gets his turn, if he dials again when he was closed to make room.
		request := produceRequest(-1, batchOf(0, 1, recordOf(0, make([]byte, 2<<20))))
		for tries := 1; ; tries++ {
			if _, err := worker.Write(frameOf(request, 7)); err == nil {
				if body, err := readAnswer(worker); err == nil {
					answer := request.ResponseKind().(*kmsg.ProduceResponse)
					if err := answer.ReadFrom(body[4:]); err != nil || answer.Topics[0].Partitions[0].ErrorCode != 0 {
						t.Fatalf("%v, code %d", err, answer.Topics[0].Partitions[0].ErrorCode)
					}
					break
				}
			}
			if tries == 10 {
				t.Fatal("no answer to whole requests over 10 connections")
			}
			worker = r.dial()
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	// What is held, and what the broker stores of whole requests.
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4*limit {
		t.Errorf("%d MB of memory", grown>>20)
	}
}

// A header and then a byte now and then is not a request.
func TestWrap_SlowSenders(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.limits.frame, c.limits.first, c.limits.idle = 300*time.Millisecond, 200*time.Millisecond, 400*time.Millisecond
	})
	begin := time.Now()
	slow, silent, idle := r.dial(), r.dial(), r.dial()
	go func() {
		_, _ = slow.Write([]byte{0, 0, 1, 0})
		for {
			if _, err := slow.Write([]byte{0}); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	r.ask(idle, kmsg.NewPtrApiVersionsRequest())
	for _, conn := range []net.Conn{slow, silent, idle} {
		r.closed(conn)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v to close them", took)
	}
	r.alive()
}

// A client that waits for an answer is not idle, however long that takes.
func TestWrap_WaitingIsNotIdle(t *testing.T) {
	r := newRig(t, func(c *Config) { c.limits.idle = 50 * time.Millisecond })
	conn := r.dial()
	fetch := kmsg.NewPtrFetchRequest()
	fetch.Version, fetch.MaxWaitMillis, fetch.MinBytes, fetch.MaxBytes = 4, 500, 1, 1000
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.Partitions = "events", []kmsg.FetchRequestTopicPartition{kmsg.NewFetchRequestTopicPartition()}
	fetch.Topics = append(fetch.Topics, topic)
	r.ask(conn, fetch)
}

// A client that does not take its answers is given up, and its memory is free.
func TestWrap_SlowReaders(t *testing.T) {
	r := newRig(t, func(c *Config) { c.limits.answer = 300 * time.Millisecond })
	producer := r.dial()
	for range 32 {
		if code, message := r.produce(producer, batchOf(0, 1, recordOf(0, make([]byte, 1_000_000)))); code != 0 {
			t.Fatalf("code %d: %s", code, message)
		}
	}
	fetch := kmsg.NewPtrFetchRequest()
	fetch.Version, fetch.MaxWaitMillis, fetch.MinBytes, fetch.MaxBytes = 4, 500, 1, 1<<31-1
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "events"
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.PartitionMaxBytes = 1<<31 - 1
	topic.Partitions = append(topic.Partitions, partition)
	fetch.Topics = append(fetch.Topics, topic)

	reader := r.dial()
	body := r.ask(reader, fetch).(*kmsg.FetchResponse).Topics[0].Partitions[0].RecordBatches
	if len(body) > maxFetchBytes || len(body) < maxFetchBytes/2 {
		t.Errorf("an answer of %d bytes, the limit is %d", len(body), maxFetchBytes)
	}
	waitFor(t, func() bool { return r.guard.heldNow() == 0 })
	slow := r.dial()
	if _, err := slow.Write(frameOf(fetch, 1)); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return r.guard.heldNow() > 0 })
	waitFor(t, func() bool { return r.guard.heldNow() == 0 })
	if _, err := io.Copy(io.Discard, slow); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the connection stays open")
		}
	}
	r.alive()
}

// Names of groups are memory for as long as their offsets live.
func TestWrap_TooManyGroups(t *testing.T) {
	r := newRig(t, func(c *Config) { c.limits.groups = 3 })
	commit := func(group string) []byte {
		request := kmsg.NewPtrOffsetCommitRequest()
		request.Version, request.Group, request.Generation = 2, group, -1
		return frameOf(request, 1)
	}
	for _, group := range []string{"a", "b", "c", "a"} {
		conn := r.dial()
		_, _ = conn.Write(commit(group))
		if _, err := readAnswer(conn); err != nil {
			t.Fatalf("group %s: %v", group, err)
		}
	}
	conn := r.dial()
	_, _ = conn.Write(commit("d"))
	r.closed(conn)
	r.alive()
}

// kfake remembers producers for ever, those too that are only made up.
func TestWrap_TooManyProducers(t *testing.T) {
	r := newRig(t, func(c *Config) { c.limits.producers = 10 })
	conn := r.dial()
	known := r.ask(conn, kmsg.NewPtrInitProducerIDRequest()).(*kmsg.InitProducerIDResponse).ProducerID
	batch := func(producer int64, sequence int) []byte {
		b := batchOf(0, 1, recordOf(0, []byte("x")))
		binary.BigEndian.PutUint64(b[batchProducerAt:], uint64(producer))
		binary.BigEndian.PutUint16(b[batchProducerAt+8:], 0)
		binary.BigEndian.PutUint32(b[batchProducerAt+10:], uint32(sequence))
		binary.BigEndian.PutUint32(b[batchChecksumAt:],
			crc32.Checksum(b[batchAttributesAt:], crc32.MakeTable(crc32.Castagnoli)))
		return b
	}
	if code, message := r.produce(conn, batch(known, 0)); code != 0 {
		t.Fatalf("code %d: %s", code, message)
	}
	const strangers = 100
	var inits, made int
	for i := range strangers {
		if r.ask(conn, kmsg.NewPtrInitProducerIDRequest()).(*kmsg.InitProducerIDResponse).ErrorCode == 0 {
			inits++
		}
		if code, _ := r.produce(conn, batch(1_000_000+int64(i), 0)); code == 0 {
			made++
		}
	}
	if inits+made > strangers/2 {
		t.Errorf("%d new and %d made up producers came, want about 10", inits, made)
	}
	// Who is known goes on.
	for i := range 20 {
		if code, message := r.produce(conn, batch(known, 1+i)); code != 0 {
			t.Fatalf("code %d: %s", code, message)
		}
	}
}
