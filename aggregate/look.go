package aggregate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/cespare/xxhash/v2"

	"kaskad/aggregate/cells"
	"kaskad/aggregate/conversations"
	"kaskad/aggregate/states"
	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

// What a look finds to differ from facts.
const (
	differsCells  = "cells"
	differsPeople = "people"
	differsState  = "state"
	differsDialog = "dialog"
	differsUnit   = "unit"
	differsOptOut = "opt_out"
)

// finding is something published that is not what facts say, and what they say of it.
type finding struct {
	kind string
	hour state.Hour
	fact string
}

// maxFindings bounds what a look remembers: who finds that much knows enough.
const maxFindings = 1000

// look compares some hours of an account with facts, a slice of their messages at a time, with passes in between. Of a
// warm hour, facts must give the states that are stored, and these the cells that are published; of a cold one, facts
// must give the cells. What a pass changes of messages that were looked at is noted (follow), so the cells belong to
// one edition whatever comes in between.
type look struct {
	account  string
	day      time.Time
	due      bool
	hours    map[state.Hour]bool // and whether they are cold
	rows     int                 // of facts that a slice reads
	after    state.Key           // the message that was looked at last
	sum      *cells.Sum          // which looks may share that are compared at once
	people   map[state.Hour]cells.PeopleHash
	facts    map[state.Hour]*xxhash.Digest // of cold hours
	found    map[finding]bool
	messages int
	// first is what a first look found, nil in that one. Facts may hold what no touch told of by then.
	first map[finding]bool
}

func newLook(account string, hours map[state.Hour]bool) *look {
	const rows = 4096
	// What passes change of these hours comes between the messages that are looked at.
	sum := &cells.Sum{Scattered: true}
	return &look{account: account, hours: hours, rows: rows, after: state.Key{Account: account}, sum: sum,
		people: map[state.Hour]cells.PeopleHash{}, facts: map[state.Hour]*xxhash.Digest{}, found: map[finding]bool{}}
}

// count adds a message to what is to be published, n times: 1, or -1 to take it back.
func (l *look) count(m *state.Message, units []law.Units, n int64) {
	l.sum.Add(m, units, n)
	hour := m.Hour()
	people := l.people[hour]
	people.Add(l.sum.HashPeople(m), n)
	l.people[hour] = people
}

// again is a second look at what the first one found.
func (l *look) again(all map[state.Hour]bool) *look {
	hours := map[state.Hour]bool{}
	for f := range l.found {
		hours[f.hour] = all[f.hour]
	}
	second := newLook(l.account, hours)
	second.day, second.due, second.first = l.day, l.due, l.found
	return second
}

func (l *look) note(kind string, hour state.Hour, fact string) {
	if len(l.found) < maxFindings {
		l.found[finding{kind, hour, fact}] = true
	}
}

// differences are those that were found twice: all that facts held at the first time was announced by the second.
func (l *look) differences() (all []finding) {
	for f := range l.found {
		if l.first[f] {
			all = append(all, f)
		}
	}
	return all
}

// follow notes that an edition changes a message. Those that were not looked at yet don't matter.
func (l *look) follow(m *message) {
	if l == nil || m.now == nil || m.now.Account != l.account || !l.has(m.now.BucketMS) {
		return
	}
	if m.now.BucketMS > l.after.BucketMS ||
		m.now.BucketMS == l.after.BucketMS && m.now.MessageID > l.after.MessageID {
		return
	}
	if m.old != nil {
		l.count(m.old, m.oldUnits, -1)
	}
	l.count(m.now, m.units, 1)
}

func (l *look) has(bucketMS int64) bool {
	_, has := l.hours[state.Hour{Account: l.account, BucketMS: bucketMS}]
	return has
}

