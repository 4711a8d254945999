package kafkaguard

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// deadly are the requests of the attack that this package is for, and of their
// kinds.
func deadly() map[string][]byte {
	join := kmsg.NewPtrJoinGroupRequest()
	join.Version, join.Group, join.ProtocolType, join.SessionTimeoutMillis = 3, "a", "consumer", 6000
	join.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}, {Name: "range"}}
	none := kmsg.NewPtrJoinGroupRequest()
	none.Version, none.Group, none.ProtocolType, none.SessionTimeoutMillis = 3, "a", "consumer", 6000
	deep := kmsg.NewPtrMetadataRequest()
	deep.Version = 8
	claims := frameOf(deep, 1)
	claims = append(claims[:len(claims)-7], 0x7f, 0xff, 0xff, 0xff) // 2^31 topics
	binary.BigEndian.PutUint32(claims, uint32(len(claims)-4))
	all := map[string][]byte{
		"UnknownKey":        []byte("\x00\x00\x00\x0a\x01\xf4\x00\x00\x00\x00\x00\x01\xff\xff"),
		"NegativeKey":       []byte("\x00\x00\x00\x0a\xff\xff\x00\x00\x00\x00\x00\x01\xff\xff"),
		"Length4GB":         []byte("\xff\xff\xff\xff"),
		"LengthNegative":    []byte("\x80\x00\x00\x00"),
		"LengthZero":        []byte("\x00\x00\x00\x00\x00"),
		"HTTP":              []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		"TwoGroupProtocols": frameOf(join, 1),
		"NoGroupProtocols":  frameOf(none, 1),
		"Claims":            claims,
		"NoClientID":        []byte("\x00\x00\x00\x0a\x00\x03\x00\x01\x00\x00\x00\x01\x7f\xff"),
	}
	return all
}

func TestWrap_DeadlyRequests(t *testing.T) {
	r := newRig(t, nil)
	for name, frame := range deadly() {
		t.Run(name, func(t *testing.T) {
			conn := r.dial()
			_, _ = conn.Write(frame)
			r.closed(conn)
			r.alive()
		})
	}
}

// Whatever is not served ends the connection: unknown keys, those that destroy
// data, and versions that nobody knows.
func TestWrap_RefusesUnservedRequests(t *testing.T) {
	r := newRig(t, nil)
	for key := int16(-2); key < 130; key++ {
		for _, version := range []int16{-1, 0, 1, 5, 12, 100} {
			if v, ok := served(false)[key]; ok &&
				(version >= v.min && version <= v.max || key == int16(kmsg.ApiVersions) && version > v.max) {
				continue
			}
			frame := []byte{0, 0, 0, 30}
			frame = binary.BigEndian.AppendUint16(frame, uint16(key))
			frame = binary.BigEndian.AppendUint16(frame, uint16(version))
			conn := r.dial()
			_, _ = conn.Write(append(frame, make([]byte, 26)...))
			r.closed(conn)
		}
	}
	r.alive()
	for _, key := range []kmsg.Key{kmsg.DeleteTopics, kmsg.DeleteRecords, kmsg.AlterConfigs,
		kmsg.IncrementalAlterConfigs, kmsg.CreatePartitions, kmsg.DeleteGroups, kmsg.OffsetDelete} {
		if _, ok := served(false)[int16(key)]; ok {
			t.Errorf("%s is served", kmsg.NameForKey(int16(key)))
		}
	}
}

// What is served has no tagged fields, and kfake knows it.
func TestWrap_ServedVersions(t *testing.T) {
	r := newRig(t, nil)
	known := make(map[int16]versions)
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := kmsg.NewPtrApiVersionsRequest()
	for _, key := range r.ask(conn, request).(*kmsg.ApiVersionsResponse).ApiKeys {
		known[key.ApiKey] = versions{key.MinVersion, key.MaxVersion}
	}
	for key, want := range served(false) {
		if known[key] != want {
			t.Errorf("%s is announced as %v, want %v", kmsg.NameForKey(key), known[key], want)
		}
	}
	if len(known) != len(served(false)) {
		t.Errorf("%d requests are announced, want %d", len(known), len(served(false)))
	}
	for _, request := range allServed() {
		if request.IsFlexible() {
			t.Errorf("%s version %d has tagged fields", kmsg.NameForKey(request.Key()), request.GetVersion())
		}
	}
}

