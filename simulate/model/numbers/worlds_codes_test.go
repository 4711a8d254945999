package numbers

import (
	"kaskad/simulate/model"
	"kaskad/simulate/worlds"
)

// codes looks at how the code of a failed attempt was read.
func (c coverage) codes(m *model.Model, x *model.Folded, codes *codeBook, r reason) {
	a := x.Attempt
	code, provider := m.ErrorCode(a), m.Provider(a)
	_, own := codes.ownAliases[provider]
	_, shipped := codes.shippedAliases[provider]
	_, again := codes.shippedAliases[codes.alias(provider)]
	byLine := code != "" && !r.guessed && !r.unmapped
	c.meet("alias", byLine && own)
	c.meet("shipped alias", byLine && shipped && !own)
	c.meet("alias of an alias", code != "" && own && again)
	c.meet("unmapped guess", r.guessed)
	c.meet("a call's guess", r.guessed && oneOf(m.Channel(a), "voice", "flash_call"))
	c.meet("mail bounced", x.Facts.Bounced && a.At(model.Delivered) != 0)
}

// health looks at what a verdict tells beside its state.
func (c coverage) health(e *numberEvidence, v Verdict) {
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
func (c coverage) signals(m *model.Model, w worlds.NumberWorld) {
	codes, _ := codeBooks(nil, w.Query().ErrorMaps)
	for _, x := range m.Attempts() {
		r, found := codeReason(m, x.Attempt, codes(x.Account))
		c.meet("opt-out by code", found && optOutKind(r.class) != "")
		c.meet("code after a delivery", found && x.Facts.Delivered)
		c.meet("mail machine open", x.Facts.MachineOpened && !x.Facts.Read)
		c.meet("blind", x.Facts.Read && (&reach{model: m, codes: codes}).blind(&x))
	}
	for _, all := range gatherSignals(m, codes) {
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
	steps := map[*model.Message][]*model.Attempt{}
	for _, x := range m.Attempts() {
		steps[x.Msg] = append(steps[x.Msg], x.Attempt)
	}
	for msg, attempts := range steps {
		with, without := false, false
		for _, a := range attempts {
			with, without = with || a.Contact != "", without || a.Contact == ""
		}
		c.meet("contact on some steps", with && without)
		c.meet("person of several steps", !with && len(attempts) > 1 && msg.Person() != attempts[0].Recipient)
	}
}
