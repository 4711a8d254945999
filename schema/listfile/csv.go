package listfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ReadCSV reads a header of field names and a row per line. Cells are divided by commas, or by semicolons where the
// header is: so do spreadsheets in countries with a decimal comma. An empty cell is a field left out. A row of blank
// cells is no row, as spreadsheets leave some behind, but a file of nothing else does not mean to remove all rows: that
// is said by the header alone.
func ReadCSV(body []byte, l *Spec, p *Problems) (rows []Row) {
	body, ok := readText(body, p)
	if !ok {
		return nil
	}
	cells := csv.NewReader(bytes.NewReader(body))
	cells.FieldsPerRecord = -1
	cells.ReuseRecord = true
	head, _, _ := bytes.Cut(bytes.TrimLeft(body, "\r\n"), []byte{'\n'})
	if bytes.IndexByte(head, ';') >= 0 && bytes.IndexByte(head, ',') < 0 {
		cells.Comma = ';'
	}
	if !checkCSV(body, byte(cells.Comma), p) {
		return nil
	}
	record, err := cells.Read()
	if errors.Is(err, io.EOF) {
		p.Add(0, 1, "", "is empty: the first line must name the fields "+strings.Join(l.Fields, " "))
		return nil
	}
	if err != nil {
		csvProblem(err, p)
		return nil
	}
	header, ok := readHeader(record, l, p)
	if !ok {
		return nil
	}
	end := cells.InputOffset() // of the header
	for number, blank := 1, 0; ; {
		record, err := cells.Read()
		if errors.Is(err, io.EOF) {
			if number == 1 && end < int64(len(body)) {
				p.Add(1, 0, "", "is blank, as all rows are: nothing is removed by that; send the header alone to "+
					"remove all rows")
			}
			return rows
		}
		if err != nil {
			csvProblem(err, p)
			return rows
		}
		line, _ := cells.FieldPos(0)
		if !slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			if blank++; blank > l.Limit {
				p.Add(0, line, "", fmt.Sprintf("has more than %d blank rows: leave them out", l.Limit))
				return rows
			}
			continue
		}
		if number > l.Limit {
			p.Add(0, line, "", TooMany(l))
			return rows
		}
		if len(record) != len(header) {
			p.Add(number, line, "", fmt.Sprintf("has %d cells where the header has %d: quote cells that hold the "+
				"separator, and write decimals with a point",
				len(record), len(header)))
		} else {
			rows = append(rows, csvRow(number, line, header, record, cells, l, p))
		}
		number++
	}
}

// checkCSV refuses a file whose rows cannot be read with little memory: the library keeps all cells of a row at once.
// What it finds wrong by itself is left to it.
func checkCSV(body []byte, comma byte, p *Problems) bool {
	const (
		start = iota // of a cell
		plain
		quoted
		closed // a quote inside quotes: the end, or the first of two
	)
	state, cells, begin, line := start, 1, 0, 1
	for i, b := range body {
		switch {
		case i-begin > maxFieldBytes:
			p.Add(0, line, "", fmt.Sprintf("has a cell of more than %d bytes: is a quote left open?", maxFieldBytes))
			return false
		case state == quoted && b == '"':
			state = closed
		case state == quoted:
		case b == '"' && state == plain:
			return true
		case b == '"':
			state = quoted
		case b == comma:
			if cells++; cells > maxFields {
				p.Add(0, line, "", tooManyFields("cells"))
				return false
			}
			state, begin = start, i+1
		case b == '\n':
			state, cells, begin = start, 1, i+1
		case state == start:
			state = plain
		case state == closed && b != '\r':
			return true
		}
		if b == '\n' {
			line++
		}
	}
	return true
}

func csvProblem(err error, p *Problems) {
	line := 0
	if at := (*csv.ParseError)(nil); errors.As(err, &at) {
		line, err = at.Line, at.Err
	}
	p.Add(0, line, "", "is not CSV: "+err.Error())
}

// readHeader returns the fields' names in the order of columns.
func readHeader(record []string, l *Spec, p *Problems) ([]string, bool) {
	header := make([]string, len(record))
	good := true
	refuse := func(field, reason string) {
		p.Add(0, 1, Shorten(field), reason)
		good = false
	}
	for i, cell := range record {
		name := strings.TrimSpace(cell)
		if !slices.Contains(l.Fields, name) {
			refuse(name, "is unknown in the header; the fields are "+strings.Join(l.Fields, " "))
		} else if slices.Contains(header[:i], name) {
			refuse(name, "is twice in the header: leave one column out")
		}
		header[i] = name
	}
	for _, name := range l.Required {
		if good && !slices.Contains(header, name) {
			refuse(name, "is missing in the header, the first line, which names the fields")
		}
	}
	return header, good
}

func csvRow(number, line int, header, record []string, cells *csv.Reader, l *Spec, p *Problems) Row {
	out := newRow(number, line, l, p)
	var seen uint32
	for i, text := range record {
		at, _ := cells.FieldPos(i)
		v := Value{line: at}
		if text != "" {
			v.Kind, v.Text = textual, strings.Clone(text)
		}
		out.set(header[i], v, &seen)
	}
	return out
}

// WriteCSV writes what ReadCSV reads.
func WriteCSV(fields []string, rows int, row func(i int) []string) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	err := w.Write(fields)
	for i := 0; i < rows && err == nil; i++ {
		err = w.Write(row(i))
	}
	w.Flush()
	if err = errors.Join(err, w.Error()); err != nil {
		return nil, fmt.Errorf("write CSV: %w", err)
	}
	return out.Bytes(), nil
}
