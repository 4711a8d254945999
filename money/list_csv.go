package money

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// readCSV reads a header of field names and a row per line. Cells are divided by commas, or by semicolons where the header is: so do
// spreadsheets in countries with a decimal comma. An empty cell is a field left out, a row of empty cells no row.
func readCSV(body []byte, l *list, p *problems) (rows []row) {
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
	record, err := cells.Read()
	if errors.Is(err, io.EOF) {
		p.add(0, 1, "", "is empty: the first line must name the fields "+strings.Join(l.fields, " "))
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
	for number := 1; ; {
		record, err := cells.Read()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			csvProblem(err, p)
			return rows
		}
		if !slices.ContainsFunc(record, func(cell string) bool { return cell != "" }) {
			continue
		}
		line, _ := cells.FieldPos(0)
		if number > l.limit {
			p.add(0, line, "", tooMany(l))
			return rows
		}
		if len(record) != len(header) {
			p.add(number, line, "", fmt.Sprintf("has %d cells where the header has %d: quote cells that hold the separator, and write decimals with a point",
				len(record), len(header)))
		} else {
			rows = append(rows, csvRow(number, line, header, record, cells, l, p))
		}
		number++
	}
}

func csvProblem(err error, p *problems) {
	line := 0
	if at := (*csv.ParseError)(nil); errors.As(err, &at) {
		line, err = at.Line, at.Err
	}
	p.add(0, line, "", "is not CSV: "+err.Error())
}

// readHeader returns the fields' names in the order of columns.
func readHeader(record []string, l *list, p *problems) ([]string, bool) {
	header := make([]string, len(record))
	good := true
	refuse := func(field, reason string) {
		p.add(0, 1, shorten(field), reason)
		good = false
	}
	for i, cell := range record {
		name := strings.TrimSpace(cell)
		if !slices.Contains(l.fields, name) {
			refuse(name, "is unknown in the header; the fields are "+strings.Join(l.fields, " "))
		} else if slices.Contains(header[:i], name) {
			refuse(name, "is twice in the header: leave one column out")
		}
		header[i] = name
	}
	for _, name := range l.required {
		if good && !slices.Contains(header, name) {
			refuse(name, "is missing in the header, the first line, which names the fields")
		}
	}
	return header, good
}

func csvRow(number, line int, header, record []string, cells *csv.Reader, l *list, p *problems) row {
	out := newRow(number, line, l, p)
	var seen uint32
	for i, cell := range record {
		at, _ := cells.FieldPos(i)
		v := value{line: at}
		if cell != "" {
			v.kind, v.text = textual, strings.Clone(cell)
		}
		out.set(header[i], v, &seen)
	}
	return out
}

// writeCSV writes what readCSV reads.
func writeCSV(fields []string, rows int, row func(i int) []string) ([]byte, error) {
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
