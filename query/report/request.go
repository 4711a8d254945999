package report

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

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

// Read reads the parameters of a report. Its rows are ordered by the keys, and by one more for each of its extra
// filters.
func Read(c *gin.Context, db *store.DB, report *Report) (*Request, error) {
	known, extra := report.Keys, report.Extra
	filters := slices.Concat(known, extra)
	p, err := answer.ReadParams(c)
	if err != nil {
		return nil, err
	}
	r := &Request{Name: report.Name, Format: p.Format(c.Request), Zone: p.Zone(), Now: db.Now()}
	r.Keys = known.GroupBy(p, report.DefaultKeys)
	if _, named := r.Keys.Find(report.Always); report.Always != "" && !named {
		key, _ := known.Find(report.Always)
		r.Keys = append(r.Keys, key)
	}
	r.Extra = extra
	r.Filters = filters.Filters(p, r.Zone)
	r.Limit = p.Limit()
	report.readOrder(p, r)
	r.Hash = r.hash(p.Values.Get("from"), p.Values.Get("to"))
	order := len(r.Keys) + len(extra)
	if r.Order != nil {
		order++ // the last row's rank
	}
	if r.At = db.Cursors.Read(c.Request.Context(), p, r.Hash, order); r.At != nil {
		if r.At.Snapshot == nil || order == 0 {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		} else if age := time.Since(time.UnixMilli(r.At.Snapshot.ReadMS)); age > answer.MaxCursorAge {
			p.Fail("cursor", "is older than 9 minutes, and what it points to may have been replaced: start again "+
				"without a cursor")
		} else {
			r.Now = time.UnixMilli(r.At.Snapshot.NowMS)
		}
	}
	r.FromMS, r.ToMS = p.Period(r.Now, r.Zone)
	return r, p.Err()
}

// hash covers what decides the rows and their order, but for what a report has besides. The period is as it was given.
func (r *Request) hash(from, to string) []byte {
	parts := []string{r.Name, r.Zone.String(), strings.Join(r.Keys.Names(), ","), from, to}
	for _, f := range r.Filters {
		parts = append(parts, f.Key.Name, strconv.Itoa(len(f.Values)))
		parts = append(parts, f.Values...)
	}
	return answer.QueryHash(append(parts, r.orderParts()...)...)
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

// Keeps reports whether the filter by a name, if there is one, keeps a value.
func (r *Request) Keeps(name, value string) bool {
	for _, f := range r.Filters {
		if f.Key.Name == name && !slices.Contains(f.Values, value) {
			return false
		}
	}
	return true
}
