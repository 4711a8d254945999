package aggregate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"golang.org/x/sync/errgroup"

	"kaskad/aggregate/cells"
	"kaskad/aggregate/states"
	"kaskad/schema"
	"kaskad/schema/state"
)

// flushEvery bounds the memory of an edition: so many messages are folded before rows are written. mergeAtOnce are as
// many changes as are handed from those that merge to who folds.
const (
	flushEvery  = 50_000
	mergeAtOnce = 128
)

// edition is what a pass publishes.
type edition struct {
	*Aggregator
	id    uint64
	nowMS int64
	// whole are the hours that are computed whole.
	whole map[state.Hour]bool
	// replaced are those of them that have cells already.
	replaced map[state.Hour]bool
	// held are messages that are folded when the units of their dialogs are decided.
	held []*message
	// leaves says that what waits takes many more passes like this one.
	leaves bool
	// folded counts the messages since the last flush, and all of them. tookWhole is what hours that are computed whole
	// took to read and to fold.
	folded, all int
	tookWhole   time.Duration

	// writing waits for what the last flush writes, while more is folded.
	writing func() error

	log         states.Log
	fresh       map[state.Hour]bool // hours of which nothing was published
	days        dayChanges
	changed     map[state.Hour]bool // hours whose states it changes
	written     dialogRows
	addresses   map[address]bool // whose opt-outs are to be attributed anew
	named       namedAttempts
	shared      []sharedAttempt
	readdressed []sharedAttempt
}

// address is a recipient of an account.
type address struct{ account, recipient string }

// sharedAttempt is an attempt whose events name different recipients, with the one that counts.
type sharedAttempt struct {
	message   *schema.Location
	step      uint8
	recipient string
}

func (a *Aggregator) newEdition(id uint64, nowMS int64) *edition {
	return &edition{Aggregator: a, id: id, nowMS: nowMS, whole: map[state.Hour]bool{}, replaced: map[state.Hour]bool{},
		fresh: map[state.Hour]bool{}, changed: map[state.Hour]bool{}, days: dayChanges{},
		addresses: map[address]bool{}, named: namedAttempts{}, writing: func() error { return nil }}
}

// fold adds to the edition what a message changes.
func (e *edition) fold(ctx context.Context, m *message) error {
	e.written.add(m)
	if m.now == nil {
		return nil
	}
	m.setUnits()
	hour := m.now.Hour()
	switch {
	case m.whole && e.replaced[hour]:
		e.sums.whole.Anew(m.old, m.now, m.units)
	case m.whole:
		e.sums.changed.Anew(m.old, m.now, m.units)
	default:
		e.sums.changed.Replace(m.old, m.now, m.oldUnits, m.units)
	}
	e.scratch = states.AppendValue(e.scratch[:0], m.now, m.units)
	if string(e.scratch) != m.value {
		value := string(e.scratch)
		e.log.Add(m.key, value)
		e.states.Wrote(m.key, value, m.value == "")
	}
	if !e.changed[hour] {
		e.changed[state.Hour{Account: strings.Clone(hour.Account), BucketMS: hour.BucketMS}] = true
	}
	if !e.whole[hour] && !e.fresh[hour] {
		if _, known := e.states.Hours[hour]; !known {
			e.fresh[state.Hour{Account: strings.Clone(hour.Account), BucketMS: hour.BucketMS}] = true
		}
	}
	e.audit.look.follow(m)
	e.noteShared(m)
	e.noteOptedOut(m)
	e.noteNamed(m.now)
	e.all++
	if e.folded++; e.folded < e.flushEvery {
		return nil
	}
	return e.flushFolded(ctx)
}

// flushFolded begins to write what was folded so far, with its states.
func (e *edition) flushFolded(ctx context.Context) error {
	var log []func(context.Context) error
	if e.log.Waiting() > e.flushEvery/2 { // A few wait for the row that ends the log.
		log = append(log, e.log.Write(e.deps.Conn, e.id))
	}
	return e.flush(ctx, log...)
}

