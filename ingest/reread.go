package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"kaskad/schema"
)

// rereadEvery is how often ingest looks for orders to read the topic again.
const rereadEvery = 2 * time.Second

// watchRereads waits for orders that set some of these partitions back and returns them. Meanwhile it notes which
// earlier orders are done. When ctx ends it returns nothing.
func (in *Ingester) watchRereads(ctx context.Context, partitions []*partition) []schema.Reread {
	ids := make([]int32, len(partitions))
	byID := make(map[int32]*partition, len(partitions))
	for i, p := range partitions {
		ids[i] = int32(p.id)
		byID[ids[i]] = p
	}
	for ctx.Err() == nil {
		open, err := schema.OpenRereads(ctx, in.conn, in.config.Topic, ids)
		if err != nil {
			open = nil // ClickHouse is away, which whoever stores says
		}
		var orders []schema.Reread
		for _, r := range open {
			switch {
			case !r.Applied:
				orders = append(orders, r)
			case byID[r.Partition].stored.Load() >= r.Until:
				if err := schema.NoteReread(ctx, in.conn, in.config.Topic, r, true); err == nil {
					in.log.Info("partition was read again", "topic", in.config.Topic, "partition", r.Partition, "until",
						r.Until)
				}
			}
		}
		if len(orders) > 0 {
			return orders
		}
		if sleep(ctx, rereadEvery) != nil {
			return nil
		}
	}
	return nil
}

// setBack commits earlier offsets for the partitions of the orders. Nobody reads them meanwhile: it is called when the
// generation's readers have ended. A crash before the note sets a partition back once more.
func (in *Ingester) setBack(ctx context.Context, generation *kafka.Generation, partitions []*partition,
	orders []schema.Reread) error {
	all, err := in.countPartitions(ctx)
	if err != nil {
		return err
	}
	stored := make(map[int32]int64, len(partitions))
	for _, p := range partitions {
		stored[int32(p.id)] = p.stored.Load()
	}
	type span struct{ from, until int64 }
	spans := map[uuid.UUID]map[int32]span{}
	offsets := map[int]int64{}
	for _, r := range orders {
		from, last, err := in.offsetAt(ctx, int(r.Partition), r.FromMS)
		if err != nil {
			return err
		}
		// What lies behind the place of the group is read anyway.
		until := last
		if at := stored[r.Partition]; at >= 0 {
			until = min(until, at)
		}
		from = min(from, until)
		if spans[r.ID] == nil {
			spans[r.ID] = map[int32]span{}
		}
		spans[r.ID][r.Partition] = span{from, until}
		if at, known := offsets[int(r.Partition)]; !known || from < at {
			offsets[int(r.Partition)] = from
		}
	}
	if err := generation.CommitOffsets(map[string]map[int]int64{in.config.Topic: offsets}); err != nil {
		return fmt.Errorf("commit earlier offsets: %w", err)
	}
	for _, r := range orders {
		s := spans[r.ID][r.Partition]
		r.Partitions, r.From, r.Until = int32(all), s.from, s.until
		if err := schema.NoteReread(ctx, in.conn, in.config.Topic, r, s.from == s.until); err != nil {
			return err
		}
		in.log.Warn("partition is read again", "topic", in.config.Topic, "partition", r.Partition, "from", s.from,
			"until", s.until)
	}
	return nil
}

// offsetAt returns the first offset whose record the broker has from ms (Unix milliseconds) on, or the first of all for
// 0, and the end of the partition.
func (in *Ingester) offsetAt(ctx context.Context, partition int, ms int64) (from, last int64, err error) {
	conn, err := in.dialLeader(ctx, partition)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(fetchTimeout))
	first, last, err := conn.ReadOffsets()
	if err != nil {
		return 0, 0, fmt.Errorf("read offsets of partition %d: %w", partition, err)
	}
	if ms == 0 {
		return first, last, nil
	}
	from, err = conn.ReadOffset(time.UnixMilli(ms))
	if err != nil {
		return 0, 0, fmt.Errorf("find the offset of a time in partition %d: %w", partition, err)
	}
	if from < 0 {
		from = last // nothing was written since
	}
	return max(from, first), last, nil
}

func (in *Ingester) countPartitions(ctx context.Context) (int, error) {
	var err error
	for _, broker := range in.config.Brokers {
		var partitions []kafka.Partition
		if partitions, err = in.config.Dialer.LookupPartitions(ctx, "tcp", broker, in.config.Topic); err == nil {
			return len(partitions), nil
		}
	}
	return 0, fmt.Errorf("count partitions of %s: %w", in.config.Topic, err)
}