// slice looks at the next messages. It reports whether those were the last.
func (a *Aggregator) slice(ctx context.Context, l *look) (last bool, err error) {
	hours := map[state.Hour]bool{}
	for hour := range l.hours {
		if hour.BucketMS >= l.after.BucketMS {
			hours[hour] = true
		}
	}
	if len(hours) == 0 {
		return true, nil
	}
	targets, err := states.HourTable(hours)
	if err != nil {
		return false, err
	}
	messages, last, err := a.sliceFacts(ctx, l, targets)
	if err != nil {
		return false, err
	}
	until := state.Key{BucketMS: schema.Never / schema.HourMS * schema.HourMS}
	if !last {
		until = messages[len(messages)-1].Key
	}
	bounds, err := sliceTable(l.after, until)
	if err != nil {
		return false, err
	}
	if err := a.sliceReplies(ctx, messages, targets, bounds); err != nil {
		return false, err
	}
	published, err := a.publishedDialogs(ctx, "audit_dialogs", targets, bounds)
	if err != nil {
		return false, err
	}
	if err := a.compare(ctx, l, messages, published); err != nil {
		return false, err
	}
	l.messages += len(messages)
	l.after = until
	l.after.Account = l.account
	return last, nil
}

func sliceTable(after, until state.Key) (*ext.Table, error) {
	table, err := ext.NewTable("slice", ext.Column("from_bucket", "DateTime('UTC')"), ext.Column("from_id", "String"),
		ext.Column("to_bucket", "DateTime('UTC')"), ext.Column("to_id", "String"))
	if err != nil {
		return nil, err
	}
	const end = 1<<32 - 1 // of DateTime
	return table, table.Append(hourTime(after.BucketMS), after.MessageID,
		hourTime(min(until.BucketMS, end*1000)), until.MessageID)
}

// sliceFacts reads the next messages from facts.
func (a *Aggregator) sliceFacts(ctx context.Context, l *look, targets *ext.Table) (messages []*state.Message, last bool,
	err error) {
	bounds, err := sliceTable(l.after, state.Key{})
	if err != nil {
		return nil, false, err
	}
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets, bounds),
		clickhouse.WithParameters(clickhouse.Parameters{"rows": fmt.Sprint(l.rows)})), statement("audit_facts"))
	if err != nil {
		return nil, false, fmt.Errorf("read facts: %w", err)
	}
	defer rows.Close()
	var fact fact
	n := 0
	for ; rows.Next(); n++ {
		if err := fact.scan(rows); err != nil {
			return nil, false, fmt.Errorf("read facts: %w", err)
		}
		if len(messages) == 0 || messages[len(messages)-1].Key != fact.key {
			m := &state.Message{}
			m.Reset()
			m.Key = fact.key
			messages = append(messages, m)
		}
		m := messages[len(messages)-1]
		m.SubmittedMS, m.IDMS = min(m.SubmittedMS, fact.submittedMS), min(m.IDMS, fact.idMS)
		m.Attempt(fact.Step).Merge(&fact.Attempt)
	}
	if err := rows.Err(); err != nil {
		return nil, false, fmt.Errorf("read facts: %w", err)
	}
	if n < l.rows {
		return messages, true, nil
	}
	if len(messages) == 1 { // No message has that many steps: there are 256 of them.
		return nil, false, fmt.Errorf("a slice of %d rows holds one message", n)
	}
	return messages[:len(messages)-1], false, nil // The last one may have more steps.
}

func (a *Aggregator) sliceReplies(ctx context.Context, messages []*state.Message,
	tables ...*ext.Table) error {
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(tables...)),
		statement("audit_replies"))
	if err != nil {
		return fmt.Errorf("read replies: %w", err)
	}
	s := &replyStream{rows: rows}
	defer rows.Close()
	if err := s.advance(); err != nil {
		return err
	}
	for _, m := range messages {
		for i := range m.Attempts {
			f := fact{key: m.Key, Attempt: m.Attempts[i]}
			if err := s.addTo(&f); err != nil {
				return err
			}
			m.Attempts[i].RepliesMS = f.RepliesMS
		}
	}
	return nil
}

