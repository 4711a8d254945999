package event

import (
	"encoding/binary"
	"errors"
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"

	"kaskad/schema"
)

// The Arrow library believes what a stream says of its own sizes, and a number too large takes the whole process down
// for want of memory or stack, which no recover can catch. checkArrow reads the same numbers first. Layouts are those
// of Arrow's format files Message.fbs and Schema.fbs; a slot is the place of a field in its table's vtable, 4 bytes for
// the first and 2 more for each other.
const (
	slotMessageHeaderType = 6
	slotMessageHeader     = 8
	slotMessageBodyLength = 10
	slotMessageMetadata   = 12

	slotSchemaFields   = 6
	slotSchemaMetadata = 8

	slotFieldName     = 4
	slotFieldTypeType = 8
	slotFieldChildren = 14
	slotFieldMetadata = 16

	slotBatchNodes   = 6
	slotBatchBuffers = 8
	slotDictionary   = 6 // the record batch inside a dictionary batch

	headerSchema, headerDictionary, headerBatch = 1, 2, 3

	maxArrowFields = 4096
	maxArrowDepth  = schema.MaxDepth
)

// Types whose description holds sizes of its own, and that no field of an event needs: union, run-end encoded, views.
var arrowTypesRefused = map[byte]bool{14: true, 22: true, 23: true, 24: true, 25: true, 26: true}

var errArrowSizes = errors.New("broken arrow stream: its sizes contradict each other")

// checkArrow goes through the messages of a stream. It panics or returns an error when one is broken.
func checkArrow(stream []byte) error {
	for len(stream) > 0 {
		if len(stream) < 8 || !IsArrow(stream) {
			return errors.New("broken arrow stream: a message without its marker; files and streams from before " +
				"Arrow 0.15 are not taken")
		}
		size := binary.LittleEndian.Uint32(stream[4:])
		stream = stream[8:]
		if size == 0 {
			return nil // the end
		}
		if uint64(size) > uint64(len(stream)) {
			return errors.New("the arrow stream ends in the middle of a message")
		}
		body, err := checkArrowMessage(stream[:size])
		if err != nil {
			return err
		}
		stream = stream[size:]
		if body < 0 || body > int64(len(stream)) {
			return errors.New("the arrow stream ends in the middle of a message")
		}
		stream = stream[body:]
	}
	return nil
}

// checkArrowMessage returns the length of the body that follows.
func checkArrowMessage(meta []byte) (body int64, err error) {
	message := arrowTable{flatbuffers.Table{Bytes: meta, Pos: flatbuffers.GetUOffsetT(meta)}}
	if o := message.at(slotMessageBodyLength); o != 0 {
		body = message.GetInt64(message.Pos + o)
	}
	if err := message.checkVector(slotMessageMetadata, 4); err != nil {
		return 0, err
	}
	kind := byte(0)
	if o := message.at(slotMessageHeaderType); o != 0 {
		kind = message.GetByte(message.Pos + o)
	}
	o := message.at(slotMessageHeader)
	if o == 0 {
		return 0, errors.New("broken arrow stream: a message without header")
	}
	header := message.table(message.Pos + o)
	switch kind {
	case headerSchema:
		left := maxArrowFields
		if err := header.checkVector(slotSchemaMetadata, 4); err != nil {
			return 0, err
		}
		return body, header.checkFields(slotSchemaFields, 0, &left)
	case headerDictionary:
		if o := header.at(slotDictionary); o != 0 {
			header = header.table(header.Pos + o)
		}
	case headerBatch:
	default:
		return 0, fmt.Errorf("broken arrow stream: a message of kind %d", kind)
	}
	if err := header.checkVector(slotBatchNodes, 16); err != nil {
		return 0, err
	}
	return body, header.checkVector(slotBatchBuffers, 16)
}

// arrowTable is a flatbuffers table of which nothing is known but its layout.
type arrowTable struct{ flatbuffers.Table }

// at returns where the slot's value stands in the table, 0 when it is absent.
func (t arrowTable) at(slot flatbuffers.VOffsetT) flatbuffers.UOffsetT {
	return flatbuffers.UOffsetT(t.Offset(slot))
}

func (t arrowTable) table(at flatbuffers.UOffsetT) arrowTable {
	return arrowTable{flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(at)}}
}

// checkVector makes sure that a vector ends inside the message.
func (t arrowTable) checkVector(slot flatbuffers.VOffsetT, elementBytes uint64) error {
	o := t.at(slot)
	if o == 0 {
		return nil
	}
	if uint64(t.Vector(o))+uint64(uint32(t.VectorLen(o)))*elementBytes > uint64(len(t.Bytes)) {
		return errArrowSizes
	}
	return nil
}

func (t arrowTable) checkFields(slot flatbuffers.VOffsetT, depth int, left *int) error {
	if err := t.checkVector(slot, 4); err != nil {
		return err
	}
	o := t.at(slot)
	if o == 0 {
		return nil
	}
	if depth > maxArrowDepth {
		return fmt.Errorf("an arrow column is nested deeper than %d levels", maxArrowDepth)
	}
	start := t.Vector(o)
	for i := range t.VectorLen(o) {
		if *left--; *left < 0 {
			return fmt.Errorf("the arrow schema has more than %d fields", maxArrowFields)
		}
		field := t.table(start + flatbuffers.UOffsetT(4*i))
		if at := field.at(slotFieldTypeType); at != 0 && arrowTypesRefused[field.GetByte(field.Pos+at)] {
			name := ""
			if at := field.at(slotFieldName); at != 0 {
				name = field.String(field.Pos + at)
			}
			return fmt.Errorf("arrow column %q: unions, run-end encoding and views are not taken", name)
		}
		if err := field.checkVector(slotFieldMetadata, 4); err != nil {
			return err
		}
		if err := field.checkFields(slotFieldChildren, depth+1, left); err != nil {
			return err
		}
	}
	return nil
}
