package simulate

// submissions decides which events say when the message was submitted.
func (a *author) submissions(s *story, stale bool) {
	r := &a.rng
	n := r.next()
	only := -1
	switch {
	case s.timed || stale:
	case a.shares.lost.of(n):
		return
	case (a.shares.lost + a.shares.orphans).of(n):
		only = int(r.below(int64(len(a.events))))
	}
	drift := s.timed && r.chance(a.shares.drift)
	for i := range a.events {
		e := &a.events[i]
		n := r.next()
		switch {
		case only >= 0 && i != only:
			continue
		case only < 0 && s.timed && n&1 == 0:
			continue // The id will do.
		case only < 0 && !s.timed && i > 0 && n&3 == 0:
			continue // Another event says it.
		}
		e.submitted = s.submitted
		if drift {
			e.submitted += int64(n >> 8 % uint64(20*60_000))
		}
	}
}

// transport decides how each event comes: when, how much of it, and how often.
func (a *author) transport() {
	r := &a.rng
	for i := range a.events {
		e := &a.events[i]
		n := r.next()
		e.noise = uint32(n >> 32)
		// The provider's clock may be slow, the world's is not.
		e.arrival += 20 + int64(n&0xff)
		if e.trial.provider.wholeSeconds {
			e.occurred -= e.occurred % 1000
		}
		a.setFlags(e, i)
		if r.chance(a.shares.late) {
			e.flags |= isLate
			e.arrival += dayMS + r.below(2*dayMS)
		} else if r.chance(a.shares.reordered) {
			e.flags |= isReordered
			e.arrival += r.between(30_000, 15*60_000)
		}
	}
	for i := range a.events {
		if !r.chance(a.shares.duplicates) {
			continue
		}
		again := a.events[i]
		again.flags |= isDuplicate
		// Retries come after 1, 10, 30 or 90 s, as 8x8 sends them.
		again.arrival += [...]int64{1_000, 10_000, 30_000, 90_000}[r.next()&3]
		if r.next()%5 == 0 {
			shift := r.between(1_000, 30_000)
			again.occurred += shift
			again.arrival += shift
		}
		a.events = append(a.events, again)
	}
}

func (a *author) setFlags(e *happening, i int) {
	r := &a.rng
	n := r.next()
	set := func(flag uint16, when bool) {
		if when {
			e.flags |= flag
		}
	}
	if e.flags&aboutRecipient != 0 {
		return
	}
	// The first event of a message is the sender's own and knows everything.
	set(sparse, i > 0 && a.shares.sparse.of(n))
	set(conflicting, a.shares.conflicting.of(mix(n^1)))
	set(withText, i == 0 && a.shares.texts.of(mix(n^2)))
	set(unknownField, a.shares.unknownFields.of(mix(n^3)))
	set(priced, e.trial.segments > 0 && a.shares.prices.of(mix(n^4)))
}