// compare compares messages that were read from facts with what is published of them.
func (a *Aggregator) compare(ctx context.Context, l *look, messages []*state.Message,
	published map[state.Key][]cells.Dialog) error {
	keys := make([]string, len(messages))
	for i, m := range messages {
		keys[i] = string(m.AppendKey(nil))
	}
	values, err := a.states.LookUp(ctx, keys)
	if err != nil {
		return err
	}
	people := lookedAt{look: l, hourOf: map[address]state.Hour{}, people: map[person]bool{},
		edition: a.newEdition(0, a.cfg.Now().UnixMilli())}
	for i, m := range messages {
		hour := m.Hour()
		dialogs := published[m.Key]
		delete(published, m.Key)
		var units []law.Units
		if l.hours[hour] {
			l.addFact(hour, m)
			is := message{now: m, dialogs: cells.AppendDialogs(nil, m, nil)}
			for i := range is.dialogs {
				if p := dialogOf(dialogs, is.dialogs[i].Step); p != nil {
					is.dialogs[i].Units = p.Units
				}
			}
			is.setUnits()
			units = is.units
		} else if m, units = l.stored(hour, m, values[keys[i]]); m == nil {
			continue
		}
		l.count(m, units, 1)
		l.compareDialogs(hour, cells.AppendDialogs(nil, m, units), dialogs)
		people.add(hour, m, dialogs)
	}
	for key, dialogs := range published {
		l.compareDialogs(key.Hour(), nil, dialogs)
	}
	return people.compare(ctx)
}

// addFact notes what facts say of a message of a cold hour: what is not published of it may be on its way.
func (l *look) addFact(hour state.Hour, m *state.Message) {
	h := l.facts[hour]
	if h == nil {
		h = xxhash.New()
		l.facts[hour] = h
	}
	_, _ = h.WriteString(m.MessageID)
	_, _ = h.Write(m.Append(nil))
}

// stored compares facts with the state that is stored, and returns that. Nil means that there is none.
func (l *look) stored(hour state.Hour, m *state.Message, value string) (*state.Message, []law.Units) {
	is := message{value: value}
	err := is.readOld(m.Key)
	facts := string(m.Append(nil))
	if err != nil || is.old == nil || value[1+int(value[0]):] != facts {
		l.note(differsState, hour, m.MessageID+"\x00"+facts)
	}
	if err != nil {
		return nil, nil
	}
	return is.old, is.oldUnits
}

// compareDialogs compares dialogs that follow from a message with those that are published of it.
func (l *look) compareDialogs(hour state.Hour, want, have []cells.Dialog) {
	for i := range want {
		if p := dialogOf(have, want[i].Step); p == nil || !p.Equal(&want[i]) {
			l.note(differsDialog, hour, fmt.Sprint(want[i]))
		}
	}
	for i := range have {
		if dialogOf(want, have[i].Step) == nil {
			l.note(differsDialog, hour, fmt.Sprint("none", have[i].Key, have[i].Step))
		}
	}
}

// compareCells compares the cells of all messages with those that are published, when all slices were looked at. Looks
// that are compared at once are of different accounts, and share their sum.
func (a *Aggregator) compareCells(ctx context.Context, looks ...*look) error {
	id := a.nextGeneration(time.Now())
	for _, b := range looks[0].sum.Blocks(id) {
		if table, isRollup := strings.CutPrefix(b.Table, "rollup_"); isRollup {
			if err := schema.InsertColumns(ctx, a.deps.Conn, "INSERT INTO whole_"+table+" ("+
				strings.Join(b.Names, ", ")+")", 0, b.Rows, b.Columns); err != nil {
				return fmt.Errorf("write cells to compare: %w", err)
			}
		}
	}
	hours, of := map[state.Hour]bool{}, map[string]*look{}
	for _, l := range looks {
		maps.Copy(hours, l.hours)
		of[l.account] = l
	}
	targets, err := states.HourTable(hours)
	if err != nil {
		return err
	}
	parameters := a.parameters(id)
	parameters["as_of"] = fmt.Sprint(a.cfg.Now().UnixMilli())
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets),
		clickhouse.WithParameters(parameters)), statement("audit_cells"))
	if err != nil {
		return fmt.Errorf("compare cells: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var hour state.Hour
		var n, differences uint64
		if err := rows.Scan(&hour.Account, &hour.BucketMS, &n, &differences); err != nil {
			return fmt.Errorf("compare cells: %w", err)
		}
		l := of[hour.Account]
		l.note(differsCells, hour, fmt.Sprint(n, differences, l.hashOfFacts(hour)))
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("compare cells: %w", err)
	}
	return a.comparePeople(ctx, looks, targets)
}

func (l *look) hashOfFacts(hour state.Hour) uint64 {
	if h := l.facts[hour]; h != nil {
		return h.Sum64()
	}
	return 0
}

