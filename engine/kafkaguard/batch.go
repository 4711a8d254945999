package kafkaguard

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

const (
	// A batch of format 2: where its fields are.
	batchLengthAt     = 8
	batchMagicAt      = 16
	batchChecksumAt   = 17
	batchAttributesAt = 21
	batchLastDeltaAt  = 23
	batchProducerAt   = 43
	batchRecordsAt    = 57
	batchHeader       = 61

	// maxInflated is how large the records of a compressed batch may become. A
	// consumer holds all of them at once.
	maxInflated = 64 << 20
)

// checkBatch reads a batch to its end. kfake looks at the header and the
// checksum, and stores anything behind them; a consumer would stumble over it
// again and again. What kfake refuses by itself, with the right code for it, is
// left to kfake.
func checkBatch(batch []byte) error {
	if len(batch) < batchHeader || batch[batchMagicAt] != 2 {
		return nil
	}
	length, sum := binary.BigEndian.Uint32(batch[batchLengthAt:]), binary.BigEndian.Uint32(batch[batchChecksumAt:])
	table := crc32.MakeTable(crc32.Castagnoli)
	if int(length) != len(batch)-12 || sum != crc32.Checksum(batch[batchAttributesAt:], table) {
		return nil
	}
	count := int32(binary.BigEndian.Uint32(batch[batchRecordsAt:]))
	if count < 1 {
		return fmt.Errorf("a batch of %d records", count)
	}
	if int32(binary.BigEndian.Uint32(batch[batchLastDeltaAt:])) != count-1 {
		return nil
	}
	codec := compress.Compression(binary.BigEndian.Uint16(batch[batchAttributesAt:]) & 7)
	if codec == compress.None {
		return checkRecords(batch[batchHeader:], count)
	}
	inflated, err := inflate(codec, batch[batchHeader:])
	if err != nil {
		return fmt.Errorf("records that cannot be decompressed: %w", err)
	}
	defer inflated.Close()
	return checkStream(inflated, count)
}

// checkRecords reads uncompressed records where they are.
func checkRecords(records []byte, count int32) error {
	for i := range count {
		size, n := binary.Varint(records)
		if n <= 0 || size < 0 || size > int64(len(records)-n) {
			return fmt.Errorf("record %d ends outside of its batch", i)
		}
		if err := checkRecord(records[n:n+int(size)], i); err != nil {
			return err
		}
		records = records[n+int(size):]
	}
	if len(records) > 0 {
		return fmt.Errorf("%d bytes after the last record", len(records))
	}
	return nil
}

// checkStream reads records as they are decompressed.
func checkStream(inflated io.Reader, count int32) error {
	limited := &io.LimitedReader{R: inflated, N: maxInflated + 1}
	reader := bufio.NewReaderSize(limited, 64<<10)
	failed := func(err error) error {
		if limited.N <= 0 {
			return fmt.Errorf("records of more than %d bytes when decompressed", maxInflated)
		}
		return fmt.Errorf("records that cannot be decompressed: %w", err)
	}
	var record bytes.Buffer
	for i := range count {
		size, err := binary.ReadVarint(reader)
		if err != nil {
			return failed(err)
		}
		if size < 0 || size > maxInflated {
			return fmt.Errorf("record %d of %d bytes", i, size)
		}
		record.Reset()
		if _, err := io.CopyN(&record, reader, size); err != nil {
			return failed(err)
		}
		if err := checkRecord(record.Bytes(), i); err != nil {
			return err
		}
	}
	if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("bytes after the last record")
	}
	return nil
}

// checkRecord reads one record: attributes, time, offset, key, value, headers.
func checkRecord(record []byte, index int32) error {
	fields := fieldReader{rest: record}
	fields.skip(1)
	fields.varint()
	delta := fields.varint()
	fields.bytes(true)
	fields.bytes(true)
	headers := fields.varint()
	if headers > int64(len(fields.rest)) {
		fields.broken = true
	}
	for ; headers > 0 && !fields.broken; headers-- {
		fields.bytes(false)
		fields.bytes(true)
	}
	switch {
	case fields.broken || headers < 0 || len(fields.rest) > 0:
		return fmt.Errorf("record %d is not whole", index)
	case delta != int64(index):
		return fmt.Errorf("record %d says that it is number %d", index, delta)
	}
	return nil
}

type fieldReader struct {
	rest   []byte
	broken bool
}

func (f *fieldReader) skip(n int64) {
	if n < 0 || n > int64(len(f.rest)) {
		f.broken, f.rest = true, nil
		return
	}
	f.rest = f.rest[n:]
}

func (f *fieldReader) varint() int64 {
	value, n := binary.Varint(f.rest)
	if n <= 0 {
		f.broken, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[n:]
	return value
}

func (f *fieldReader) bytes(nullable bool) {
	if n := f.varint(); n != -1 || !nullable {
		f.skip(n)
	}
}

// inflate decompresses with a bounded memory, whatever the data claim.
func inflate(codec compress.Compression, data []byte) (io.ReadCloser, error) {
	switch codec {
	case compress.Zstd:
		decoder, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxInflated), zstd.WithDecoderMaxMemory(2*maxInflated))
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	case compress.Snappy:
		if err := checkSnappy(data); err != nil {
			return nil, err
		}
	}
	known := codec.Codec()
	if known == nil {
		return nil, fmt.Errorf("codec %d is unknown", codec)
	}
	return known.NewReader(bytes.NewReader(data)), nil
}

// checkSnappy adds up what the blocks say that they become, because a decoder
// takes that much memory first. Java's clients put blocks into a frame.
func checkSnappy(data []byte) error {
	const magic, frameHeader = "\x82SNAPPY\x00", 16
	if !bytes.HasPrefix(data, []byte(magic)) {
		return checkSnappyBlock(data, new(int))
	}
	total := 0
	for rest := data[min(frameHeader, len(data)):]; len(rest) > 0; {
		if len(rest) < 4 {
			return io.ErrUnexpectedEOF
		}
		size := int64(binary.BigEndian.Uint32(rest))
		if size > int64(len(rest)-4) {
			return io.ErrUnexpectedEOF
		}
		if err := checkSnappyBlock(rest[4:4+size], &total); err != nil {
			return err
		}
		rest = rest[4+size:]
	}
	return nil
}

func checkSnappyBlock(block []byte, total *int) error {
	size, err := snappy.DecodedLen(block)
	if err != nil {
		return err
	}
	if *total += size; *total > maxInflated {
		return fmt.Errorf("more than %d bytes when decompressed", maxInflated)
	}
	return nil
}
