package ingest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"kaskad/schema"
)

// bury writes the block's dead letters, first to the topic and then to the table, and returns when both are
// acknowledged.
func (w *worker) bury(ctx context.Context) error {
	letters := w.block.letters
	if len(letters) == 0 {
		return nil
	}
	rejections := make([]schema.Rejection, len(letters))
	var fresh []message
	for i := range letters {
		l := &letters[i]
		rejections[i] = l.Rejection
		if !l.known {
			fresh = append(fresh, deadLetter(&l.Rejection))
		}
	}
	w.in.complain(letters)
	if err := w.retryHere(ctx, w.in.config.DeadLetterTopic, func(ctx context.Context) error {
		rest, err := w.in.letters.produce(ctx, fresh)
		fresh = rest
		return err
	}); err != nil {
		return err
	}
	return w.retry(ctx, "rejected", func(ctx context.Context) error {
		return schema.InsertRejected(ctx, w.in.conn, rejections)
	})
}

// refusals counts the dead letters since the last log line about them.
type refusals struct {
	mu      sync.Mutex
	reasons map[schema.Reason]int
	first   string
	last    time.Time
}

// complain logs that events were refused, now and then: a stream of poison must not become a stream of log lines. The
// text of an error may quote the event, phone number and all, so only reasons and a place to look at are logged.
func (in *Ingester) complain(letters []letter) {
	r := &in.refusals
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reasons == nil {
		r.reasons, r.first = map[schema.Reason]int{}, place(letters[0].Place)
	}
	for i := range letters {
		r.reasons[letters[i].Err.Reason]++
	}
	if time.Since(r.last) < complainEvery {
		return
	}
	in.log.Warn("events were refused: see GET /v1/rejected", "reasons", fmt.Sprint(r.reasons), "first", r.first)
	r.reasons, r.last = nil, time.Now()
}

// deadLetter is the record of a refused event: its bytes are the value, its place is the key, and headers hold the
// rest.
func deadLetter(r *schema.Rejection) message {
	header := func(key, value string) kafka.Header { return kafka.Header{Key: key, Value: []byte(value)} }
	return message{
		key:   []byte(place(r.Place)),
		value: r.Raw,
		at:    time.UnixMilli(r.AtMS),
		headers: []kafka.Header{
			header("reason", string(r.Err.Reason)),
			header("field", r.Err.Field),
			header("error", r.Err.Error()),
			header("topic", r.Topic),
			header("partition", strconv.Itoa(int(r.Partition))),
			header("offset", strconv.FormatInt(r.Offset, 10)),
			header("line", strconv.FormatUint(uint64(r.Line), 10)),
			header("at", string(schema.AppendTime(nil, r.AtMS))),
		},
	}
}

// place formats where an event was read as topic/partition/offset/line.
func place(p schema.Place) string {
	return fmt.Sprintf("%s/%d/%d/%d", p.Topic, p.Partition, p.Offset, p.Line)
}