// A client that is too new learns what to say instead.
func TestWrap_ApiVersions_TooNew(t *testing.T) {
	r := newRig(t, nil)
	conn := r.dial()
	for _, version := range []int16{3, 4, 5, 99} {
		frame := []byte{0, 0, 0, 10, 0, 18}
		frame = binary.BigEndian.AppendUint16(frame, uint16(version))
		if _, err := conn.Write(append(frame, 0, 0, 0, 7, 0xff, 0xff)); err != nil {
			t.Fatal(err)
		}
		answer := r.answer(conn, kmsg.NewPtrApiVersionsRequest()).(*kmsg.ApiVersionsResponse)
		if answer.ErrorCode != kerr.UnsupportedVersion.Code || len(answer.ApiKeys) != 1 ||
			answer.ApiKeys[0].MaxVersion != 2 {
			t.Errorf("version %d: answer %+v, want UNSUPPORTED_VERSION and the range of ApiVersions", version, answer)
		}
	}
	if answer := r.ask(conn, kmsg.NewPtrApiVersionsRequest()).(*kmsg.ApiVersionsResponse); answer.ErrorCode != 0 {
		t.Errorf("error code %d after that", answer.ErrorCode)
	}
}

// Answers from here keep their place among those of kfake: the fetch before it
// waits for half a second.
func TestWrap_AnswersInOrder(t *testing.T) {
	r := newRig(t, nil)
	conn := r.dial()
	fetch := kmsg.NewPtrFetchRequest()
	fetch.Version, fetch.MaxWaitMillis, fetch.MinBytes, fetch.MaxBytes = 4, 500, 1, 1000
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "events"
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.PartitionMaxBytes = 1000
	topic.Partitions = append(topic.Partitions, partition)
	fetch.Topics = append(fetch.Topics, topic)
	create := kmsg.NewPtrCreateTopicsRequest()
	for _, name := range []string{"events", "mine"} {
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions = name, 1<<31-1
		create.Topics = append(create.Topics, topic)
	}
	create.Version = 4
	frames := slices.Concat(frameOf(fetch, 1), frameOf(create, 2), frameOf(kmsg.NewPtrApiVersionsRequest(), 3),
		frameOf(create, 4))
	if _, err := conn.Write(frames); err != nil {
		t.Fatal(err)
	}
	for want := uint32(1); want <= 4; want++ {
		body, err := readAnswer(conn)
		if err != nil {
			t.Fatal(err)
		}
		if got := binary.BigEndian.Uint32(body); got != want {
			t.Fatalf("answer to request %d, want %d", got, want)
		}
		if want != 2 {
			continue
		}
		answer := create.ResponseKind().(*kmsg.CreateTopicsResponse)
		if err := answer.ReadFrom(body[4:]); err != nil {
			t.Fatal(err)
		}
		if got := []int16{answer.Topics[0].ErrorCode, answer.Topics[1].ErrorCode}; !slices.Equal(got,
			[]int16{kerr.TopicAlreadyExists.Code, kerr.PolicyViolation.Code}) {
			t.Errorf("error codes %v, want TOPIC_ALREADY_EXISTS and POLICY_VIOLATION", got)
		}
	}
}

// A fetch may not ask for more, or wait longer, than the broker can bear.
func TestCut(t *testing.T) {
	fetch := kmsg.NewPtrFetchRequest()
	fetch.MaxBytes, fetch.MaxWaitMillis = 1<<31-1, -1
	if !cut(fetch) || fetch.MaxBytes != maxFetchBytes || fetch.MaxWaitMillis != maxFetchWaitMillis {
		t.Errorf("the fetch asks for %d bytes in %d ms", fetch.MaxBytes, fetch.MaxWaitMillis)
	}
	if cut(fetch) {
		t.Error("cut again")
	}
	join := kmsg.NewPtrJoinGroupRequest()
	join.Version, join.RebalanceTimeoutMillis = 1, 1<<31-1
	if !cut(join) || join.RebalanceTimeoutMillis != maxRebalanceMillis {
		t.Errorf("the member is waited for %d ms", join.RebalanceTimeoutMillis)
	}
}

