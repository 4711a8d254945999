package erasure

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema"
)

// Hidden is an erased number that was found in an event, and where the event belongs: to a message (of a bucket, where
// it is known), to a person, or to the dead letters. Done: the erasure had ended by then.
type Hidden struct {
	Account, Number, Pseudonym string
	Done                       bool
	MessageID                  string
	Bucket                     time.Time
	Letter                     schema.Place
}

// Block is what ingest is about to store, as far as it may hold erased numbers.
type Block struct {
	Facts   *schema.Facts
	People  *schema.RecipientEvents
	Orphans *schema.Orphans
}

// Find lists the erased numbers in the block.
func (e *Index) Find(b Block) (found []Hidden) {
	if e.Empty() {
		return nil
	}
	parties := func(at Hidden, p schema.Parties) {
		found = e.find(found, at, p.Account, p.Recipient, p.MessageID)
		found = e.find(found, at, p.Account, p.Contact, p.MessageID)
	}
	for i := range b.Facts.Rows() {
		parties(Hidden{Bucket: b.Facts.Bucket(i)}, b.Facts.Parties(i))
	}
	for i := range b.Orphans.Rows() {
		p := b.Orphans.Parties(i)
		parties(Hidden{Bucket: time.Unix(0, 0).UTC()}, p)
		found = e.findText(found, Hidden{}, p.Account, b.Orphans.Raw(i), p.MessageID)
	}
	for i := range b.People.Rows() {
		parties(Hidden{}, b.People.Parties(i))
	}
	return found
}

// FindLetter lists the erased numbers in a dead letter.
func (e *Index) FindLetter(r *schema.Rejection) []Hidden {
	if e.Empty() {
		return nil
	}
	return e.findText(nil, Hidden{Letter: r.Place}, letterAccount(r.Raw), r.Raw, nil)
}

// find adds the number, if it was erased, with its place; it may stand there without its +.
func (e *Index) find(found []Hidden, at Hidden, account, text, messageID []byte) []Hidden {
	one, ok := e.lookUp(account, text)
	if !ok {
		if one, ok = e.lookUpDigits(account, text); !ok {
			return found
		}
	}
	at.Account, at.Number, at.Pseudonym, at.Done, at.MessageID = string(account), string(text), one.pseudonym, one.done,
		string(messageID)
	if at.Number[0] != '+' {
		at.Number = "+" + at.Number
	}
	return append(found, at)
}

func (e *Index) findText(found []Hidden, at Hidden, account, raw, messageID []byte) []Hidden {
	accounts := [][]byte{account}
	if account == nil {
		accounts = accounts[:0]
		for _, a := range e.accounts {
			accounts = append(accounts, []byte(a))
		}
	}
	replaceRuns(raw, func(digits []byte) (string, bool) {
		for _, a := range accounts {
			found = e.find(found, at, a, digits, messageID)
		}
		return "", false
	})
	return found
}

// HideLetter overwrites erased numbers in a dead letter.
func (e *Index) HideLetter(r *schema.Rejection) {
	if e.Empty() {
		return
	}
	account := letterAccount(r.Raw)
	r.Raw = e.HideText(account, r.Raw)
	r.Err.Value = string(e.HideText(account, []byte(r.Err.Value)))
	r.Err.Rule = string(e.HideText(account, []byte(r.Err.Rule)))
}

// Hide overwrites the erased numbers in the block.
func (e *Index) Hide(b Block) {
	if e.Empty() {
		return
	}
	b.Facts.RewriteParties(e.hideParties)
	b.Orphans.RewriteParties(e.hideParties)
	b.Orphans.RewriteRaw(e.HideText)
	b.People.RewriteParties(e.hideParties)
}

func (e *Index) hideParties(p *schema.Parties) {
	if found, ok := e.lookUp(p.Account, p.Recipient); ok {
		p.Recipient = []byte(found.pseudonym)
	}
	if pseudonym, ok := e.person(p.Account, p.Contact); ok {
		p.Contact = []byte(pseudonym)
	}
}

// StoredInPlain lists those of the hidden numbers that stand in plain where their events belong.
func StoredInPlain(ctx context.Context, conn driver.Conn, hidden []Hidden) (stored []Hidden, err error) {
	table, err := ext.NewTable("hidden", ext.Column("i", "UInt64"), ext.Column("account", "String"),
		ext.Column("number", "String"), ext.Column("message_id", "String"),
		ext.Column("bucket", "DateTime('UTC')"), ext.Column("topic", "String"), ext.Column("partition", "Int32"),
		ext.Column("offset", "Int64"), ext.Column("line", "UInt32"))
	if err != nil {
		return nil, err
	}
	for i := range hidden {
		h := &hidden[i]
		if err := table.Append(uint64(i), h.Account, h.Number, h.MessageID, h.Bucket, h.Letter.Topic,
			h.Letter.Partition, h.Letter.Offset, h.Letter.Line); err != nil {
			return nil, fmt.Errorf("list hidden numbers: %w", err)
		}
	}
	rows, err := conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), statement("in_plain"))
	if err != nil {
		return nil, fmt.Errorf("look for numbers in plain: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var i uint64
		if err := rows.Scan(&i); err != nil {
			return nil, fmt.Errorf("look for numbers in plain: %w", err)
		}
		stored = append(stored, hidden[i])
	}
	return stored, rows.Err()
}
