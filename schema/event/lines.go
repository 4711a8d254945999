package event

import (
	"bytes"

	"github.com/go-faster/jx"
)

// Lines splits what came in one Kafka value or one request body into events and calls yield with each: its number,
// counted from 1 (physical lines of NDJSON, blank ones too; elements of an array), and its bytes as they came. A single
// object may be spread over several lines. What cannot be split is yielded as it is, for the decoder to refuse, and its
// neighbours still come. It returns the number of events.
func Lines(value []byte, yield func(line int, raw []byte)) int {
	trimmed := bytes.TrimSpace(value)
	switch {
	case len(trimmed) == 0:
		return 0
	// An array ends with the value; a bracket that closes earlier, or never, is just a bad line among others.
	case trimmed[0] == '[' && valueEnd(trimmed, 0) == len(trimmed):
		return elements(trimmed, yield)
	case bytes.IndexByte(trimmed, '\n') < 0 &&
		bytes.IndexByte(value[:len(value)-len(bytes.TrimLeft(value, " \t\r\n"))], '\n') < 0,
		spreadObject(trimmed):
		yield(1, bytes.TrimRight(value, "\r\n"))
		return 1
	}
	n := 0
	for line := 1; len(value) > 0; line++ {
		raw, rest, _ := bytes.Cut(value, []byte{'\n'})
		value = rest
		if raw = bytes.TrimSuffix(raw, []byte{'\r'}); len(bytes.TrimSpace(raw)) > 0 {
			n++
			yield(line, raw)
		}
	}
	return n
}

// spreadObject reports whether the value is one valid object written over several lines. A first line that is whole in
// itself answers fast.
func spreadObject(value []byte) bool {
	newline := bytes.IndexByte(value, '\n')
	if value[0] != '{' || newline < 0 || valueEnd(value[:newline], 0) > 0 {
		return false
	}
	return valueEnd(value, 0) == len(value) && jx.Valid(value)
}

// elements splits an array that closes at the end of the value. Where a comma is missing the rest is one bad element.
func elements(value []byte, yield func(line int, raw []byte)) int {
	n := 0
	emit := func(raw []byte) {
		n++
		yield(n, raw)
	}
	last := len(value) - 1
	for i := skipSpace(value, 1); i < last; {
		end := valueEnd(value[:last], i)
		if end < 0 {
			end = last // a scalar, which ends with the array
		}
		emit(value[i:max(end, i+1)]) // nothing before a comma is a bad element too
		i = skipSpace(value, end)
		if i >= last {
			return n
		}
		next := skipSpace(value, i+1)
		if value[i] != ',' || next >= last {
			emit(value[i:last]) // no comma, or one too many
			return n
		}
		i = next
	}
	return n
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// valueEnd returns the index behind the JSON value that starts at i, or -1 when it does not end. Brackets are counted
// outside of strings; whether the value is valid is the decoder's business.
func valueEnd(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if i >= len(b) {
				return -1
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
			if depth < 0 {
				return i
			}
		case ',':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 && (b[i] == '}' || b[i] == ']') {
			return i + 1
		}
	}
	return -1
}
