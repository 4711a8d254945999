// Package state keeps what is known of a message as one value that merges: the Go twin of a message's rows in tables
// attempts and replies.
//
// A [Message] is made of any subset of the message's events. Merging the states of subsets gives the state of their
// union, whatever the order, however often, and however the events were split: it is commutative, associative and
// idempotent, as the merges of the tables are. A test compares both over random events. What a state means is said by
// package law.
package state

import (
	"cmp"
	"encoding/binary"
	"slices"

	"kaskad/schema"
	"kaskad/schema/law"
)

// Key says which message a state is of, and where its facts are stored.
type Key struct {
	Account   string
	BucketMS  int64
	MessageID string
}

// Hour is an hour of an account: the facts of its messages are stored together.
type Hour struct {
	Account  string
	BucketMS int64
}

// Hour returns the hour in which the facts of the message are stored.
func (k Key) Hour() Hour { return Hour{k.Account, k.BucketMS} }

// AppendKey appends the key as bytes under which a store of keys finds the message. The keys of an hour of an account
// have the same beginning: that of a key without MessageID.
func (k *Key) AppendKey(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(k.Account)))
	dst = append(dst, k.Account...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(k.BucketMS/schema.HourMS))
	return append(dst, k.MessageID...)
}

// ParseKey reads what [Key.AppendKey] wrote. The texts are parts of stored.
func ParseKey(stored string) (Key, error) {
	r := reader{rest: stored}
	account := r.text(r.uvarint())
	hour := r.text(4)
	if r.bad {
		return Key{}, ErrDamaged
	}
	at := int64(hour[0])<<24 | int64(hour[1])<<16 | int64(hour[2])<<8 | int64(hour[3])
	return Key{Account: account, BucketMS: at * schema.HourMS, MessageID: r.rest}, nil
}

// Message is the state of one message. A new one comes from [Message.Reset], which keeps the memory of an old one.
type Message struct {
	Key
	// SubmittedMS is the earliest submitted_at that any event carries, IDMS the time in the id where an event found it
	// plausible; schema.Never while unknown.
	SubmittedMS, IDMS int64
	// Attempts are in the order of their steps, each once.
	Attempts []law.Attempt
}

// Reset makes the state one in which nothing is known.
func (m *Message) Reset() {
	m.Key, m.SubmittedMS, m.IDMS, m.Attempts = Key{}, schema.Never, schema.Never, m.Attempts[:0]
}

// CohortMS is when the message was submitted, schema.Never while that is unknown.
func (m *Message) CohortMS() int64 { return law.CohortMS(m.SubmittedMS, m.IDMS) }

// Attempt returns the attempt of a step, which is added if there is none yet. The pointer holds until the next step is
// added.
func (m *Message) Attempt(step uint8) *law.Attempt {
	at, known := slices.BinarySearchFunc(m.Attempts, step, func(a law.Attempt, step uint8) int {
		return cmp.Compare(a.Step, step)
	})
	if known {
		return &m.Attempts[at]
	}
	n := len(m.Attempts)
	if n < cap(m.Attempts) {
		m.Attempts = m.Attempts[:n+1] // The memory of an attempt that was here before serves again.
	} else {
		m.Attempts = append(m.Attempts, law.Attempt{})
	}
	if at < n {
		last := m.Attempts[n]
		copy(m.Attempts[at+1:], m.Attempts[at:])
		m.Attempts[at] = last
	}
	a := &m.Attempts[at]
	a.Reset(step)
	return a
}

// Merge adds what another state of the same message knows. Texts are shared with it; nothing else is.
func (m *Message) Merge(other *Message) {
	m.SubmittedMS, m.IDMS = min(m.SubmittedMS, other.SubmittedMS), min(m.IDMS, other.IDMS)
	for i := range other.Attempts {
		m.Attempt(other.Attempts[i].Step).Merge(&other.Attempts[i])
	}
}
