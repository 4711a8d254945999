package state

import "kaskad/schema"

// Fold is what the events of a block of facts say together of each message: a change, and a row of table attempts for
// each attempt. Facts are merges, so what is merged here ClickHouse needs neither to take nor to merge. The zero value
// is empty; its memory serves one block after the other.
type Fold struct {
	Changes schema.Changes
	// Attempts is empty for a large block where most messages have a single event. Then the events are cheaper to
	// store as they are ([schema.Facts.Insert]), a narrow row each.
	Attempts schema.Attempts

	messages schema.Messages
	fact     schema.Fact
	row      schema.Attempt
	message  Message
	state    []byte
}

// smallBlock is how many events cost less as attempts however few of them merge: events pass through views, which
// ClickHouse plans anew for each insert.
const smallBlock = 20_000

// Fold makes it the fold of the facts but for those to leave out, which may be nil.
func (b *Fold) Fold(facts *schema.Facts, leaveOut func(row int) bool) {
	b.Attempts.Reset()
	b.Changes.Reset()
	b.messages.Find(facts)
	few := 4*b.messages.Len() <= 3*facts.Rows() || facts.Rows() < smallBlock
	if few {
		b.messages.Sort(facts)
		b.Attempts.Grow(b.messages.Len())
	}
	for i := range b.messages.Len() {
		b.message.Reset()
		some := false
		for row := range b.messages.Rows(i) {
			if leaveOut != nil && leaveOut(row) {
				continue
			}
			facts.Read(row, &b.fact)
			b.message.AddFact(&b.fact)
			some = true
		}
		if !some {
			continue
		}
		b.state = b.message.Append(b.state[:0])
		b.Changes.Append(b.fact.Account, b.fact.BucketMS, b.fact.MessageID, b.state)
		if few {
			b.store()
		}
	}
}

// store adds the attempts of the message.
func (b *Fold) store() {
	b.row.Account, b.row.MessageID, b.row.BucketMS = b.fact.Account, b.fact.MessageID, b.fact.BucketMS
	b.row.SubmittedMS, b.row.IDMS = b.message.SubmittedMS, b.message.IDMS
	for i := range b.message.Attempts {
		b.message.Attempts[i].Store(&b.row)
		b.Attempts.Append(&b.row)
	}
}
