package simulate

// codes looks at how the code of a failed attempt was read.
func (c coverage) codes(m *Model, x *foldedAttempt, codes *codeBook, r reason) {
	a := x.attempt
	code, provider := m.strings[a.errorCode], m.strings[a.dims[dimProvider]]
	_, own := codes.ownAliases[provider]
	_, shipped := codes.shippedAliases[provider]
	_, again := codes.shippedAliases[codes.alias(provider)]
	byLine := code != "" && !r.guessed && !r.unmapped
	c.meet("alias", byLine && own)
	c.meet("shipped alias", byLine && shipped && !own)
	c.meet("alias of an alias", code != "" && own && again)
	c.meet("unmapped guess", r.guessed)
	c.meet("a call's guess", r.guessed && oneOf(m.channel(a), "voice", "flash_call"))
	c.meet("mail bounced", x.facts.bounced && a.at(delivered) != 0)
}

// health looks at what a verdict tells beside its state.
func (c coverage) health(e *numberEvidence, v NumberVerdict) {
	mail := e.kind == mailAddress
	c.meet("mail dead", mail && v.State == "dead")
	c.meet("mail suspect", mail && v.State == "suspect")
	c.meet("guessed", v.Guessed > 0)
	certain := *e
	certain.failures = nil
	sure := 0
	for _, f := range e.failures {
		if e.hard(f) {
			sure++
		}
		f.guessed = false
		certain.failures = append(certain.failures, f)
	}
	rule, _ := certain.dead(forever)
	c.meet("guess holds a death back", v.State != "dead" && rule != "")
	c.meet("suspect by guesses alone", v.State == "suspect" && sure == 0)
	c.meet("reachable elsewhere", len(v.ReachableOn) > 0)
	for _, o := range v.OptOuts {
		c.meet("opt-out "+o.Kind, true)
		c.meet("opt-out without evidence", len(e.failures)+len(e.successes)+len(e.lookups) == 0)
	}
}

// signals looks at what ended opt-outs and what did not.
func (c coverage) signals(m *Model, w NumberWorld) {
	codes, _ := codeBooks(nil, w.Query().ErrorMaps)
	for _, x := range m.foldedAttempts() {
		r, found := m.codeReason(x.attempt, codes(x.account))
		c.meet("opt-out by code", found && optOutKind(r.class) != "")
		c.meet("code after a delivery", found && x.facts.delivered)
		c.meet("mail machine open", x.facts.machineOpened && !x.facts.read)
		c.meet("blind", x.facts.read && (&reach{model: m, codes: codes}).blind(&x))
	}
	for _, all := range m.signals(codes) {
		for _, o := range all {
			if o.kind != "blocked" {
				continue
			}
			for _, s := range all {
				c.meet("block ended", s.ends(o))
				c.meet("block ended by a reply or a read", s.ends(o) && s.kind != "subscribed")
				c.meet("block stands at the same time", s.at == o.at && s.channel == o.channel && s.app == o.app &&
					oneOf(s.kind, "inbound", "read", "subscribed"))
				other := s
				other.sender = o.sender
				c.meet("other sender ends no block", !s.ends(o) && other.ends(o))
			}
		}
	}
	for _, msg := range m.messages {
		with, without := false, false
		for _, a := range msg.attempts {
			with, without = with || a.contact != "", without || a.contact == ""
		}
		c.meet("contact on some steps", with && without)
		c.meet("person of several steps", !with && len(msg.attempts) > 1 && msg.person() != msg.attempts[0].recipient)
	}
}
