package kafkaguard

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// frameOf encodes a request with its header and length.
func frameOf(request kmsg.Request, correlation int32) []byte {
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("stranger")).AppendRequest(nil, request, correlation)
	return frame
}

// allServed are the served requests in a fixed order, once per version.
func allServed() []kmsg.Request {
	var all []kmsg.Request
	for key, versions := range served(false) {
		for version := versions.min; version <= versions.max; version++ {
			request := kmsg.RequestForKey(key)
			request.SetVersion(version)
			all = append(all, request)
		}
	}
	slices.SortFunc(all, func(a, b kmsg.Request) int {
		return int(a.Key())*100 + int(a.GetVersion()) - int(b.Key())*100 - int(b.GetVersion())
	})
	return all
}

// absurd makes valid requests of absurd contents. Names and ids repeat, so that
// requests refer to each other: a group that was joined is committed to, a
// transaction that was begun ends.
type absurd struct {
	*rand.Rand
	members func() []string // of the groups that there are
}

func (a absurd) request() kmsg.Request {
	all := allServed()
	pattern := all[a.IntN(len(all))]
	request := kmsg.RequestForKey(pattern.Key())
	if defaulter, ok := request.(interface{ Default() }); ok {
		defaulter.Default()
	}
	a.fill(reflect.ValueOf(request).Elem(), "", 0)
	request.SetVersion(pattern.GetVersion())
	return request
}

func (a absurd) fill(value reflect.Value, field string, depth int) {
	if a.IntN(5) == 0 {
		return // as it is by default
	}
	switch value.Kind() {
	case reflect.Bool:
		value.SetBool(a.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		limit := int64(math.MaxInt64) >> (64 - 8*value.Type().Size())
		choices := []int64{0, 0, 1, 2, 3, 5, -1, -1, -2, -3, -4, -5, 1000, 6000, 30_000, limit, limit - 1, -limit - 1,
			limit / 2}
		value.SetInt(max(min(choices[a.IntN(len(choices))], limit), -limit-1))
	case reflect.Float64:
		value.SetFloat([]float64{0, -1, math.NaN(), math.Inf(1)}[a.IntN(4)])
	case reflect.String:
		value.SetString(a.text(field))
	case reflect.Pointer:
		if a.IntN(3) == 0 {
			value.SetZero()
			return
		}
		value.Set(reflect.New(value.Type().Elem()))
		a.fill(value.Elem(), field, depth)
	case reflect.Struct:
		for i := range value.NumField() {
			if name := value.Type().Field(i).Name; name != "Version" && name != "UnknownTags" {
				a.fill(value.Field(i), name, depth+1)
			}
		}
	case reflect.Array:
		for i := range value.Len() {
			value.Index(i).SetUint(uint64(a.IntN(3)))
		}
	case reflect.Slice:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			value.SetBytes(a.opaque())
			return
		}
		n := []int{0, 1, 1, 2, 3, 20}[a.IntN(6)]
		if a.IntN(10) == 0 {
			value.SetZero()
			return
		}
		value.Set(reflect.MakeSlice(value.Type(), n, n))
		for i := range n {
			a.fill(value.Index(i), field, depth+1)
		}
	}
}

func (a absurd) text(field string) string {
	switch {
	case a.IntN(15) == 0:
		return []string{"", "\x00", "../../x", strings.Repeat("ж", 2000), "a/b", "%00", "."}[a.IntN(7)]
	case strings.Contains(field, "Topic"):
		return []string{"events", "events", "other", "absent"}[a.IntN(4)]
	case strings.Contains(field, "MemberID"):
		if members := a.members(); len(members) > 0 && a.IntN(3) > 0 {
			return members[a.IntN(len(members))]
		}
		return []string{"", "", "member", "x"}[a.IntN(4)]
	case strings.Contains(field, "Protocol"):
		return []string{"consumer", "range", "", "x"}[a.IntN(4)]
	}
	return []string{"a", "b", "", "c"}[a.IntN(4)]
}

func (a absurd) opaque() []byte {
	switch a.IntN(6) {
	case 0:
		return nil
	case 1:
		return []byte{}
	case 2: // random bytes
		b := make([]byte, a.IntN(100))
		for i := range b {
			b[i] = byte(a.Uint32())
		}
		return b
	case 3: // a member's metadata, or half of it
		metadata := kmsg.NewConsumerMemberMetadata()
		metadata.Topics = []string{"events", "absent"}
		b := metadata.AppendTo(nil)
		return b[:len(b)-a.IntN(2)*a.IntN(len(b))]
	}
	return a.batch()
}

// batch is a batch of records in which some things are wrong.
func (a absurd) batch() []byte {
	batch := kmsg.NewRecordBatch()
	batch.Magic = 2
	batch.ProducerID, batch.ProducerEpoch, batch.FirstSequence = -1, -1, -1
	batch.PartitionLeaderEpoch = -1
	if a.IntN(2) == 0 {
		batch.ProducerID, batch.ProducerEpoch, batch.FirstSequence = int64(a.IntN(4)), int16(a.IntN(3)-1),
			int32(a.IntN(3)-1)
		batch.Attributes |= int16(a.IntN(2)) << 4
	}
	if a.IntN(4) == 0 {
		a.fill(reflect.ValueOf(&batch).Elem(), "", 0)
		batch.Magic = 2
	}
	n := 1 + a.IntN(3)
	var records []byte
	for i := range n {
		record := recordOf(i, []byte("value"))
		if a.IntN(10) == 0 {
			record[a.IntN(len(record))] = byte(a.Uint32())
		}
		records = append(records, record...)
	}
	batch.Records, batch.NumRecords, batch.LastOffsetDelta = records, int32(n), int32(n-1)
	if a.IntN(6) == 0 {
		batch.NumRecords = []int32{0, -1, math.MaxInt32, math.MinInt32}[a.IntN(4)]
		batch.LastOffsetDelta = batch.NumRecords - 1
	}
	b := sealed(batch)
	if a.IntN(10) == 0 {
		b = b[:a.IntN(len(b))]
	}
	return b
}

// recordOf is one record of a batch.
func recordOf(delta int, value []byte) []byte {
	body := []byte{0, 0} // attributes, time
	body = kbin.AppendVarint(body, int32(delta))
	body = kbin.AppendVarint(body, -1)
	body = kbin.AppendVarint(body, int32(len(value)))
	body = append(append(body, value...), 0)
	return append(kbin.AppendVarint(nil, int32(len(body))), body...)
}

// sealed encodes a batch with the right length and checksum.
func sealed(batch kmsg.RecordBatch) []byte {
	b := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(b[batchLengthAt:], uint32(len(b)-12))
	binary.BigEndian.PutUint32(b[batchChecksumAt:],
		crc32.Checksum(b[batchAttributesAt:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

// batchOf is a batch with nothing wrong but what its records hold.
func batchOf(codec int16, count int, records []byte) []byte {
	batch := kmsg.NewRecordBatch()
	batch.Magic, batch.Attributes = 2, codec
	batch.ProducerID, batch.ProducerEpoch, batch.FirstSequence, batch.PartitionLeaderEpoch = -1, -1, -1, -1
	batch.NumRecords, batch.LastOffsetDelta, batch.Records = int32(count), int32(count-1), records
	return sealed(batch)
}
