package numbers

import (
	"slices"
	"time"

	"kaskad/simulate/model"
)

// OptOut tells that a recipient does not want messages, or complained of them: blocked, unsubscribed or complained.
type OptOut struct {
	Channel, App, Sender, Kind string
	Since                      time.Time
}

// MarshalJSON writes channel, app, sender, kind and since.
func (o OptOut) MarshalJSON() ([]byte, error) {
	var w model.RowWriter
	w.Field("channel", o.Channel)
	w.Field("app", o.App)
	w.Field("sender", o.Sender)
	w.Field("kind", o.Kind)
	w.Time("since", o.Since)
	return w.Finish()
}

// signal is something that a recipient did, or that was found out of it: one of the statuses about recipients, "read",
// or "token" for an app that is gone.
type signal struct {
	kind, channel, app, sender, contact string
	at                                  int64
	byCode                              bool // Told by an attempt's error code rather than an event.
}

// optOutKind returns the kind of opt-out that an error code of a class tells, empty for none.
func optOutKind(class string) string {
	switch class {
	case "blocked_by_user":
		return "blocked"
	case "opted_out", "dnd":
		return "unsubscribed"
	}
	return ""
}

// signals lists what every recipient of the accounts did, in no order.
func gatherSignals(m *model.Model, codes func(account string) *codeBook) map[numberKey][]signal {
	all := make(map[numberKey][]signal)
	note := func(account, recipient string, s signal) {
		key := numberKey{account, recipient}
		all[key] = append(all[key], s)
	}
	for e := range m.PersonEvents() {
		note(m.Text(e.Account), e.Recipient, signal{kind: m.Text(e.Status), channel: m.Text(e.Channel),
			app: m.Text(e.App), sender: m.Text(e.Sender), contact: e.Contact, at: e.Occurred})
	}
	for _, x := range m.Attempts() {
		a := x.Attempt
		s := signal{channel: m.Channel(a), app: m.App(a), sender: m.Sender(a), contact: a.Contact}
		tell := func(kind string, at int64) {
			s.kind, s.at, s.byCode = kind, at, oneOf(kind, "blocked", "unsubscribed")
			note(x.Account, a.Recipient, s)
		}
		if r, found := codeReason(m, a, codes(x.Account)); found && optOutKind(r.class) != "" {
			tell(optOutKind(r.class), a.ErrorAt)
		}
		if tokenError(m, &x, codes(x.Account)) {
			tell("token", x.Began())
		}
		if x.Facts.Read {
			tell("read", x.Facts.ReadAt)
		}
		for _, at := range a.Replies {
			tell("inbound", at)
		}
	}
	return all
}

// ends tells whether a later signal ends an opt-out.
func (s signal) ends(o signal) bool {
	if s.at <= o.at || s.channel != o.channel || s.app != o.app {
		return false
	}
	if o.kind != "blocked" {
		return s.kind == "subscribed"
	}
	return oneOf(s.kind, "subscribed", "inbound", "read") && (s.sender == "" || o.sender == "" || s.sender == o.sender)
}

// standing returns the latest opt-outs of each kind by channel, app and sender that nothing has ended, with the
// greatest contact of those that tell it.
func standing(signals []signal) []signal {
	type place struct{ channel, app, sender, kind string }
	latest := make(map[place]signal)
	for _, s := range signals {
		if !oneOf(s.kind, "blocked", "unsubscribed", "complained") {
			continue
		}
		key := place{s.channel, s.app, s.sender, s.kind}
		known, found := latest[key]
		contact := max(known.contact, s.contact)
		if found && known.at > s.at {
			s = known
		}
		s.contact = contact
		latest[key] = s
	}
	var left []signal
	for _, o := range latest {
		if !slices.ContainsFunc(signals, func(s signal) bool { return s.ends(o) }) {
			left = append(left, o)
		}
	}
	return left
}

// optOuts lists what a recipient has opted out of, by channel, app, sender and kind.
func optOuts(signals []signal) []OptOut {
	list := []OptOut{}
	for _, o := range standing(signals) {
		list = append(list, OptOut{o.channel, o.app, o.sender, o.kind, instantOf(o.at)})
	}
	slices.SortFunc(list, func(x, y OptOut) int {
		return slices.Compare([]string{x.Channel, x.App, x.Sender, x.Kind},
			[]string{y.Channel, y.App, y.Sender, y.Kind})
	})
	return list
}
