package schema

import "bytes"

// Lines splits what came in one Kafka value or one request body into events and calls yield with each: its number, counted from
// 1 (physical lines of NDJSON, elements of an array), and its bytes. A single object may be spread over several lines.
// What cannot be split is yielded as it is, for the decoder to refuse, and its neighbours still come. It returns the number of events.
func Lines(value []byte, yield func(line int, raw []byte)) int {
	value = bytes.TrimSpace(value)
	switch {
	case len(value) == 0:
		return 0
	case value[0] == '[':
		return elements(value, yield)
	case bytes.IndexByte(value, '\n') < 0 || singleObject(value):
		yield(1, value)
		return 1
	}
	n := 0
	for line := 1; len(value) > 0; line++ {
		raw, rest, _ := bytes.Cut(value, []byte{'\n'})
		value = rest
		if raw = bytes.TrimSpace(raw); len(raw) > 0 {
			n++
			yield(line, raw)
		}
	}
	return n
}

// singleObject tells whether the value is one object written over several lines. A first line that is whole in itself answers fast.
func singleObject(value []byte) bool {
	if value[0] != '{' {
		return false
	}
	first := value[:bytes.IndexByte(value, '\n')]
	if end := valueEnd(first, 0); end > 0 {
		return false
	}
	return valueEnd(value, 0) == len(value)
}

func elements(value []byte, yield func(line int, raw []byte)) int {
	n := 0
	emit := func(raw []byte) {
		n++
		yield(n, raw)
	}
	i := skipSpace(value, 1)
	if i < len(value) && value[i] == ']' {
		if rest := bytes.TrimSpace(value[i+1:]); len(rest) > 0 {
			emit(rest)
		}
		return n
	}
	for {
		i = skipSpace(value, i)
		end := valueEnd(value, i)
		if end <= i {
			emit(value[min(i, len(value)-1):])
			return n
		}
		emit(value[i:end])
		i = skipSpace(value, end)
		switch {
		case i < len(value) && value[i] == ',':
			i++
		case i < len(value) && value[i] == ']':
			if rest := bytes.TrimSpace(value[i+1:]); len(rest) > 0 {
				emit(rest)
			}
			return n
		default:
			emit(value[min(i, len(value)-1):])
			return n
		}
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// valueEnd returns the index behind the JSON value that starts at i, or -1 when it does not end. Brackets are counted outside of
// strings; whether the value is valid is the decoder's business.
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
