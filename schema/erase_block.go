package schema

import (
	"bytes"

)

// Hidden is a number that was found in a block of events, and the message it was found in; no message: in an event of a person.
type Hidden struct {
	Account, Number, Pseudonym, MessageID string
	BucketS                               int64
}

// Block is what ingest is about to store, as far as it may hold erased numbers.
type Block struct {
	Facts   *Facts
	People  *RecipientEvents
	Orphans *Orphans
}

// Find lists the erased numbers in the block.
func (e *Erasures) Find(b Block) []Hidden {
	if e.Empty() {
		return nil
	}
	var found []Hidden
	note := func(account, text []byte, pseudonym string, messageID []byte, bucket int64) {
		number := string(text)
		if number[0] != '+' {
			number, pseudonym = "+"+number, "user:"+pseudonym
		}
		found = append(found, Hidden{string(account), number, pseudonym, string(messageID), bucket})
	}
	columns := func(c *eventColumns, bucket func(i int) int64) {
		for i := range c.rows() {
			account := c.account.at(i)
			recipient, _, _ := bytes.Cut(c.recipientCountry.at(i), []byte{0})
			if pseudonym, ok := e.pseudonym(account, recipient); ok {
				note(account, recipient, pseudonym, c.messageID.at(i), bucket(i))
			}
			if pseudonym, ok := e.person(account, c.contact.at(i)); ok {
				note(account, c.contact.at(i), pseudonym, c.messageID.at(i), bucket(i))
			}
		}
	}
	columns(&b.Facts.eventColumns, func(i int) int64 { return b.Facts.bucket[i] })
	columns(&b.Orphans.eventColumns, func(int) int64 { return 0 })
	for i := range b.Orphans.rows() {
		account := b.Orphans.account.at(i)
		for _, number := range e.inText(account, b.Orphans.raw.at(i)) {
			found = append(found, Hidden{string(account), number.Number, number.Pseudonym, string(b.Orphans.messageID.at(i)), 0})
		}
	}
	for i := range b.People.Rows() {
		account := b.People.account.at(i)
		if pseudonym, ok := e.pseudonym(account, b.People.recipient.at(i)); ok {
			note(account, b.People.recipient.at(i), pseudonym, nil, 0)
		}
		if pseudonym, ok := e.person(account, b.People.contact.at(i)); ok {
			note(account, b.People.contact.at(i), pseudonym, nil, 0)
		}
	}
	return found
}

// FindText lists the erased numbers in the bytes of a dead letter.
func (e *Erasures) FindText(raw []byte) []Hidden {
	if e.Empty() {
		return nil
	}
	return e.inText(letterAccount(raw), raw)
}

func (e *Erasures) inText(account, raw []byte) (found []Hidden) {
	accounts := [][]byte{account}
	if account == nil {
		accounts = accounts[:0]
		for _, a := range e.accounts {
			accounts = append(accounts, []byte(a))
		}
	}
	replaceRuns(raw, func(digits []byte) (string, bool) {
		number := append([]byte{'+'}, digits...)
		for _, a := range accounts {
			if pseudonym, ok := e.pseudonym(a, number); ok {
				found = append(found, Hidden{Account: string(a), Number: string(number), Pseudonym: pseudonym})
			}
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
	e.hideColumns(&b.Facts.eventColumns)
	e.hideColumns(&b.Orphans.eventColumns)
	rewrite(&b.Orphans.raw, func(i int, raw []byte) []byte { return e.HideText(b.Orphans.account.at(i), raw) })
	rewrite(&b.People.recipient, func(i int, recipient []byte) []byte {
		if pseudonym, ok := e.pseudonym(b.People.account.at(i), recipient); ok {
			return []byte(pseudonym)
		}
		return recipient
	})
	rewrite(&b.People.contact, func(i int, contact []byte) []byte { return e.hidePerson(b.People.account.at(i), contact) })
}

func (e *Erasures) hideColumns(c *eventColumns) {
	// The country stays: it is that of the number.
	rewrite(&c.recipientCountry, func(i int, both []byte) []byte {
		recipient, country, _ := bytes.Cut(both, []byte{0})
		if pseudonym, ok := e.pseudonym(c.account.at(i), recipient); ok {
			return append(append([]byte(pseudonym), 0), country...)
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

