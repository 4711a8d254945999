package schema

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"slices"
)

// Messages says which rows of a block of facts speak of the same message. The zero value is ready; its memory serves
// one block after the other.
type Messages struct {
	seed   maphash.Seed
	seeded bool
	slots  []uint32 // of a hash table: a message, counted from 1
	all    []message
	next   []uint32 // of a row the next one of its message, counted from 1
	order  []ordered
}

type message struct {
	hash        uint64
	first, last uint32 // rows
}

// ordered is what puts a message in its place, and the message.
type ordered struct {
	account, hour uint32
	id            [2]uint64 // the first bytes of the id
	message       uint32
}

// Find finds the messages of a block, in the order in which they first appear. It holds until the block changes.
func (m *Messages) Find(f *Facts) {
	if !m.seeded {
		m.seed, m.seeded = maphash.MakeSeed(), true
	}
	n := f.Rows()
	size := 1024
	for size < 2*n {
		size *= 2
	}
	m.slots = slices.Grow(m.slots[:0], size)[:size]
	clear(m.slots)
	m.next = slices.Grow(m.next[:0], n)[:n]
	clear(m.next)
	m.all, m.order = m.all[:0], m.order[:0]
	for i := range n {
		id := f.messageID.at(i)
		hash := maphash.Bytes(m.seed, id) ^ (uint64(f.account.rows[i])<<32+uint64(f.bucket[i]))*0x9e3779b97f4a7c15
		for slot := hash & uint64(size-1); ; slot = (slot + 1) & uint64(size-1) {
			at := m.slots[slot]
			if at == 0 {
				m.order = append(m.order, ordered{message: uint32(len(m.all))})
				m.all = append(m.all, message{hash, uint32(i), uint32(i)})
				m.slots[slot] = uint32(len(m.all))
				break
			}
			known := &m.all[at-1]
			if first := int(known.first); known.hash == hash && f.account.rows[first] == f.account.rows[i] &&
				f.bucket[first] == f.bucket[i] && bytes.Equal(f.messageID.at(first), id) {
				m.next[known.last] = uint32(i) + 1
				known.last = uint32(i)
				break
			}
		}
	}
}

// Sort puts the messages of the block in the order of table attempts: ClickHouse then finds nothing to sort.
func (m *Messages) Sort(f *Facts) {
	rank := f.account.ranks()
	for i := range m.order {
		o := &m.order[i]
		row := int(m.all[o.message].first)
		o.account, o.hour = rank[f.account.rows[row]], uint32(f.bucket[row]/3600)
		id := f.messageID.at(row)
		var padded [16]byte
		if len(id) < len(padded) {
			copy(padded[:], id)
			id = padded[:]
		}
		o.id = [2]uint64{binary.BigEndian.Uint64(id), binary.BigEndian.Uint64(id[8:])}
	}
	slices.SortFunc(m.order, func(x, y ordered) int {
		switch {
		case x.account != y.account:
			return cmp.Compare(x.account, y.account)
		case x.hour != y.hour:
			return cmp.Compare(x.hour, y.hour)
		case x.id[0] != y.id[0]:
			return cmp.Compare(x.id[0], y.id[0])
		case x.id[1] != y.id[1]:
			return cmp.Compare(x.id[1], y.id[1])
		}
		return bytes.Compare(f.messageID.at(int(m.all[x.message].first)), f.messageID.at(int(m.all[y.message].first)))
	})
}

// Len returns the number of messages.
func (m *Messages) Len() int { return len(m.all) }

// Rows yields the rows of message i.
func (m *Messages) Rows(i int) func(yield func(row int) bool) {
	return func(yield func(int) bool) {
		row := m.all[m.order[i].message].first
		for yield(int(row)) && m.next[row] != 0 {
			row = m.next[row] - 1
		}
	}
}
