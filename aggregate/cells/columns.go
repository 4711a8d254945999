package cells

import (
	"slices"
	"time"

	"kaskad/schema"
)

// Block is a number of rows for a table, column by column.
type Block struct {
	Table string
	// Names are those of the columns, Columns a slice of values for each.
	Names   []string
	Columns []any
	Rows    int
}

func (b *Block) add(name string, values any) {
	b.Names, b.Columns = append(b.Names, name), append(b.Columns, values)
}

// column lists what the rows hold.
func column[T any](rows []uint32, at func(i uint32) T) []T {
	values := make([]T, len(rows))
	for n, i := range rows {
		values[n] = at(i)
	}
	return values
}

func same[T any](n int, value T) []T {
	values := make([]T, n)
	for i := range values {
		values[i] = value
	}
	return values
}

// Blocks returns all that was added, as rows of an edition: differences for the tables rollup_*, without the cells that
// cancel, then what the cells refer to (tables legs and shapes) as far as no block of before told of it, and the
// attempts by recipient that have changed.
func (s *Sum) Blocks(edition uint64) []Block {
	all := []Block{s.attemptBlock(edition), s.cascadeBlock(edition), s.spendBlock(edition), s.wasteBlock(edition),
		s.failureBlock(edition), s.legBlock(), s.shapeBlock(), s.peopleBlock(edition), s.recipientBlock(edition)}
	blocks := all[:0]
	for _, b := range all {
		if b.Rows > 0 {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// live lists the cells that count something.
func live[K comparable, V any](t *table[K, V], counts func(i uint32) bool) []uint32 {
	rows := make([]uint32, 0, len(t.keys))
	for i := range uint32(len(t.keys)) {
		if counts(i) {
			rows = append(rows, i)
		}
	}
	return rows
}

// rollup begins a block of a table rollup_* with the columns that all of them have.
func (s *Sum) rollup(table string, edition uint64, rows []uint32, cell func(i uint32) (place uint32,
	cohortMaxMS int64)) Block {
	b := Block{Table: table, Rows: len(rows)}
	at := func(i uint32) place {
		place, _ := cell(i)
		return s.places.keys[place]
	}
	b.add("account", column(rows, func(i uint32) string { return s.names.texts[at(i).account] }))
	b.add("day", column(rows, func(i uint32) time.Time { return time.Unix(int64(at(i).cohort), 0).UTC() }))
	b.add("edition", same(len(rows), edition))
	b.add("bucket", column(rows, func(i uint32) int64 { return int64(at(i).bucket) }))
	b.add("cohort", column(rows, func(i uint32) int64 { return int64(at(i).cohort) }))
	b.add("cohort_max_ms", column(rows, func(i uint32) int64 {
		_, cohortMaxMS := cell(i)
		return cohortMaxMS
	}))
	return b
}

// columnKey is what a number stands for in the column that is made at present, if column is that.
type columnKey struct{ column, key uint32 }

// texts lists texts that the rows have by number, of fewer than n.
func (s *Sum) texts(rows []uint32, n int, of func(i uint32) uint32, text func(id uint32) string) *schema.Texts {
	all := schema.NewTexts(len(rows))
	if s.column++; s.column == 0 {
		clear(s.keys) // It stands for what is not known yet.
		s.column = 1
	}
	if len(s.keys) < n {
		s.keys = append(s.keys, make([]columnKey, n-len(s.keys))...)
	}
	for _, i := range rows {
		id := of(i)
		known := &s.keys[id]
		if known.column != s.column {
			*known = columnKey{s.column, all.Key(text(id))}
		}
		all.Add(known.key)
	}
	return all
}

// addText adds a column of names.
func (s *Sum) addText(b *Block, name string, rows []uint32, of func(i uint32) uint32) {
	b.add(name, s.texts(rows, len(s.names.texts), of, func(id uint32) string { return s.names.texts[id] }))
}

// addDimensions adds the columns of all dimensions but some.
func (s *Sum) addDimensions(b *Block, rows []uint32, dims func(i uint32) uint32, without ...string) {
	for _, d := range [...]struct {
		name string
		of   func(*dimensionTexts) string
	}{
		{"channel", func(d *dimensionTexts) string { return d.Channel }},
		{"provider", func(d *dimensionTexts) string { return d.Provider }},
		{"campaign", func(d *dimensionTexts) string { return d.Campaign }},
		{"template", func(d *dimensionTexts) string { return d.Template }},
		{"sender", func(d *dimensionTexts) string { return d.Sender }},
		{"app", func(d *dimensionTexts) string { return d.App }},
		{"operator", func(d *dimensionTexts) string { return d.Operator }},
		{"country", func(d *dimensionTexts) string { return d.Country }},
		{"traffic", func(d *dimensionTexts) string { return d.Traffic }},
		{"trigger", func(d *dimensionTexts) string { return d.Trigger }},
	} {
		if !slices.Contains(without, d.name) {
			b.add(d.name, s.texts(rows, len(s.dims.all), dims,
				func(id uint32) string { return d.of(&s.dims.all[id].dimensionTexts) }))
		}
	}
}