// comparePeople compares what is known of people with what is published. There are nearly as many rows of that as
// attempts, so hashes of them are compared.
func (a *Aggregator) comparePeople(ctx context.Context, looks []*look, targets *ext.Table) error {
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets)),
		statement("audit_people"))
	if err != nil {
		return fmt.Errorf("compare people: %w", err)
	}
	defer rows.Close()
	differences := map[state.Hour]cells.PeopleHash{}
	for rows.Next() {
		var hour state.Hour
		var published cells.PeopleHash
		if err := rows.Scan(&hour.Account, &hour.BucketMS, &published.Attempts, &published.Messages); err != nil {
			return fmt.Errorf("compare people: %w", err)
		}
		differences[hour] = published
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("compare people: %w", err)
	}
	for _, l := range looks {
		for hour := range l.hours {
			difference := differences[hour]
			difference.Add(l.people[hour], -1)
			if difference != (cells.PeopleHash{}) {
				l.note(differsPeople, hour, fmt.Sprint(difference, l.hashOfFacts(hour)))
			}
		}
	}
	return nil
}

// kinds counts findings by hour, and names what they are.
func kinds(all []finding) map[state.Hour]map[string]int {
	hours := map[state.Hour]map[string]int{}
	for _, f := range all {
		if hours[f.hour] == nil {
			hours[f.hour] = map[string]int{}
		}
		hours[f.hour][f.kind]++
	}
	return hours
}

// peopleAtOnce bounds whose dialogs a slice of a first look walks through: a walk reads all that its person was sent.
const peopleAtOnce = 200

// lookedAt are the people of a slice: what they opted out of, and the units of their dialogs.
type lookedAt struct {
	*look
	*edition
	hourOf map[address]state.Hour
	people map[person]bool
}

// add notes the people of a message, as it is published, and its opt-outs.
func (p *lookedAt) add(hour state.Hour, m *state.Message, dialogs []cells.Dialog) {
	for i := range m.Attempts {
		who := address{m.Account, m.Attempts[i].Recipient()}
		if _, known := p.optedOut[who]; known {
			p.addresses[who] = true
			p.hourOf[who] = hour
		}
	}
	if p.noteNamed(m); p.named[m.Key] != nil {
		p.hourOf[address{m.Account, "\x00" + m.MessageID}] = hour
	}
	for i := range dialogs {
		if p.first != nil || len(p.people) < peopleAtOnce {
			p.people[personOf(&dialogs[i])] = true
		}
	}
}

// compare compares what is published of the people.
func (p *lookedAt) compare(ctx context.Context) error {
	if len(p.people) > 0 {
		dialogs := map[person][]conversations.Dialog{}
		if err := p.readDialogsOf(ctx, p.people, nil, dialogs); err != nil {
			return fmt.Errorf("read dialogs: %w", err)
		}
		for who, all := range dialogs {
			for _, d := range conversations.Walk(all) {
				p.note(differsUnit, state.Hour{Account: who.account, BucketMS: d.BucketMS},
					fmt.Sprint(d.MessageID, d.Step, d.Conversation, d.Outside, inboundOf(all)))
			}
		}
	}
	return p.eachAttribution(func(name string, table *ext.Table) error {
		return p.compareOptOuts(ctx, "audit_"+name, table)
	})
}

// inboundOf is all that a person wrote: more of it may be on its way.
func inboundOf(all []conversations.Dialog) []int64 {
	if i := slices.IndexFunc(all, func(d conversations.Dialog) bool { return d.Inbound }); i >= 0 {
		return all[i].RepliesMS
	}
	return nil
}

func (p *lookedAt) compareOptOuts(ctx context.Context, name string, table *ext.Table) error {
	rows, err := p.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), statement(name))
	if err != nil {
		return fmt.Errorf("compare opt-outs: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var who address
		var named string
		var wanted uint64
		if err := rows.Scan(&who.account, &who.recipient, &named, &wanted); err != nil {
			return fmt.Errorf("compare opt-outs: %w", err)
		}
		at := who
		if named != "" {
			at.recipient = "\x00" + named
		}
		p.note(differsOptOut, p.hourOf[at], fmt.Sprint(named, wanted))
	}
	return rows.Err()
}
