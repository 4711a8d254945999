package simulate

import (
	"slices"
	"time"
)

// OptOut tells that a recipient does not want messages, or complained of them: blocked, unsubscribed or complained.
type OptOut struct {
	Channel, App, Sender, Kind string
	Since                      time.Time
}

// MarshalJSON writes channel, app, sender, kind and since.
func (o OptOut) MarshalJSON() ([]byte, error) {
	var w rowWriter
	w.field("channel", o.Channel)
	w.field("app", o.App)
	w.field("sender", o.Sender)
	w.field("kind", o.Kind)
	w.time("since", o.Since)
	return w.finish()
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
func (m *Model) signals(codes func(account string) *codeBook) map[numberKey][]signal {
	all := make(map[numberKey][]signal)
	note := func(account, recipient string, s signal) {
		key := numberKey{account, recipient}
		all[key] = append(all[key], s)
	}
	for e := range m.people {
		note(m.strings[e.account], e.recipient, signal{kind: m.strings[e.status], channel: m.strings[e.channel],
			app: m.strings[e.app], sender: m.strings[e.sender], contact: e.contact, at: e.occurred})
	}
	for _, x := range m.foldedAttempts() {
		a := x.attempt
		s := signal{channel: m.channel(a), app: m.app(a), sender: m.strings[a.dims[dimSender]], contact: a.contact}
		tell := func(kind string, at int64) {
			s.kind, s.at, s.byCode = kind, at, oneOf(kind, "blocked", "unsubscribed")
			note(x.account, a.recipient, s)
		}
		if r, found := m.codeReason(a, codes(x.account)); found && optOutKind(r.class) != "" {
			tell(optOutKind(r.class), a.errorAt)
		}
		if m.tokenError(&x, codes(x.account)) {
			tell("token", x.began())
		}
		if x.facts.read {
			tell("read", x.facts.readAt)
		}
		for _, at := range a.replies {
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
