package engine

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// runRetention deletes old log files once a minute, as Kafka does: whole files,
// oldest first, while they are too old or the partition is too large.
//
// kfake has a retention of its own that is switched off, for four reasons found
// in its source: it goes by the producer's timestamps, and one old batch takes
// everything before it along; it stops after a restart; it may delete the last
// file, and with it the offset that the partition had reached, so that new
// records get offsets that were used before; and it knows no consumers. Here age
// is the time of the broker's last write to the file, the last file stays, and
// records that a group with committed offsets has not read are kept whatever
// their age: when the disk gets full, the broker refuses new records instead of
// losing accepted ones.
func (b *Broker) runRetention(ctx context.Context) {
	every := time.NewTicker(janitorInterval)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		if err := b.applyRetention(ctx, time.Now()); err != nil && ctx.Err() == nil {
			b.config.Logger.Error("broker retention failed; it is tried again in a minute", "error", err)
		}
	}
}

// applyRetention deletes what every topic need not keep at the given time.
func (b *Broker) applyRetention(ctx context.Context, now time.Time) error {
	commits, err := b.commits(ctx)
	if err != nil {
		return err
	}
	for _, topic := range b.config.Topics {
		for _, partition := range b.cluster.PartitionInfos(topic.Name) {
			segments, err := listSegments(b.partitionDir(topic.Name, partition.Partition))
			if err != nil {
				return err
			}
			limit := int64(-1)
			if topic.RetentionBytes > 0 {
				limit = topic.RetentionBytes / int64(topic.Partitions)
			}
			oldest := now.Add(-time.Duration(topic.RetentionMS) * time.Millisecond)
			if topic.RetentionMS < 0 {
				oldest = time.Time{}
			}
			keepFrom, ok := commits[topicPartition{topic.Name, partition.Partition}]
			if !ok {
				keepFrom = math.MaxInt64
			}
			start := retain(segments, limit, oldest, keepFrom)
			if start <= partition.LogStartOffset {
				continue
			}
			if err := b.cluster.DeleteRecords(topic.Name, partition.Partition, start); err != nil {
				return fmt.Errorf("delete records of %s partition %d before offset %d: %w", topic.Name,
					partition.Partition, start, err)
			}
		}
	}
	return nil
}

// segment is a log file of a partition.
type segment struct {
	base    int64 // the offset of its first record
	size    int64
	written time.Time // of its last record
}

// retain returns the offset from which a partition keeps its records: the base
// of the first segment that is neither older than oldest nor in excess of limit
// bytes (negative: no limit), nor after keepFrom. The last segment always stays.
// 0 means that there is nothing to delete.
func retain(segments []segment, limit int64, oldest time.Time, keepFrom int64) int64 {
	var size, start int64
	for _, s := range segments {
		size += s.size
	}
	for i := 0; i+1 < len(segments); i++ {
		excess := limit >= 0 && size > limit
		if !excess && !segments[i].written.Before(oldest) {
			break
		}
		next := segments[i+1].base
		if next > keepFrom {
			break
		}
		start = next
		size -= segments[i].size
	}
	return start
}

type topicPartition struct {
	topic     string
	partition int32
}

// commits is the smallest committed offset of every partition over all groups.
func (b *Broker) commits(ctx context.Context) (map[topicPartition]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(b.addrs...), Transport: transport}
	groups, err := client.ListGroups(ctx, &kafka.ListGroupsRequest{})
	if err == nil {
		err = groups.Error
	}
	if err != nil {
		return nil, fmt.Errorf("list consumer groups: %w", err)
	}
	smallest := make(map[topicPartition]int64)
	for _, group := range groups.Groups {
		info := b.cluster.GroupInfo(group.GroupID)
		if info == nil {
			continue // it went away meanwhile
		}
		for topic, partitions := range info.Commits {
			for partition, commit := range partitions {
				key := topicPartition{topic, partition}
				if have, ok := smallest[key]; !ok || commit.Offset < have {
					smallest[key] = commit.Offset
				}
			}
		}
	}
	return smallest, nil
}

// partitionDir is where kfake keeps the log files of a partition.
func (b *Broker) partitionDir(topic string, partition int32) string {
	return filepath.Join(b.storeDir(), "partitions", fmt.Sprintf("%s-%d", url.PathEscape(topic), partition))
}

// listSegments reads the log files of a partition, oldest first. A partition
// without records has no directory yet.
func listSegments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list log files: %w", err)
	}
	var segments []segment
	for _, entry := range entries {
		name, isLog := strings.CutSuffix(entry.Name(), ".dat")
		base, err := strconv.ParseInt(name, 10, 64)
		if !isLog || err != nil {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("read log file: %w", err)
		}
		segments = append(segments, segment{base: base, size: info.Size(), written: info.ModTime()})
	}
	slices.SortFunc(segments, func(a, b segment) int { return int(min(max(a.base-b.base, -1), 1)) })
	return segments, nil
}