// noteShared notes attempts whose events name different recipients. Where it is not known what was written of a
// message, the others have to be looked for: readers of attempts_by_recipient see also what an edition wrote that died.
func (e *edition) noteShared(m *message) {
	for i := range m.now.Attempts {
		a := &m.now.Attempts[i]
		if !a.Readdressed() {
			continue
		}
		s := sharedAttempt{&schema.Location{Account: m.now.Account, MessageID: m.now.MessageID,
			BucketMS: m.now.BucketMS},
			a.Step, a.Recipient()}
		e.shared = append(e.shared, s)
		if m.old == nil || !e.trusted {
			e.readdressed = append(e.readdressed, s)
		}
	}
}

// flush begins to write what was folded, and more. It waits for what the last flush writes; what this one does is
// written when wrote returns, and until then another sum takes what is folded. Sums of a flush that failed are dropped
// with all others (turn), for they tell of legs and shapes once.
func (e *edition) flush(ctx context.Context, more ...func(context.Context) error) error {
	e.folded = 0
	if err := e.wrote(); err != nil {
		return err
	}
	folded := e.sums
	e.sums, e.flushed = e.flushed, folded
	done := make(chan error, 1)
	go func() { done <- e.write(ctx, folded, more) }()
	e.writing = sync.OnceValue(func() error { return <-done })
	return nil
}

// write writes what was folded, and more, if there is something in it: side by side, for a small insert is nothing but
// waiting.
func (e *edition) write(ctx context.Context, folded *sums, more []func(context.Context) error) error {
	changed, whole := folded.changed.Blocks(e.id), folded.whole.Blocks(e.id)
	folded.changed.Reset()
	folded.whole.Reset()
	for i := range whole {
		whole[i].Table = strings.Replace(whole[i].Table, "rollup_", "whole_", 1)
	}
	blocks := slices.Concat(changed, whole)
	if len(blocks)+len(more) == 0 {
		return nil
	}
	if err := e.begin(ctx, e.id); err != nil {
		return err
	}
	for i := range blocks {
		e.days.add(&blocks[i])
		if blocks[i].Table == "attempts_by_recipient" {
			blocks = append(blocks, e.numbersTouched(&blocks[i]))
		}
	}
	const sideBySide = 4
	inserts, ctx := errgroup.WithContext(ctx)
	inserts.SetLimit(sideBySide)
	for _, b := range blocks {
		inserts.Go(func() error { return e.insert(ctx, b.Table, b.Names, b.Rows, b.Columns) })
	}
	for _, do := range more {
		inserts.Go(func() error { return do(ctx) })
	}
	return inserts.Wait()
}

// wrote returns when all that was flushed is written.
func (e *edition) wrote() error { return e.writing() }

// insert writes rows of the edition, which was begun.
func (e *edition) insert(ctx context.Context, table string, names []string, rows int, columns []any) error {
	return schema.InsertColumns(ctx, e.deps.Conn, "INSERT INTO "+table+" ("+strings.Join(names, ", ")+")", 0, rows,
		columns)
}

// numbersTouched returns the rows that have the verdicts decided on the numbers whose attempts have changed.
func (e *edition) numbersTouched(b *cells.Block) cells.Block {
	accounts := b.Columns[slices.Index(b.Names, "account")].([]string)
	recipients := b.Columns[slices.Index(b.Names, "recipient")].([]string)
	seen := map[address]bool{}
	var of, numbers []string
	for i, recipient := range recipients {
		a := address{accounts[i], recipient}
		if !strings.HasPrefix(recipient, "+") && !strings.HasPrefix(recipient, "email:") || seen[a] {
			continue
		}
		seen[a] = true
		of, numbers = append(of, a.account), append(numbers, recipient)
	}
	return cells.Block{Table: "numbers_touched", Names: []string{"generation", "account", "number"}, Rows: len(of),
		Columns: []any{slices.Repeat([]uint64{e.id}, len(of)), of, numbers}}
}

// end writes all that is left, so that the edition can be published. It reports whether there is something in it.
func (e *edition) end(ctx context.Context) (bool, error) {
	slices.SortFunc(e.held, func(x, y *message) int { return strings.Compare(x.key, y.key) })
	for _, m := range e.held {
		if err := e.fold(ctx, m); err != nil {
			return false, err
		}
	}
	for hour := range e.whole {
		e.fresh[hour] = true
	}
	var more []func(context.Context) error
	if len(e.written.steps) > 0 {
		more = append(more, func(ctx context.Context) error { return e.written.insert(ctx, e) })
	}
	if len(e.fresh) > 0 {
		more = append(more, func(ctx context.Context) error { return e.noteHours(ctx, e.id, e.fresh) })
	}
	if e.log.Some() {
		more = append(more, func(ctx context.Context) error { return e.log.End(ctx, e.deps.Conn, e.id) })
	}
	if err := e.flush(ctx, more...); err != nil {
		return false, err
	}
	if err := e.wrote(); err != nil {
		return false, err
	}
	if len(e.replaced) > 0 {
		if err := e.net(ctx); err != nil {
			return false, err
		}
	}
	if err := e.takeBackReaddressed(ctx); err != nil {
		return false, err
	}
	if err := e.attribute(ctx); err != nil {
		return false, err
	}
	return e.begun == e.id, nil
}

