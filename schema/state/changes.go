package state

import "kaskad/schema"

// Changes says of each fact what it changes: a state of the fact's message that knows this fact alone. The zero value
// is empty; its memory serves one block after the other.
type Changes struct {
	schema.Changes
	fact    schema.Fact
	message Message
	state   []byte
}

// Add adds what row i of the facts changes.
func (c *Changes) Add(facts *schema.Facts, i int) {
	facts.Read(i, &c.fact)
	c.message.Reset()
	c.message.AddFact(&c.fact)
	c.state = c.message.Append(c.state[:0])
	c.Append(c.fact.Account, c.fact.BucketMS, c.fact.MessageID, c.state)
}
