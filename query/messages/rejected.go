package messages

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/store"
)

// maxLetterBytes is how many bytes of dead letters a page has, but for its last one: a thousand of those that are as
// large as a record may be would take gigabytes, here and in ClickHouse.
const maxLetterBytes = 16 << 20

// letter is the key of a dead letter in the order of the list: its time, then its place in the log.
type letter struct {
	atMS      int64
	topic     string
	partition int32
	offset    int64
	line      uint32
}

// rejectedColumns are the columns of the dead letters.
var rejectedColumns = []answer.Column{{Name: "reason"},
	{Name: "field", Text: "The field that is wrong, empty without one"},
	{Name: "error"}, {Name: "raw", Text: "What came, without what may not be stored"},
	{Name: "encoding", Text: "Says that raw is not text", Of: answer.OneOf("base64"), Optional: true},
	{Name: "topic"}, {Name: "partition", Type: answer.CountColumn}, {Name: "offset", Type: answer.CountColumn},
	{Name: "line", Type: answer.CountColumn, Text: "Of the body or file that it came in, from 1; 0 for none"},
	{Name: "at", Type: answer.TimeColumn},
	{Name: "replayed_at", Type: answer.TimeColumn, Null: "where it was not sent through again"}}

// reasonColumns are the columns of the counts by reason.
var reasonColumns = []answer.Column{{Name: "reason"},
	{Name: "field", Text: "The field that is wrong, empty without one"},
	{Name: "letters", Type: answer.CountColumn},
	{Name: "replayed", Type: answer.CountColumn, Text: "Those of them that were sent through again"},
	{Name: "first_at", Type: answer.TimeColumn}, {Name: "last_at", Type: answer.TimeColumn}}

// rejectedQuery is one page of the dead letters. limit counts the one behind it.
type rejectedQuery struct {
	reasons, fields []string
	// replayed is "yes" or "no" for letters that were, or were not, sent through again; "" for both.
	replayed string
	after    *letter
	limit    int
}

// SQL returns the statement and its parameters.
func (q *rejectedQuery) SQL() (string, []any, error) {
	args := []any{clickhouse.Named("limit", uint32(q.limit)), clickhouse.Named("bytes", uint64(maxLetterBytes))}
	if len(q.reasons) > 0 {
		args = append(args, clickhouse.Named("reasons", q.reasons))
	}
	if len(q.fields) > 0 {
		args = append(args, clickhouse.Named("fields", q.fields))
	}
	if a := q.after; a != nil {
		args = append(args, clickhouse.Named("at_ms", a.atMS), clickhouse.Named("topic", a.topic),
			clickhouse.Named("partition", a.partition),
			clickhouse.Named("offset", a.offset), clickhouse.Named("line", a.line))
	}
	statement, err := store.Fill(statements.Lookup("rejected.sql"),
		map[string]bool{"Reasons": len(q.reasons) > 0, "Fields": len(q.fields) > 0, "Again": q.replayed == "yes",
			"Waiting": q.replayed == "no", "After": q.after != nil})
	return statement, args, err
}

// rejected serves GET /v1/rejected.
func (m *Messages) rejected(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	format := p.Format(c.Request)
	q := rejectedQuery{reasons: p.Many("reason"), fields: p.Many("field"), limit: p.Limit() + 1}
	if given, found := p.One("replayed"); found {
		if q.replayed = given; given != "yes" && given != "no" {
			p.Fail("replayed", fmt.Sprintf("%q must be yes or no", answer.Shorten(given)))
		}
	}
	hash := answer.QueryHash("rejected", fmt.Sprintf("%q %q", q.reasons, q.fields), q.replayed)
	if at := m.db.Cursors.Read(c.Request.Context(), p, hash, 5); at != nil {
		if q.after, err = letterOf(at.After); err != nil {
			p.Fail("cursor", "cannot be read: start again without a cursor")
		}
	}
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), m.db.QueryTime)
	defer cancel()
	t := answer.NewList(format, rejectedColumns)
	last, more, err := m.readRejected(ctx, &q, t)
	if err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	var next *answer.Cursor
	if more {
		next = &answer.Cursor{Query: hash, After: last.keys()}
	}
	return t.SendPage(c, nil, m.db.Cursors, next)
}

