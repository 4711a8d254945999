package query

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/schema/errormap"
	"kaskad/schema/law"
)

//go:embed unmapped.sql
var unmappedSQL string

// unmappedTemplate fills in what schema says of a class, and nothing that a request carries.
var unmappedTemplate = template.Must(template.Must(law.Template("unmapped.sql").Parse(visibleSQL)).Parse(unmappedSQL))

// unmappedCode is a code that no line knows, with its failed attempts and the class that it is guessed to have, "" for
// none.
type unmappedCode struct {
	provider, code, channel string
	attempts                uint64
	guess                   string
}

// unmappedQuery is one page of the unmapped codes over one set of generations.
type unmappedQuery struct {
	accounts     []string
	fromMS, toMS int64
	generation   uint64
	// after is the last row of the page before; nil on the first page.
	after *unmappedCode
	limit int
}

// SQL returns the statement and its parameters. The statement reads the external table of the error maps besides.
func (q *unmappedQuery) SQL() (string, []any, error) {
	args := []any{clickhouse.Named("from", storable(q.fromMS)), clickhouse.Named("to", storable(q.toMS)),
		clickhouse.Named("generation", q.generation), clickhouse.Named("limit", uint32(q.limit))}
	data := struct {
		Accounts, Single, After bool
		Mapped, Guess           string
	}{len(q.accounts) > 0, false, q.after != nil, errormap.MappedClassSQL("r"), errormap.GuessSQL("r")}
	if data.Accounts {
		args = append(args, clickhouse.Named("filter_account", q.accounts))
	}
	if a := q.after; a != nil {
		args = append(args, clickhouse.Named("after_count", a.attempts), clickhouse.Named("after_provider", a.provider),
			clickhouse.Named("after_code", a.code), clickhouse.Named("after_channel", a.channel))
	}
	var statement strings.Builder
	if err := unmappedTemplate.Execute(&statement, data); err != nil {
		return "", nil, fmt.Errorf("fill unmapped.sql: %w", err)
	}
	return statement.String(), args, nil
}

// unmapped serves GET /v1/error-map/unmapped.
func (s *Server) unmapped(c *gin.Context) error {
	p, err := readParams(c.Request, []string{"account", "from", "to", "tz", "limit", "cursor", "format", "bom"})
	if err != nil {
		return err
	}
	format, zone, now := p.format(c.Request), p.zone(), s.config.Now()
	q := unmappedQuery{accounts: slices.Compact(slices.Sorted(slices.Values(p.values["account"]))),
		limit: p.limit() + 1}
	hash := queryHash(append([]string{"unmapped", zone.String(), p.values.Get("from"), p.values.Get("to")},
		q.accounts...)...)
	at := s.cursor(c.Request.Context(), p, hash, 4)
	if at != nil {
		if q.after, err = unmappedOf(at.After); err != nil || at.Pin == nil {
			p.fail("cursor", "cannot be read: start again without a cursor")
		} else if age := time.Since(time.UnixMilli(at.Pin.ReadMS)); age > maxCursorAge {
			p.fail("cursor", "is older than 9 minutes, and what it points to may have been replaced: start again "+
				"without a cursor")
		} else {
			now = time.UnixMilli(at.Pin.NowMS)
		}
	}
	q.fromMS, q.toMS = p.period(now, zone)
	if err := p.err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.config.QueryTime)
	defer cancel()
	var seen pin
	if at != nil {
		seen = *at.Pin
	} else if seen, err = s.pin(ctx, now); err != nil {
		return err
	}
	q.generation = seen.Generation
	codes, err := s.readUnmapped(ctx, &q)
	if err != nil {
		return fmt.Errorf("unmapped codes: %w", err)
	}
	next := null
	if len(codes) == q.limit {
		codes = codes[:q.limit-1]
		encoded, err := s.seal(c.Request.Context(), cursor{Query: hash, After: codes[len(codes)-1].keys(), Pin: &seen})
		if err != nil {
			return err
		}
		next = text(encoded)
	}
	t := newTable(format, []string{"provider", "error_code", "channel", "guess", "count"})
	for _, u := range codes {
		guess := null
		if u.guess != "" {
			guess = text(u.guess)
		}
		t.row([]value{text(u.provider), text(u.code), text(u.channel), guess, count(u.attempts)})
	}
	request := reportRequest{name: "unmapped", zone: zone, fromMS: q.fromMS, toMS: q.toMS}
	envelope := slices.DeleteFunc(request.envelope(&seen), func(m member) bool { return m.name == "mature" })
	t.send(c, envelope, next)
	return nil
}

func (s *Server) readUnmapped(ctx context.Context, q *unmappedQuery) (codes []unmappedCode, err error) {
	ctx = s.settings(ctx)
	maps, err := s.errorMaps(ctx)
	if err != nil {
		return nil, err
	}
	table, err := maps.Table()
	if err != nil {
		return nil, err
	}
	statement, args, err := q.SQL()
	if err != nil {
		return nil, err
	}
	rows, err := s.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), statement, args...)
	if err != nil {
		return nil, err
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var u unmappedCode
		if err := rows.Scan(&u.provider, &u.code, &u.channel, &u.attempts, &u.guess); err != nil {
			return nil, err
		}
		codes = append(codes, u)
	}
	return codes, rows.Err()
}

func (u *unmappedCode) keys() [][]byte {
	return [][]byte{strconv.AppendUint(nil, u.attempts, 10), []byte(u.provider), []byte(u.code), []byte(u.channel)}
}

func unmappedOf(keys [][]byte) (*unmappedCode, error) {
	attempts, err := strconv.ParseUint(string(keys[0]), 10, 64)
	return &unmappedCode{provider: string(keys[1]), code: string(keys[2]), channel: string(keys[3]),
		attempts: attempts}, err
}
