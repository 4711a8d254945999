package schema

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Hidden is an erased number that was found in an event, and where the event belongs: to a message (of a bucket, where
// it is known), to a person, or to the dead letters. Done: the erasure had ended by then.
type Hidden struct {
	Account, Number, Pseudonym string
	Done                       bool
	MessageID                  string
	Bucket                     time.Time
	Letter                     Place
}

// Block is what ingest is about to store, as far as it may hold erased numbers.
type Block struct {
	Facts   *Facts
	People  *RecipientEvents
	Orphans *Orphans
}

// Find lists the erased numbers in the block.
func (e *Erasures) Find(b Block) (found []Hidden) {
	if e.Empty() {
		return nil
	}
	columns := func(c *eventColumns, bucket func(i int) int64) {
		for i := range c.rows() {
			account := c.account.at(i)
			recipient, _, _ := bytes.Cut(c.recipientCountry.at(i), []byte{0})
			at := Hidden{Bucket: time.Unix(bucket(i), 0).UTC()}
			found = e.find(found, at, account, recipient, c.messageID.at(i))
			found = e.find(found, at, account, c.contact.at(i), c.messageID.at(i))
		}
	}
	columns(&b.Facts.eventColumns, func(i int) int64 { return b.Facts.bucket[i] })
	columns(&b.Orphans.eventColumns, func(int) int64 { return 0 })
	for i := range b.Orphans.rows() {
		found = e.findText(found, Hidden{}, b.Orphans.account.at(i), b.Orphans.raw.at(i), b.Orphans.messageID.at(i))
	}
	for i := range b.People.Rows() {
		found = e.find(found, Hidden{}, b.People.account.at(i), b.People.recipient.at(i), nil)
		found = e.find(found, Hidden{}, b.People.account.at(i), b.People.contact.at(i), nil)
	}
	return found
}

// FindLetter lists the erased numbers in a dead letter.
func (e *Erasures) FindLetter(r *Rejection) []Hidden {
	if e.Empty() {
		return nil
	}
	return e.findText(nil, Hidden{Letter: r.Place}, letterAccount(r.Raw), r.Raw, nil)
}

// find adds the number, if it was erased, with its place; it may stand there without its +.
func (e *Erasures) find(found []Hidden, at Hidden, account, text, messageID []byte) []Hidden {
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

func (e *Erasures) findText(found []Hidden, at Hidden, account, raw, messageID []byte) []Hidden {
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
func (e *Erasures) HideLetter(r *Rejection) {
	if e.Empty() {
		return
	}
	account := letterAccount(r.Raw)
	r.Raw = e.HideText(account, r.Raw)
	r.Err.Value = string(e.HideText(account, []byte(r.Err.Value)))
	r.Err.Rule = string(e.HideText(account, []byte(r.Err.Rule)))
}

// Hide overwrites the erased numbers in the block.
func (e *Erasures) Hide(b Block) {
	if e.Empty() {
		return
	}
	e.hideColumns(&b.Facts.eventColumns)
	e.hideColumns(&b.Orphans.eventColumns)
	rewrite(&b.Orphans.raw, func(i int, raw []byte) []byte { return e.HideText(b.Orphans.account.at(i), raw) })
	rewrite(&b.People.recipient, func(i int, recipient []byte) []byte {
		if found, ok := e.lookUp(b.People.account.at(i), recipient); ok {
			return []byte(found.pseudonym)
		}
		return recipient
	})
	rewrite(&b.People.contact, func(i int,
		contact []byte) []byte {
		return e.hidePerson(b.People.account.at(i), contact)
	})
}

func (e *Erasures) hideColumns(c *eventColumns) {
	// The country stays: it is that of the number.
	rewrite(&c.recipientCountry, func(i int, both []byte) []byte {
		recipient, country, _ := bytes.Cut(both, []byte{0})
		if found, ok := e.lookUp(c.account.at(i), recipient); ok {
			return append(append([]byte(found.pseudonym), 0), country...)
		}
		return both
	})
	rewrite(&c.contact, func(i int, contact []byte) []byte { return e.hidePerson(c.account.at(i), contact) })
}

func (e *Erasures) hidePerson(account, contact []byte) []byte {
	if pseudonym, ok := e.person(account, contact); ok {
		return []byte(pseudonym)
	}
	return contact
}

// at returns row i.
func (t *texts) at(i int) []byte {
	start := 0
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.data[start:t.ends[i]]
}

// rewrite replaces the rows of a column.
func rewrite(t *texts, change func(i int, value []byte) []byte) {
	if len(t.ends) == 0 {
		return
	}
	changed := texts{data: make([]byte, 0, len(t.data)+len(t.data)/8), ends: make([]int, 0, len(t.ends))}
	for i := range t.ends {
		changed.append(change(i, t.at(i)))
	}
	t.data, t.ends = changed.data, changed.ends
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
	rows, err := conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), eraseStatement("in_plain"))
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