// net makes differences of the hours that were computed whole and have cells: the new ones, less what is published.
func (e *edition) net(ctx context.Context) error {
	if err := e.begin(ctx, e.id); err != nil {
		return err
	}
	targets, err := states.HourTable(e.replaced)
	if err != nil {
		return err
	}
	parameters := e.parameters(e.id)
	parameters["as_of"] = fmt.Sprint(e.nowMS)
	for _, name := range []string{"net_attempts", "net_cascades", "net_spend", "net_waste", "net_failures",
		"net_people"} {
		if err := e.doWith(ctx, name, parameters, targets); err != nil {
			return fmt.Errorf("compare %d hours with what is published (%s): %w", len(e.replaced), name, err)
		}
	}
	return e.readDayChanges(ctx, targets)
}

// publish makes the edition visible, and its states those that are stored. The hours that it computed whole are warm
// from then on, but for those that lack facts: what is stored of such an hour may know of what is lost.
func (e *edition) publish(ctx context.Context) error {
	// Another aggregator took over if this one was silent for long; what it publishes must not be replaced by what was
	// computed before.
	if err := e.checkOwner(ctx); err != nil {
		return err
	}
	lost := map[state.Hour]bool{}
	if replaced := e.audit.mayLack(e.replaced); len(replaced) > 0 {
		targets, err := states.HourTable(replaced)
		if err != nil {
			return err
		}
		if lost, err = e.nameLost(ctx, e.id, e.nowMS, targets); err != nil {
			return err
		}
	}
	if err := e.do(ctx, "publish_edition", e.id); err != nil {
		return fmt.Errorf("publish edition %d: %w", e.id, err)
	}
	e.noteDays(e.id, e.days)
	e.cfg.OnStep("published")
	if err := e.states.Apply(ctx, e.id, &e.log); err != nil {
		return err
	}
	e.cfg.OnStep("applied")
	cold := make(map[state.Hour]bool, len(e.whole))
	for hour := range e.whole {
		cold[hour] = lost[hour]
	}
	e.audit.computed(e.whole)
	e.states.Published(e.id, e.fresh, e.changed, e.whole)
	e.metrics.generations.Inc()
	e.metrics.messages.Add(float64(e.all))
	e.metrics.buckets.Add(float64(len(e.whole)))
	return e.states.SetCold(ctx, e.id, cold)
}

// takeBackReaddressed takes attempts from recipients that a later event has replaced by a greater one.
func (e *edition) takeBackReaddressed(ctx context.Context) error {
	if len(e.shared) == 0 {
		return nil
	}
	for _, part := range []struct {
		attempts   []sharedAttempt
		statements []string
		others     bool
	}{{e.shared, []string{"shared_attempts"}, false},
		{e.readdressed, []string{"readdressed_numbers", "readdressed"}, true}} {
		if len(part.attempts) == 0 {
			continue
		}
		moved, err := ext.NewTable("moved", ext.Column("account", "String"), ext.Column("bucket", "DateTime('UTC')"),
			ext.Column("message_id", "String"), ext.Column("step", "UInt8"), ext.Column("recipient", "String"))
		if err != nil {
			return err
		}
		for _, s := range part.attempts {
			if err := moved.Append(s.message.Account, hourTime(s.message.BucketMS), s.message.MessageID, s.step,
				s.recipient); err != nil {
				return fmt.Errorf("list shared attempts: %w", err)
			}
		}
		if part.others {
			if err := e.addAddresses(ctx, "optouts_readdressed", moved); err != nil {
				return err
			}
		}
		for _, name := range part.statements {
			if err := e.do(ctx, name, e.id, moved); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return e.countShared(ctx)
}