func produceRequest(acks int16, batches ...[]byte) *kmsg.ProduceRequest {
	request := kmsg.NewPtrProduceRequest()
	request.Version, request.Acks, request.TimeoutMillis = 8, acks, 1000
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = "events"
	for i, batch := range batches {
		partition := kmsg.NewProduceRequestTopicPartition()
		partition.Partition, partition.Records = int32(i), batch
		topic.Partitions = append(topic.Partitions, partition)
	}
	request.Topics = append(request.Topics, topic)
	return request
}

func (r *rig) produce(conn net.Conn, batch []byte) (code int16, message string) {
	r.t.Helper()
	partition := r.ask(conn, produceRequest(-1, batch)).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	if partition.ErrorMessage != nil {
		message = *partition.ErrorMessage
	}
	return partition.ErrorCode, message
}

func compressed(t testing.TB, codec compress.Compression, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	writer := codec.Codec().NewWriter(&out)
	if _, err := writer.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A batch that no consumer could read is not stored, whatever hides it.
func TestWrap_BrokenRecords(t *testing.T) {
	one, two := recordOf(0, []byte("a")), recordOf(1, []byte("b"))
	good := slices.Concat(one, two)
	negative := slices.Clone(one)
	negative[0] = 1 // a length of -1
	value := slices.Clone(one)
	value[5] = 0x7f // a value that ends behind the record
	records := map[string]struct {
		count   int
		records []byte
		want    string
	}{
		"OK":            {2, good, ""},
		"None":          {0, nil, "a batch of 0 records"},
		"Negative":      {1, negative, "record 0"},
		"Value":         {1, value, "record 0 is not whole"},
		"TooFew":        {3, good, "record"},
		"TooMany":       {1, good, "after the last record"},
		"Offsets":       {2, slices.Concat(two, one), "record 0 says that it is number 1"},
		"Huge":          {1, []byte{0xfe, 0xff, 0xff, 0xff, 0x0f, 0}, "record 0"},
		"VarintNoEnd":   {1, bytes.Repeat([]byte{0xff}, 20), "record"},
		"NegativeCount": {-5, good, "a batch of -5 records"},
	}
	r := newRig(t, nil)
	for name, test := range records {
		for codec := compress.None; codec <= compress.Zstd; codec++ {
			t.Run(name+"/"+codec.String(), func(t *testing.T) {
				payload := test.records
				if codec != compress.None {
					payload = compressed(t, codec, payload)
				}
				conn := r.dial()
				code, message := r.produce(conn, batchOf(int16(codec), test.count, payload))
				if test.want == "" {
					if code != 0 {
						t.Errorf("code %d: %s", code, message)
					}
					return
				}
				broken := codec != compress.None && strings.Contains(message, "decompressed")
				if code != kerr.InvalidRecord.Code || !strings.Contains(message, test.want) && !broken {
					t.Errorf("code %d: %s, want %d: %s", code, message, kerr.InvalidRecord.Code, test.want)
				}
			})
		}
	}
	t.Run("Checksum", func(t *testing.T) {
		batch := batchOf(0, 2, good)
		batch[len(batch)-1]++
		if code, _ := r.produce(r.dial(), batch); code != kerr.CorruptMessage.Code {
			t.Errorf("code %d, want %d, which is tried again", code, kerr.CorruptMessage.Code)
		}
	})
	t.Run("NotCompressed", func(t *testing.T) {
		for codec := int16(1); codec < 8; codec++ {
			if code, _ := r.produce(r.dial(), batchOf(codec, 2, good)); code == 0 {
				t.Errorf("codec %d: stored", codec)
			}
		}
	})
	r.alive()
}

// zeros is a record of that many zero bytes.
func zeros(n int) []byte { return recordOf(0, make([]byte, n)) }

func TestWrap_CompressionBombs(t *testing.T) {
	const size = 128 << 20
	bombs := make(map[string][]byte)
	var out bytes.Buffer
	zw, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	gw := gzip.NewWriter(io.Discard)
	var gz bytes.Buffer
	gw.Reset(&gz)
	for _, w := range []io.WriteCloser{zw, gw} {
		chunk := make([]byte, 1<<20)
		head := zeros(size)[:16]
		_, _ = w.Write(head)
		for range size >> 20 {
			if _, err := w.Write(chunk); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	bombs["zstd"] = batchOf(int16(compress.Zstd), 1, out.Bytes())
	bombs["gzip"] = batchOf(int16(compress.Gzip), 1, gz.Bytes())
	bombs["snappy"] = batchOf(int16(compress.Snappy), 1, []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0})
	framed := append([]byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"), 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xff, 0x0f,
		0, 0)
	bombs["snappy framed"] = batchOf(int16(compress.Snappy), 1, framed)
	// A frame of zstd that asks for a window of 1 TB before it says anything.
	bombs["zstd window"] = batchOf(int16(compress.Zstd), 1, []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf0, 1, 0, 0})
	bombs["lz4"] = batchOf(int16(compress.Lz4), 1, compressed(t, compress.Lz4, zeros(maxInflated+1)))

	r := newRig(t, nil)
	for name, bomb := range bombs {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			code, message := r.produce(r.dial(), bomb)
			runtime.ReadMemStats(&after)
			if code != kerr.InvalidRecord.Code {
				t.Errorf("code %d: %s, want %d", code, message, kerr.InvalidRecord.Code)
			}
			if grown := int64(after.Sys) - int64(before.Sys); grown > 6*maxInflated {
				t.Errorf("%d MB of memory more", grown>>20)
			}
		})
	}
	// What is large and honest passes.
	for _, codec := range []compress.Compression{compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		if code, message := r.produce(r.dial(),
			batchOf(int16(codec), 1, compressed(t, codec, zeros(16<<20)))); code != 0 {
			t.Errorf("16 MB as %s: code %d: %s", codec, code, message)
		}
	}
	if code, message := r.produce(r.dial(),
		batchOf(int16(compress.Snappy), 1, snappy.Encode(nil, zeros(1000)))); code != 0 {
		t.Errorf("snappy without a frame: code %d: %s", code, message)
	}
}

