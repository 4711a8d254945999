package cells

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"kaskad/schema"
	"kaskad/schema/state"
)

// reach is what an attempt says of who can be reached where: what a row of rollup_people is told apart by. It is zero
// of an attempt that was skipped.
type reach struct {
	account, bucket, quarter uint32
	// way is the text of a channel, an app and a provider with NUL bytes between.
	way               uint32
	person, recipient string
	deliveredMS       int64
	// Of an attempt with an error code: when that was told, and when the attempt started, if it failed.
	errorCode        string
	toldMS, failedMS int64
}

// personRow is a row of rollup_people.
type personRow struct {
	place, way, errorCode         uint32
	person, recipient             uint64
	deliveredMS, toldMS, failedMS int64
	attempts, messages            int32
}

// reachOf returns what a row of attempts_by_recipient says.
func (s *Sum) reachOf(r *recipientRow) reach {
	if r.code.Skipped() {
		return reach{}
	}
	of := reach{account: r.account, bucket: r.bucket, quarter: uint32((r.cohortMS - r.cohortMS%quarterMS) / 1000),
		way: s.dims.way(r.dims, &s.names), person: r.person, recipient: r.recipient}
	if r.deliveredMS != schema.Never {
		of.deliveredMS = r.deliveredMS
	}
	if r.errorCode == "" {
		return of
	}
	startedMS := r.startMS
	if startedMS == schema.Never {
		startedMS = r.cohortMS
	}
	of.errorCode, of.toldMS = r.errorCode, r.errorMS
	if of.toldMS == 0 { // Facts of before know the code alone.
		of.toldMS = startedMS
	}
	if r.code.Failed() {
		of.failedMS = startedMS
	}
	return of
}

// replacePeople takes back what the message's old attempts say of its person, and adds what the new ones do. A change
// that moves neither writes nothing.
func (s *Sum) replacePeople() {
	same := len(s.old) == len(s.new)
	for i := 0; same && i < len(s.old); i++ {
		same = s.reachOf(&s.old[i]) == s.reachOf(&s.new[i])
	}
	if same {
		return
	}
	from := len(s.people)
	s.addPeople(s.old, -1)
	added := len(s.people)
	s.addPeople(s.new, 1)
	for i := from; i < added; i++ {
		taken := s.people[i]
		taken.attempts, taken.messages = -taken.attempts, -taken.messages
		if at := slices.Index(s.people[added:], taken); at >= 0 {
			s.people[i].attempts, s.people[i].messages = 0, 0
			s.people = slices.Delete(s.people, added+at, added+at+1)
		}
	}
	left := slices.DeleteFunc(s.people[from:], func(r personRow) bool { return r.attempts == 0 })
	s.people = s.people[:from+len(left)]
}

// addPeople adds the attempts of a message, n times. The first one that was not skipped counts the message.
func (s *Sum) addPeople(rows []recipientRow, n int32) {
	messages := n
	for i := range rows {
		r := &rows[i]
		of := s.reachOf(r)
		if of == (reach{}) {
			continue
		}
		row := personRow{place: s.places.index(place{of.account, of.bucket, of.quarter}), way: of.way,
			person: s.personHash(of.account, of.person), deliveredMS: of.deliveredMS, toldMS: of.toldMS,
			failedMS: of.failedMS, attempts: n, messages: messages}
		row.recipient = row.person
		if of.recipient != of.person {
			row.recipient = s.personHash(of.account, of.recipient)
		}
		if of.errorCode != "" {
			row.errorCode = s.names.of(of.errorCode)
		}
		s.people = append(s.people, row)
		messages = 0
	}
}

// PeopleHash is a hash of rows of rollup_people, whatever their order: the sum of a hash of each, once for each attempt
// and once for each message that it counts. So hashes add up as rows do, and a few bytes stand for all rows of an hour.
type PeopleHash struct{ Attempts, Messages uint64 }

// Add adds a hash, n times: 1, or -1 to take it back.
func (h *PeopleHash) Add(other PeopleHash, n int64) {
	h.Attempts += uint64(n) * other.Attempts
	h.Messages += uint64(n) * other.Messages
}

// HashPeople hashes what a message says of its person, as audit_people.sql hashes what is published. It adds nothing.
func (s *Sum) HashPeople(m *state.Message) (all PeopleHash) {
	s.fold(m, nil)
	s.new = s.recipientRows(s.new[:0], m)
	from := len(s.people)
	s.addPeople(s.new, 1)
	for _, r := range s.people[from:] {
		b := binary.LittleEndian.AppendUint32(s.scratch[:0], s.places.keys[r.place].cohort)
		for _, n := range [...]uint64{r.person, r.recipient ^ r.person, uint64(r.deliveredMS), uint64(r.toldMS),
			uint64(r.failedMS)} {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
		b = append(append(append(b, s.names.texts[r.way]...), 0), s.names.texts[r.errorCode]...)
		hash := xxhash.Sum64(b)
		all.Attempts += hash * uint64(r.attempts)
		all.Messages += hash * uint64(r.messages)
		s.scratch = b
	}
	s.people = s.people[:from]
	return all
}

// personHash is what people and recipients of an account are known by.
func (s *Sum) personHash(account uint32, name string) uint64 {
	s.scratch = append(append(append(s.scratch[:0], s.names.texts[account]...), 0), name...)
	return xxhash.Sum64(s.scratch)
}

// way returns the text of the channel, app and provider of dimensions.
func (d *dimensions) way(id uint32, n *names) uint32 {
	of := &d.all[id]
	if of.way == 0 {
		of.way = n.of(of.Channel + "\x00" + of.App + "\x00" + of.Provider)
	}
	return of.way
}

func (s *Sum) peopleBlock(edition uint64) Block {
	rows := make([]uint32, len(s.people))
	for i := range rows {
		rows[i] = uint32(i)
	}
	p := s.people
	at := func(i uint32) place { return s.places.keys[p[i].place] }
	b := Block{Table: "rollup_people", Rows: len(rows)}
	b.add("account", column(rows, func(i uint32) string { return s.names.texts[at(i).account] }))
	b.add("day", column(rows, func(i uint32) time.Time { return time.Unix(int64(at(i).cohort), 0).UTC() }))
	b.add("edition", same(len(rows), edition))
	b.add("bucket", column(rows, func(i uint32) int64 { return int64(at(i).bucket) }))
	b.add("cohort", column(rows, func(i uint32) int64 { return int64(at(i).cohort) }))
	b.add("person", column(rows, func(i uint32) uint64 { return p[i].person }))
	b.add("other", column(rows, func(i uint32) uint64 { return p[i].recipient ^ p[i].person }))
	s.addText(&b, "way", rows, func(i uint32) uint32 { return p[i].way })
	b.add("delivered_ms", column(rows, func(i uint32) int64 { return p[i].deliveredMS }))
	s.addText(&b, "error_code", rows, func(i uint32) uint32 { return p[i].errorCode })
	b.add("told_ms", column(rows, func(i uint32) int64 { return p[i].toldMS }))
	b.add("failed_ms", column(rows, func(i uint32) int64 { return p[i].failedMS }))
	b.add("attempts", column(rows, func(i uint32) int32 { return p[i].attempts }))
	b.add("messages", column(rows, func(i uint32) int32 { return p[i].messages }))
	return b
}
