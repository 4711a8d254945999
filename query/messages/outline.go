package messages

import (
	"slices"
	"strings"

	"kaskad/money"
	"kaskad/query/prices"
	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

// states are what may have become of a message: the first that holds is its state.
var states = []string{"replied", "read", "delivered", "failed", "pending", "skipped"}

// outline is what became of a message. Times are Unix milliseconds, schema.Never when unknown.
type outline struct {
	recipient, contact, campaign, template, path, state, reachedBy string

	sentMS, deliveredMS, readMS, repliedMS, failedMS int64
	// failed is the last step that failed, nil for none; expired tells that this status was seen of it.
	failed  *law.Attempt
	expired bool

	outcomes  []law.Outcome
	signature money.Signature
	channels  []string
}

// read derives the outline of a message whose cohort is known. units are those of its attempts, in their order.
func (o *outline) read(m *state.Message, units []law.Units) {
	*o = outline{recipient: m.Recipient(), contact: m.Contact(), sentMS: schema.Never, deliveredMS: schema.Never,
		readMS: schema.Never, repliedMS: schema.Never, failedMS: schema.Never, outcomes: o.outcomes[:0],
		signature: money.Signature{Steps: o.signature.Steps[:0]}, channels: o.channels[:0]}
	cohortMS := m.CohortMS()
	reaching, last := -1, -1
	best := len(states) - 1
	for i := range m.Attempts {
		a := &m.Attempts[i]
		f := a.Outcome(cohortMS)
		o.outcomes = append(o.outcomes, f)
		if !f.Attempted {
			continue
		}
		last = i
		for at, holds := range [...]bool{f.Replied, f.Read, f.Delivered, f.Failed, f.Pending} {
			if holds {
				best = min(best, at)
			}
		}
		if f.Delivered && reaching < 0 {
			reaching = i
			o.reachedBy = a.Channel
		}
		if f.Failed {
			o.failed, o.expired = a, f.Expired
		}
		o.campaign, o.template = max(o.campaign, a.Campaign), max(o.template, a.Template)
		o.signature.SMSSegments = max(o.signature.SMSSegments, a.SMSSegments)
		o.signature.Steps = append(o.signature.Steps, stepOf(a, &f, unitsAt(units, i)))
		o.channels = append(o.channels, a.Channel)
	}
	o.state, o.path = states[best], strings.Join(o.channels, ">")
	if last < 0 { // Nothing of it was tried, so it is in no report that names campaigns of messages.
		for i := range m.Attempts {
			a := &m.Attempts[i]
			o.campaign, o.template = max(o.campaign, a.Campaign), max(o.template, a.Template)
		}
		return
	}
	o.readTimes(m, reaching, last)
}

// readTimes takes the times of the step that reached the person; where none did, the last one that was tried says when
// it was sent. A read or a reply to another step is one of the message all the same.
func (o *outline) readTimes(m *state.Message, reaching, last int) {
	if reaching < 0 {
		reaching = last
	}
	a, f := &m.Attempts[reaching], &o.outcomes[reaching]
	o.sentMS = min(a.At(schema.Accepted), a.At(schema.Sent))
	o.deliveredMS, o.readMS, o.repliedMS = f.DeliveredMS, f.ReadMS, f.RepliedMS
	for i := range o.outcomes {
		if f.ReadMS == schema.Never {
			o.readMS = min(o.readMS, o.outcomes[i].ReadMS)
		}
		if f.RepliedMS == schema.Never {
			o.repliedMS = min(o.repliedMS, o.outcomes[i].RepliedMS)
		}
	}
	if o.failed != nil {
		o.failedMS = min(o.failed.At(schema.Undelivered), o.failed.At(schema.Rejected), o.failed.At(schema.Expired),
			o.failed.At(schema.Failed))
		// The failure of a part has no time of its own in the facts but that of its code.
		if o.failedMS == schema.Never && o.failed.LastErrorMS > 0 {
			o.failedMS = o.failed.LastErrorMS
		}
	}
}

func unitsAt(units []law.Units, i int) law.Units {
	if i < len(units) {
		return units[i]
	}
	return law.Units{}
}

// stepOf is an attempt as pricing sees it, as the aggregator notes it in tables legs and shapes.
func stepOf(a *law.Attempt, f *law.Outcome, units law.Units) money.Step {
	step := money.Step{Channel: a.Channel, Provider: a.Provider, Operator: a.Operator, Country: a.Country(),
		Traffic: a.Traffic, Sender: a.Sender, App: a.App, Trigger: a.Trigger}
	step.Take(f.Code(units, a.Segments))
	return step
}

// price is the money of a message as the savings report counts it; false of a message of which nothing was tried.
func (o *outline) price(list *money.PriceList, cohortMS int64) (money.Priced, bool) {
	if len(o.signature.Steps) == 0 {
		return money.Priced{}, false
	}
	return list.Price(&o.signature, o.template, cohortMS), true
}

// billsDialogs tells whether a price of the account depends on units of dialogs.
func billsDialogs(a prices.Account) bool {
	return slices.ContainsFunc(a.Tariffs, func(t money.Tariff) bool {
		return t.Billing == money.PerConversation24h || t.Billing == money.PerMessageOutsideWindow
	})
}