// acks=0 wants no answer: records are stored, and what follows is answered.
func TestWrap_NoAcknowledgement(t *testing.T) {
	var full atomic.Bool
	r := newRig(t, func(c *Config) {
		c.Refuse = func() error {
			if full.Load() {
				return errors.New("full")
			}
			return nil
		}
	})
	conn := r.dial()
	for range 10 {
		if _, err := conn.Write(frameOf(produceRequest(0, batchOf(0, 1, recordOf(0, []byte("x")))), 1)); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.ask(conn, kmsg.NewPtrApiVersionsRequest()).(*kmsg.ApiVersionsResponse).ErrorCode; got != 0 {
		t.Errorf("error code %d", got)
	}
	if got := r.cluster.PartitionInfo("events", 0).HighWatermark; got != 10 {
		t.Errorf("%d records, want 10", got)
	}
	if r.guard.heldNow() != 0 {
		t.Errorf("%d bytes are held for nothing", r.guard.heldNow())
	}
	broken := r.dial()
	corrupt := batchOf(0, 1, recordOf(0, []byte("x")))
	corrupt[len(corrupt)-1]++
	_, _ = broken.Write(frameOf(produceRequest(0, corrupt), 1))
	r.closed(broken)
	full.Store(true)
	_, _ = conn.Write(frameOf(produceRequest(0, batchOf(0, 1, recordOf(0, []byte("x")))), 1))
	r.closed(conn)
}

func (l *listener) heldNow() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}
