package query

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gin-gonic/gin"

	"kaskad/schema"
)

var (
	//go:embed generation.sql
	generationSQL string
	//go:embed lost.sql
	lostSQL string
	//go:embed zone.sql
	zoneSQL string
)

// reportParams are the parameters that every report takes besides its filters.
var reportParams = []string{"from", "to", "tz", "group_by", "limit", "cursor", "format", "bom"}

// reportRequest is what a request asks of a report.
type reportRequest struct {
	name    string
	format  format
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
	at *cursor
	// hash covers what decides the rows and their order. limit and format may change from page to page.
	hash []byte
	// seal makes the text of the next cursor.
	seal func(cursor) (string, error)
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
	p, err := readParams(c.Request, slices.Concat(filters.names(), reportParams))
	if err != nil {
		return nil, err
	}
	r := &reportRequest{name: name, format: p.format(c.Request), zone: p.zone(), now: s.config.Now(), seal: s.sealer(c)}
	r.keys = known.groupBy(p, missing)
	if _, named := r.keys.find(always); always != "" && !named {
		key, _ := known.find(always)
		r.keys = append(r.keys, key)
	}
	r.further = further
	r.filters = filters.filters(p, r.zone)
	r.limit = p.limit()
	parts := []string{name, r.zone.String(), strings.Join(r.keys.names(), ","), p.values.Get("from"),
		p.values.Get("to")}
	for _, f := range r.filters {
		parts = append(parts, f.key.name, strconv.Itoa(len(f.values)))
		parts = append(parts, f.values...)
	}
	r.hash = queryHash(parts...)
	order := len(r.keys) + len(further)
	if r.at = s.cursor(c.Request.Context(), p, r.hash, order); r.at != nil {
		if r.at.Pin == nil || order == 0 {
			p.fail("cursor", "cannot be read: start again without a cursor")
		} else if age := time.Since(time.UnixMilli(r.at.Pin.ReadMS)); age > maxCursorAge {
			p.fail("cursor", "is older than 9 minutes, and what it points to may have been replaced: start again "+
				"without a cursor")
		} else {
			r.now = time.UnixMilli(r.at.Pin.NowMS)
		}
	}
	r.fromMS, r.toMS = p.period(r.now, r.zone)
	return r, p.err()
}

// next returns the cursor of the page behind a row with these keys, null when there is none.
func (r *reportRequest) next(after [][]byte, seen *pin) (value, error) {
	if after == nil {
		return null, nil
	}
	encoded, err := r.seal(cursor{Query: r.hash, After: after, Pin: seen})
	return text(encoded), err
}

// envelope lists the fields that stand around the rows of every report.
func (r *reportRequest) envelope(seen *pin) []member {
	return append(r.freshEnvelope(seen), member{"mature", truth(seen.Mature)})
}

// freshEnvelope lists those of an answer that does not settle.
func (r *reportRequest) freshEnvelope(seen *pin) []member {
	asOf, lag := null, null
	if seen.AsOfMS != nil {
		asOf, lag = instant(*seen.AsOfMS), decimal(max(0, seen.NowMS-*seen.AsOfMS), 3)
	}
	return []member{{"report", text(r.name)}, {"from", instantIn(r.fromMS, r.zone)}, {"to", instantIn(r.toMS, r.zone)},
		{"tz", text(r.zone.String())},
		{"as_of", asOf}, {"lag_seconds", lag}}
}

// closeRows keeps the error of a result that ended early.
func closeRows(rows driver.Rows, err *error) {
	if closing := rows.Close(); *err == nil {
		*err = closing
	}
}

// pin reads as_of first and the newest generation second: what was acknowledged before as_of is then surely in the
// generations.
func (s *Server) pin(ctx context.Context, now time.Time) (pin, error) {
	seen := pin{NowMS: now.UnixMilli(), ReadMS: time.Now().UnixMilli()}
	fresh, err := s.freshness(ctx)
	if err != nil {
		return seen, err
	}
	seen.AsOfMS = s.asOf(fresh, now)
	if err := s.deps.Conn.QueryRow(s.settings(ctx), generationSQL).Scan(&seen.Generation); err != nil {
		return seen, fmt.Errorf("read newest generation: %w", err)
	}
	return seen, nil
}

// pinReport is pin for a report whose rows say whether they are mature.
func (s *Server) pinReport(ctx context.Context, ask *reportRequest) (pin, error) {
	return s.pinPeriod(ctx, ask.now, ask.accounts(), ask.fromMS, ask.toMS)
}

// pinPeriod is pin for figures on the cohorts of a period, of some accounts or, without any, of all.
func (s *Server) pinPeriod(ctx context.Context, now time.Time, accounts []string, fromMS, toMS int64) (pin, error) {
	seen, err := s.pin(ctx, now)
	if err != nil {
		return seen, err
	}
	// The cohorts of an hour's messages lie in it, or close by.
	const near = schema.HourMS / 1000
	err = s.deps.Conn.QueryRow(s.settings(ctx), lostSQL,
		clickhouse.Named("accounts", append([]string{}, accounts...)),
		clickhouse.Named("from", fromMS/1000-near), clickhouse.Named("to", toMS/1000+near)).Scan(&seen.Lost)
	if err != nil {
		return seen, fmt.Errorf("look for lost hours: %w", err)
	}
	return seen, nil
}

// asOf is the moment up to which everything is in the answer; nil before the aggregator has said so for the first time.
func (s *Server) asOf(fresh freshness, now time.Time) *int64 {
	ms := fresh.asOfMS
	if s.config.Fixed {
		ms = now.UnixMilli()
	} else if !fresh.known {
		return nil
	}
	return &ms
}

// upTo is the moment up to which events count: as_of where it is known.
func (p *pin) upTo() int64 {
	if p.AsOfMS != nil {
		return *p.AsOfMS
	}
	return p.NowMS
}

// checkZone refuses a zone that Go knows and ClickHouse does not.
func (s *Server) checkZone(ctx context.Context, zone *time.Location) error {
	if zone == time.UTC {
		return nil
	}
	if _, known := s.zones.Load(zone.String()); known {
		return nil
	}
	var known bool
	if err := s.deps.Conn.QueryRow(s.settings(ctx), zoneSQL,
		clickhouse.Named("tz", zone.String())).Scan(&known); err != nil {
		return fmt.Errorf("look up time zone: %w", err)
	}
	if !known {
		return badParameter("tz", fmt.Sprintf("ClickHouse does not know %q; name the zone by its usual IANA name, "+
			"such as Europe/Moscow", zone))
	}
	s.zones.Store(zone.String(), true)
	return nil
}
