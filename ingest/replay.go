package ingest

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
	"kaskad/schema/event"
)

var (
	//go:embed sql/replay.sql
	replaySQL string
	//go:embed sql/letters.sql
	lettersSQL string
)

// replayLetters is how many dead letters are sent and then marked at a time, and replayBytes how many bytes of them.
const (
	replayLetters = 2000
	replayBytes   = 8 << 20
)

// Sender takes records and returns when all in-sync replicas have them, as Producer does.
type Sender interface {
	Produce(ctx context.Context, keys, values [][]byte) error
}

// Replay sends dead letters through again that have become valid: because the rules changed, their time has come,
// ClickHouse takes them now (unstorable), or they may wait for their message once more (no_cohort). What is still
// invalid stays where it is, because it would only come back. Each batch is marked when Kafka has it, so that running
// Replay again sends nothing twice; a crash between sending and marking may send a batch again, and so may two that run
// at once, which changes no figure, because facts are merges. With a limit it ends after 8 MiB of letters too.
func Replay(ctx context.Context, conn driver.Conn, to Sender, filter schema.LetterFilter,
	now func() time.Time) (result schema.Replayed, err error) {
	if now == nil {
		now = time.Now
	}
	// What comes back refused because of this run must not be replayed by it again.
	if end := now().Add(time.Millisecond); filter.Until.IsZero() || filter.Until.After(end) {
		filter.Until = end
	}
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := conn.Query(reading, replaySQL, append(letterArgs(filter), afterArgs(filter)...)...)
	if err != nil {
		return result, fmt.Errorf("read dead letters: %w", err)
	}
	defer func() {
		cancel() // letters that nobody looks at any more are not waited for
		_ = rows.Close()
	}()
	batch := replayBatch{nowMS: now().UnixMilli()}
	for looked, bytes := 0, 0; rows.Next(); looked++ {
		if result.More = filter.Limit > 0 && (looked == filter.Limit || bytes >= replayBytes); result.More {
			return result, batch.send(ctx, conn, to, &result)
		}
		var at schema.Place
		var raw []byte
		if err := rows.Scan(&at.Topic, &at.Partition, &at.Offset, &at.Line, &raw); err != nil {
			return result, fmt.Errorf("read dead letters: %w", err)
		}
		result.Last, bytes = &at, bytes+len(raw)
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

// CountLetters counts the dead letters of a filter, whatever its After and Limit: those that wait, and those that were
// sent through again.
func CountLetters(ctx context.Context, conn driver.Conn, filter schema.LetterFilter) (waiting, replayed uint64,
	err error) {
	if filter.Until.IsZero() {
		filter.Until = time.UnixMilli(math.MaxInt64)
	}
	if err := conn.QueryRow(ctx, lettersSQL, letterArgs(filter)...).Scan(&waiting, &replayed); err != nil {
		return 0, 0, fmt.Errorf("count dead letters: %w", err)
	}
	return waiting, replayed, nil
}

func letterArgs(filter schema.LetterFilter) []any {
	topics, partitions, offsets, lines := []string{}, []int32{}, []int64{}, []uint32{}
	for _, p := range filter.Places {
		topics, partitions = append(topics, p.Topic), append(partitions, p.Partition)
		offsets, lines = append(offsets, p.Offset), append(lines, p.Line)
	}
	return []any{clickhouse.Named("reason", string(filter.Reason)), clickhouse.Named("field", filter.Field),
		clickhouse.Named("topic", filter.Topic), clickhouse.Named("since", max(0, filter.Since.UnixMilli())),
		clickhouse.Named("until", filter.Until.UnixMilli()), clickhouse.Named("every", filter.Places == nil),
		clickhouse.Named("topics", topics), clickhouse.Named("partitions", partitions),
		clickhouse.Named("offsets", offsets), clickhouse.Named("lines", lines)}
}

func afterArgs(filter schema.LetterFilter) []any {
	after, limit := schema.Place{}, uint64(math.MaxUint64)
	if filter.After != nil {
		after = *filter.After
	}
	if filter.Limit > 0 {
		limit = uint64(filter.Limit) + 1 // one more tells that there is more
	}
	return []any{clickhouse.Named("first", filter.After == nil), clickhouse.Named("after_topic", after.Topic),
		clickhouse.Named("after_partition", after.Partition), clickhouse.Named("after_offset", after.Offset),
		clickhouse.Named("after_line", after.Line), clickhouse.Named("limit", limit)}
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
func (b *replayBatch) send(ctx context.Context, conn driver.Conn, to Sender, result *schema.Replayed) error {
	if len(b.places) == 0 {
		return nil
	}
	if err := to.Produce(ctx, b.keys, b.values); err != nil {
		return fmt.Errorf("replay dead letters: %w", err)
	}
	if err := schema.InsertReplayed(ctx, conn, b.places, b.nowMS); err != nil {
		return fmt.Errorf("mark dead letters as replayed: %w", err)
	}
	result.Sent += uint64(len(b.places))
	b.keys, b.values, b.places, b.size = b.keys[:0], b.values[:0], b.places[:0], 0
	return nil
}
