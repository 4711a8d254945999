package ingest

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
	"kaskad/schema/event"
)

//go:embed sql/replay.sql
var replaySQL string

// replayLetters is how many dead letters are sent and then marked at a time, and replayBytes how many bytes of them.
const (
	replayLetters = 2000
	replayBytes   = 8 << 20
)

// Filter selects dead letters; empty fields select all.
type Filter struct {
	Reason schema.Reason
	Field  string
	Topic  string    // where the event came from
	Since  time.Time // refused at or after
	Until  time.Time // refused before
}

// ReplayResult counts what Replay did.
type ReplayResult struct {
	Replayed     uint64 // sent through again
	StillRefused uint64 // left where they are
}

// Replay sends dead letters through again that have become valid: because the rules changed, their time has come,
// ClickHouse takes them now (unstorable), or they may wait for their message once more (no_cohort). What is still
// invalid stays where it is, because it would only come back. Each batch is marked when Kafka has it, so that running
// Replay again sends nothing twice; a crash between sending and marking may send a batch again, which changes no
// figure, because facts are merges.
func Replay(ctx context.Context, conn driver.Conn, to *Producer, filter Filter, now func() time.Time) (ReplayResult,
	error) {
	var result ReplayResult
	if now == nil {
		now = time.Now
	}
	// What comes back refused because of this run must not be replayed by it again.
	end := now().Add(time.Millisecond)
	if !filter.Until.IsZero() && filter.Until.Before(end) {
		end = filter.Until
	}
	rows, err := conn.Query(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"reason": string(filter.Reason),
		"field":  filter.Field,
		"topic":  filter.Topic,
		"since":  strconv.FormatInt(max(0, filter.Since.UnixMilli()), 10),
		"until":  strconv.FormatInt(end.UnixMilli(), 10),
	})), replaySQL)
	if err != nil {
		return result, fmt.Errorf("read dead letters: %w", err)
	}
	defer rows.Close()
	batch := replayBatch{nowMS: now().UnixMilli()}
	for rows.Next() {
		var at schema.Place
		var raw []byte
		if err := rows.Scan(&at.Topic, &at.Partition, &at.Offset, &at.Line, &raw); err != nil {
			return result, fmt.Errorf("read dead letters: %w", err)
		}
		if !batch.add(at, raw) {
			result.StillRefused++
		}
		if batch.full() {
			if err := batch.send(ctx, conn, to, &result); err != nil {
				return result, err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return result, fmt.Errorf("read dead letters: %w", err)
	}
	return result, batch.send(ctx, conn, to, &result)
}

// replayBatch gathers what is sent and marked at a time.
type replayBatch struct {
	decoder      event.Decoder
	nowMS        int64
	keys, values [][]byte
	places       []schema.Place
	size         int
}

// add takes a dead letter if all that it holds is valid now.
func (b *replayBatch) add(at schema.Place, raw []byte) bool {
	var key []byte
	valid := true
	n := event.Lines(raw, func(_ int, raw []byte) {
		ev, err := b.decoder.Decode(raw, b.nowMS)
		if err != nil {
			valid = false
			return
		}
		key = AppendKey(nil, ev)
	})
	if !valid || n == 0 {
		return false
	}
	b.keys, b.values, b.places = append(b.keys, key), append(b.values, raw), append(b.places, at)
	b.size += len(raw)
	return true
}

func (b *replayBatch) full() bool { return len(b.places) >= replayLetters || b.size >= replayBytes }

// send produces first and marks then: a crash between the two sends again, the other order would lose.
func (b *replayBatch) send(ctx context.Context, conn driver.Conn, to *Producer, result *ReplayResult) error {
	if len(b.places) == 0 {
		return nil
	}
	if err := to.Produce(ctx, b.keys, b.values); err != nil {
		return fmt.Errorf("replay dead letters: %w", err)
	}
	if err := schema.InsertReplayed(ctx, conn, b.places, b.nowMS); err != nil {
		return fmt.Errorf("mark dead letters as replayed: %w", err)
	}
	result.Replayed += uint64(len(b.places))
	b.keys, b.values, b.places, b.size = b.keys[:0], b.values[:0], b.places[:0], 0
	return nil
}
