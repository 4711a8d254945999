package ingest

import (
	"context"

	"kaskad/schema/erasure"
)

// hide overwrites erased numbers in the block before any of it is stored, and remembers where they were. Without the
// key of the erasures nothing may be stored, so it waits until there is one.
func (w *worker) hide(ctx context.Context) error {
	w.hidden = w.hidden[:0]
	if err := w.retry(ctx, "erasures", func(ctx context.Context) error {
		_, err := w.erasures.Refresh(ctx, w.in.conn)
		return err
	}); err != nil {
		return err
	}
	if w.hidden = w.erasures.Find(w.block.mayHold()); len(w.hidden) > 0 {
		w.erasures.Hide(w.block.mayHold())
		w.in.metrics.pseudonymised.Add(float64(len(w.hidden)))
	}
	return nil
}

// hideLetters does so for the block's dead letters, those that ClickHouse made too.
func (w *worker) hideLetters() {
	for i := range w.block.letters {
		r := &w.block.letters[i].Rejection
		if found := w.erasures.FindLetter(r); len(found) > 0 {
			w.hidden = append(w.hidden, found...)
			w.erasures.HideLetter(r)
			w.in.metrics.pseudonymised.Add(float64(len(found)))
		}
	}
}

func (b *block) mayHold() erasure.Block {
	return erasure.Block{Facts: &b.facts, People: &b.people, Orphans: &b.orphans}
}

// sweep erases numbers again whose events were stored in plain: either they were erased while this block was being
// stored, or a process that did not know of the erasure yet stored these events and died before committing them. It
// runs before the ledger and the offsets: if it does not finish, the events are read again.
func (w *worker) sweep(ctx context.Context) error {
	changed := false
	if err := w.retry(ctx, "erasures", func(ctx context.Context) error {
		now, err := w.erasures.Refresh(ctx, w.in.conn)
		changed = changed || now
		return err
	}); err != nil {
		return err
	}
	var stored []erasure.Hidden
	if changed {
		stored = w.erasures.Find(w.block.mayHold())
		for i := range w.block.letters {
			stored = append(stored, w.erasures.FindLetter(&w.block.letters[i].Rejection)...)
		}
	}
	// What a running erasure has yet to reach is left to it.
	var settled []erasure.Hidden
	for _, h := range w.hidden {
		if h.Done {
			settled = append(settled, h)
		}
	}
	if len(settled) > 0 {
		if err := w.retry(ctx, "attempts", func(ctx context.Context) error {
			found, err := erasure.StoredInPlain(ctx, w.in.conn, settled)
			stored = append(stored, found...)
			return err
		}); err != nil {
			return err
		}
	}
	swept := map[string]bool{}
	for _, h := range stored {
		if swept[h.Pseudonym] {
			continue
		}
		swept[h.Pseudonym] = true
		w.in.log.Info("events of an erased number were stored, erasing it once more", "account", h.Account, "pseudonym",
			h.Pseudonym)
		if err := w.retry(ctx, "erasing", func(ctx context.Context) error {
			_, err := erasure.EraseNumber(ctx, w.in.conn, h.Account, h.Number, h.Pseudonym)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