func (m *Messages) readRejected(ctx context.Context, q *rejectedQuery, t *answer.Table) (last letter, more bool,
	err error) {
	statement, args, err := q.SQL()
	if err != nil {
		return last, false, err
	}
	rows, err := m.db.Conn.Query(m.db.Settings(ctx), statement, args...)
	if err != nil {
		return last, false, err
	}
	defer store.CloseRows(rows, &err)
	var found uint64
	for rows.Next() {
		var reason, field, message, raw string
		var replayedMS int64
		err := rows.Scan(&last.atMS, &last.topic, &last.partition, &last.offset, &last.line, &reason, &field, &message,
			&raw, &replayedMS, &found)
		if err != nil {
			return last, false, err
		}
		shown, encoding := answer.TextOrBase64(raw)
		encoded := answer.Absent
		if encoding != "" {
			encoded = answer.Text(encoding)
		}
		t.Add([]answer.Value{answer.Text(reason), answer.Text(field), answer.Text(message), answer.Text(shown), encoded,
			answer.Text(last.topic),
			answer.Decimal(int64(last.partition), 0),
			answer.Decimal(last.offset, 0), answer.Decimal(int64(last.line), 0), answer.Moment(last.atMS),
			answer.Moment(replayedMS)})
	}
	return last, found > uint64(t.Rows), rows.Err()
}

// rejectedReasons serves GET /v1/rejected/reasons: how many dead letters there are of each reason and field, most
// first.
func (m *Messages) rejectedReasons(c *gin.Context) error {
	p, err := answer.ReadParams(c)
	if err != nil {
		return err
	}
	format := p.Format(c.Request)
	if err := p.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), m.db.QueryTime)
	defer cancel()
	t := answer.NewList(format, reasonColumns)
	if err := m.readReasons(ctx, t); err != nil {
		return fmt.Errorf("count dead letters: %w", err)
	}
	return t.SendPage(c, nil, m.db.Cursors, nil)
}

func (m *Messages) readReasons(ctx context.Context, t *answer.Table) (err error) {
	statement, err := store.Fill(statements.Lookup("reasons.sql"), nil)
	if err != nil {
		return err
	}
	rows, err := m.db.Conn.Query(m.db.Settings(ctx), statement)
	if err != nil {
		return err
	}
	defer store.CloseRows(rows, &err)
	for rows.Next() {
		var reason, field string
		var letters, replayed uint64
		var firstMS, lastMS int64
		if err := rows.Scan(&reason, &field, &letters, &replayed, &firstMS, &lastMS); err != nil {
			return err
		}
		t.Add([]answer.Value{answer.Text(reason), answer.Text(field), answer.Count(letters), answer.Count(replayed),
			answer.Moment(firstMS), answer.Moment(lastMS)})
	}
	return rows.Err()
}

func (l letter) keys() [][]byte {
	return [][]byte{strconv.AppendInt(nil, l.atMS, 10), []byte(l.topic), strconv.AppendInt(nil, int64(l.partition), 10),
		strconv.AppendInt(nil, l.offset, 10), strconv.AppendUint(nil, uint64(l.line), 10)}
}

func letterOf(keys [][]byte) (*letter, error) {
	at, err1 := strconv.ParseInt(string(keys[0]), 10, 64)
	partition, err2 := strconv.ParseInt(string(keys[2]), 10, 32)
	offset, err3 := strconv.ParseInt(string(keys[3]), 10, 64)
	line, err4 := strconv.ParseUint(string(keys[4]), 10, 32)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return nil, err
		}
	}
	return &letter{at, string(keys[1]), int32(partition), offset, uint32(line)}, nil
}
