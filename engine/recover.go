package engine

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// After a kill, kfake reads all records of all partitions into memory at once to
// find out where each partition ended: 10 GB of records need 10 GB of memory.
// After a stop in order it has a snapshot per partition and reads one file at a
// time. recoverLogs writes the snapshots that a killed broker could not write,
// so that both starts are alike. Where it is not sure (transactions, a snapshot
// of another format) it does nothing, and kfake recovers in its own way.

// snapshotVersion is the version of kfake's snapshot.json that this code knows.
const snapshotVersion = 1

// partitionSnapshot is kfake's snapshot.json.
type partitionSnapshot struct {
	Version          int               `json:"version"`
	HighWatermark    int64             `json:"high_watermark"`
	LastStableOffset int64             `json:"last_stable_offset"`
	LogStartOffset   int64             `json:"log_start_offset"`
	Epoch            int32             `json:"epoch"`
	LeaderNode       int32             `json:"leader_node,omitempty"`
	MaxTimestamp     int64             `json:"max_timestamp"`
	CreatedAt        time.Time         `json:"created_at"`
	AbortedTxns      []json.RawMessage `json:"aborted_txns,omitempty"`
	Segments         []snapshotSegment `json:"segments"`
}

type snapshotSegment struct {
	BaseOffset int64 `json:"base_offset"`
	Size       int64 `json:"size"`
	MinEpoch   int32 `json:"min_epoch,omitempty"`
	MaxEpoch   int32 `json:"max_epoch,omitempty"`
}

// recoverLogs prepares all partitions of a store that no broker is using.
func recoverLogs(store string) error {
	partitions, err := filepath.Glob(filepath.Join(store, "partitions", "*"))
	if err != nil {
		return err
	}
	for _, dir := range partitions {
		if err := recoverPartition(dir); err != nil {
			return fmt.Errorf("recover log %s: %w", dir, err)
		}
	}
	return nil
}

func recoverPartition(dir string) error {
	segments, err := listSegments(dir)
	if err != nil || len(segments) == 0 {
		return err
	}
	name := filepath.Join(dir, "snapshot.json")
	before := partitionSnapshot{Version: snapshotVersion, CreatedAt: time.Now()}
	text, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, &before)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil // kfake ignores such a snapshot, too
	}
	if before.Version != snapshotVersion || before.LastStableOffset != before.HighWatermark {
		return nil
	}

	known := make(map[int64]int64)
	for _, s := range before.Segments {
		known[s.BaseOffset] = s.Size
	}
	after := before
	after.Segments = nil
	changed := len(before.Segments) != len(segments)
	for i, s := range segments {
		last := i == len(segments)-1
		if size, ok := known[s.base]; !ok || size != s.size || last {
			scan, err := scanSegment(segmentPath(dir, s.base), last)
			if err != nil {
				return err
			}
			if scan.transactional {
				return nil
			}
			if scan.valid != s.size {
				if !last {
					return nil // damage in the middle is for kfake to judge
				}
				if err := os.Truncate(segmentPath(dir, s.base), scan.valid); err != nil {
					return err
				}
				changed = true
			}
			if last && scan.valid == 0 {
				// Half a batch was all there was. The partition ends with the
				// previous file, if there is one.
				return removeEmptySegment(dir, s.base, segments[:i])
			}
			if last {
				after.HighWatermark, after.LastStableOffset = scan.next, scan.next
			}
			changed = changed || !ok || size != scan.valid
			s.size = scan.valid
		}
		after.Segments = append(after.Segments, snapshotSegment{
			BaseOffset: s.base, Size: s.size, MinEpoch: before.Epoch, MaxEpoch: before.Epoch,
		})
	}
	if !changed {
		return nil
	}
	after.LogStartOffset = max(before.LogStartOffset, segments[0].base)
	if text, err = json.Marshal(after); err != nil {
		return err
	}
	return replaceFile(name, text, 0o644)
}

// removeEmptySegment removes the last log file and tries again without it.
func removeEmptySegment(dir string, base int64, rest []segment) error {
	if err := os.Remove(segmentPath(dir, base)); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, strconv.FormatInt(base, 10)+".idx")); err != nil &&
		!errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(rest) == 0 {
		return nil
	}
	return recoverPartition(dir)
}

func segmentPath(dir string, base int64) string {
	return filepath.Join(dir, strconv.FormatInt(base, 10)+".dat")
}

// segmentScan is what the batches of a log file tell.
type segmentScan struct {
	valid         int64 // bytes of whole batches
	next          int64 // the offset after the last of them
	transactional bool  // whether one of them belongs to a transaction
}

// Kafka's record batch, format 2: the length counts what follows it, and the
// checksum covers everything from the attributes on.
const (
	batchLengthAt     = 8
	batchChecksumAt   = 17
	batchAttributesAt = 21
	batchLastDeltaAt  = 23
	batchHeader       = 61

	attributeTransactional = 1 << 4
	attributeControl       = 1 << 5

	maxBatch = 1 << 30
)

// scanSegment reads the batches of a log file up to the first that is not whole.
// Only with check does it read what is inside them, to verify the checksums: the
// end of the last file is where a killed broker leaves half a batch.
func scanSegment(name string, check bool) (segmentScan, error) {
	var scan segmentScan
	file, err := os.Open(name)
	if err != nil {
		return scan, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return scan, err
	}
	reader := bufio.NewReaderSize(file, 1<<20)
	table := crc32.MakeTable(crc32.Castagnoli)
	header := make([]byte, batchHeader)
	for {
		if _, err := io.ReadFull(reader, header); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return scan, nil
		} else if err != nil {
			return scan, err
		}
		size := int64(binary.BigEndian.Uint32(header[batchLengthAt:])) + batchLengthAt + 4
		if size < batchHeader || size > maxBatch || scan.valid+size > info.Size() {
			return scan, nil
		}
		if check {
			sum := crc32.New(table)
			_, _ = sum.Write(header[batchAttributesAt:])
			if _, err := io.CopyN(sum, reader, size-batchHeader); err != nil {
				return scan, err
			}
			if sum.Sum32() != binary.BigEndian.Uint32(header[batchChecksumAt:]) {
				return scan, nil
			}
		} else if _, err := reader.Discard(int(size - batchHeader)); err != nil {
			return scan, err
		}
		attributes := binary.BigEndian.Uint16(header[batchAttributesAt:])
		if attributes&(attributeTransactional|attributeControl) != 0 {
			scan.transactional = true
		}
		scan.valid += size
		scan.next = int64(binary.BigEndian.Uint64(header)) + int64(binary.BigEndian.Uint32(header[batchLastDeltaAt:])) +
			1
	}
}
