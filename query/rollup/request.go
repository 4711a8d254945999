package rollup

import (
	"context"
	"slices"
	"strconv"
	"time"

	"kaskad/query/answer"
	"kaskad/query/store"
)

// Request is what a request asks of a report.
type Request struct {
	Name    string
	Format  answer.Format
	Zone    *time.Location
	Keys    Keys
	Filters []Filter
	// Extra are the filters that are no keys; rows are apart by them too.
	Extra Keys
	// Order is what rows are sorted by before their keys, nil for by keys alone. Search is a text that one of the keys
	// must hold, "" for any.
	Order        *Order
	Search       string
	Limit        int
	FromMS, ToMS int64
	// Now is the moment of the first page.
	Now time.Time
	// At is where the page before ended; nil on the first page.
	At *answer.Cursor
	// Hash covers what decides the rows and their order. limit and format may change from page to page.
	Hash []byte
}

// Next returns the cursor of the page behind a row with these keys, nil when there is none.
func (r *Request) Next(after [][]byte, seen *answer.Snapshot) *answer.Cursor {
	if after == nil {
		return nil
	}
	return &answer.Cursor{Query: r.Hash, After: after, Snapshot: seen}
}

// Envelope lists the fields that stand around the rows of every report.
func (r *Request) Envelope(seen *answer.Snapshot) []answer.Member {
	return append(r.FreshEnvelope(seen), answer.Member{Name: "mature", Value: answer.Bool(seen.Mature)})
}

// FreshEnvelope lists those of an answer that does not settle.
func (r *Request) FreshEnvelope(seen *answer.Snapshot) []answer.Member {
	return append([]answer.Member{{Name: "report", Value: answer.Text(r.Name)},
		{Name: "from", Value: answer.InstantIn(r.FromMS, r.Zone)},
		{Name: "to", Value: answer.InstantIn(r.ToMS, r.Zone)}, {Name: "tz", Value: answer.Text(r.Zone.String())}},
		seen.Members()...)
}

// State reads what the request begins with. What an answer's first page has seen stays for the others.
func (r *Request) State(ctx context.Context, db *store.DB) (*store.State, error) {
	var given *answer.Snapshot
	if r.At != nil {
		given = r.At.Snapshot
	}
	return db.State(ctx, store.Scope{Accounts: r.Accounts(), FromMS: r.FromMS, ToMS: r.ToMS}, r.Now, given)
}

// Accounts returns the accounts that the request is limited to, nil when it is not.
func (r *Request) Accounts() []string {
	for _, f := range r.Filters {
		if f.Key.Name == "account" {
			return f.Values
		}
	}
	return nil
}

// Of is the same request for other accounts in place of those that it names.
func (r *Request) Of(accounts ...string) *Request {
	other := *r
	other.Filters = slices.Clone(r.Filters)
	for i := range other.Filters {
		if f := &other.Filters[i]; f.Key.Name == "account" {
			f.Values = accounts
		}
	}
	return &other
}

// Keeps reports whether the filter by a name, if there is one, keeps a value.
func (r *Request) Keeps(name, value string) bool {
	for _, f := range r.Filters {
		if f.Key.Name == name && !slices.Contains(f.Values, value) {
			return false
		}
	}
	return true
}

// Parts are what tells the filter apart from others in a hash. How many values it has is one of them: a value may be
// the name of another filter.
func (f *Filter) Parts() []string {
	return append([]string{f.Key.Name, strconv.Itoa(len(f.Values))}, f.Values...)
}

// Ranked is a field that a report's rows may be sorted by. Value is a whole number in SQL, over the columns of the
// statement, that orders rows as the field does, and Unknown holds where the field is null.
type Ranked struct{ Field, Value, Unknown string }

// RankedRate is a rate of the statement, in millionths and rounded as it is shown. den is the column that has its
// denominator.
func RankedRate(name, den string) Ranked {
	num := name + "_num"
	return Ranked{Field: name + "_rate",
		Value: "intDiv(2000000 * " + num + " + " + den + ", 2 * greatest(" + den + ", 1))", Unknown: den + " = 0"}
}

// RankedCounts are columns that are whole numbers and always known.
func RankedCounts(names ...string) (all []Ranked) {
	for _, name := range names {
		all = append(all, Ranked{Field: name, Value: name})
	}
	return all
}

// Order is what rows are sorted by before their keys.
type Order struct {
	Ranked
	Down bool
}

// SQL is a whole number that is less the earlier a row comes. What is not known comes last, either way.
func (o *Order) SQL() string {
	value := o.Value
	if o.Down {
		value = "-(" + value + ")"
	}
	if o.Unknown == "" {
		return value
	}
	return "if(" + o.Unknown + ", 9223372036854775807, " + value + ")"
}
