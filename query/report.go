package query

import (
	"context"
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
)

// reportParams are the parameters that every report takes besides its filters.
var reportParams = []string{"from", "to", "tz", "group_by", "limit", "cursor", "format", "bom"}

// reportRequest is what a request asks of a report.
type reportRequest struct {
	name    string
	format  answer.Format
	zone    *time.Location
	keys    keySet
	filters []filter
	// further are the filters that are no keys; rows are apart by them too.
	further      keySet
	limit        int
	fromMS, toMS int64
	// now is the moment of the first page.
	now time.Time
	// at is where the page before ended; nil on the first page.
	at *answer.Cursor
	// hash covers what decides the rows and their order. limit and format may change from page to page.
	hash []byte
}

// readReport reads the parameters of a report: its names are those of known, and further filters. missing is the
// group_by of a request without one. Rows are ordered by the keys, and by one more for each of the further filters.
func (s *Server) readReport(c *gin.Context, name string, known, further keySet, missing string) (*reportRequest,
	error) {
	return s.readReportWith(c, name, known, further, missing, "")
}

// readReportWith does so for a report whose rows are always apart by one of the known names: the last key where
// group_by does not name it.
func (s *Server) readReportWith(c *gin.Context, name string, known, further keySet, missing,
	always string) (*reportRequest, error) {
	filters := slices.Concat(known, further)
	p, err := answer.ReadParams(c.Request, slices.Concat(filters.names(), reportParams))
	if err != nil {
		return nil, err
	}
	r := &reportRequest{name: name, format: p.Format(c.Request), zone: p.Zone(), now: s.db.Now()}
	r.keys = known.groupBy(p, missing)
	if _, named := r.keys.find(always); always != "" && !named {
		key, _ := known.find(always)
		r.keys = append(r.keys, key)
	}
	r.further = further
	r.filters = filters.filters(p, r.zone)
	r.limit = p.Limit()
	parts := []string{name, r.zone.String(), strings.Join(r.keys.names(), ","), p.Values.Get("from"),
		p.Values.Get("to")}
	for _, f := range r.filters {
		parts = append(parts, f.key.name, strconv.Itoa(len(f.values)))
		parts = append(parts, f.values...)
	}
	r.hash = answer.QueryHash(parts...)
	order := len(r.keys) + len(further)
	if r.at = s.db.Cursors.Read(c.Request.Context(), p, r.hash, order); r.at != nil {
		if r.at.Snapshot == nil || order == 0 {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		} else if age := time.Since(time.UnixMilli(r.at.Snapshot.ReadMS)); age > answer.MaxCursorAge {
			p.Fail("cursor", "is older than 9 minutes, and what it points to may have been replaced: start again "+
				"without a cursor")
		} else {
			r.now = time.UnixMilli(r.at.Snapshot.NowMS)
		}
	}
	r.fromMS, r.toMS = p.Period(r.now, r.zone)
	return r, p.Err()
}

// next returns the cursor of the page behind a row with these keys, nil when there is none.
func (r *reportRequest) next(after [][]byte, seen *answer.Snapshot) *answer.Cursor {
	if after == nil {
		return nil
	}
	return &answer.Cursor{Query: r.hash, After: after, Snapshot: seen}
}

// envelope lists the fields that stand around the rows of every report.
func (r *reportRequest) envelope(seen *answer.Snapshot) []answer.Member {
	return append(r.freshEnvelope(seen), answer.Member{Name: "mature", Value: answer.Bool(seen.Mature)})
}

// freshEnvelope lists those of an answer that does not settle.
func (r *reportRequest) freshEnvelope(seen *answer.Snapshot) []answer.Member {
	return append([]answer.Member{{Name: "report", Value: answer.Text(r.name)},
		{Name: "from", Value: answer.InstantIn(r.fromMS, r.zone)},
		{Name: "to", Value: answer.InstantIn(r.toMS, r.zone)}, {Name: "tz", Value: answer.Text(r.zone.String())}},
		seen.Members()...)
}

// pinReport is pin for a report whose rows say whether they are mature.
func (s *Server) pinReport(ctx context.Context, ask *reportRequest) (answer.Snapshot, error) {
	seen, err := s.db.Snapshot(ctx, ask.now)
	if err != nil {
		return seen, err
	}
	seen.Lost, err = s.db.Lost(ctx, ask.accounts(), ask.fromMS, ask.toMS)
	return seen, err
}
