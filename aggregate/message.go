package aggregate

import (
	"slices"

	"kaskad/aggregate/cells"
	"kaskad/aggregate/states"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

// message is one that an edition changes, or computes anew.
type message struct {
	// key is that of its state, and value what is stored under it: empty where that is not known.
	key, value string
	// old is what was published of it, now what is to be. Each is nil where there is nothing.
	old, now        *state.Message
	oldUnits, units []law.Units
	// published are the dialogs in it that were published, dialogs those that are to be.
	published, dialogs []cells.Dialog
	// walk says that its dialogs are decided anew, changed or not.
	walk bool
	// whole says that its hour is computed whole: what it counted is taken away with the hour.
	whole bool
}

// readOld decodes what is stored of the message.
func (m *message) readOld(key state.Key) (err error) {
	if m.value == "" {
		return nil
	}
	m.old = &state.Message{}
	m.old.Reset()
	m.old.Key = key
	m.oldUnits, err = states.DecodeValue(m.old, m.value)
	return err
}

// readDialogs derives the dialogs of the message as it is now. Those that were published keep their units until
// somebody walks through what their person was sent.
func (m *message) readDialogs() {
	m.dialogs = cells.AppendDialogs(m.dialogs[:0], m.now, nil)
	for i := range m.dialogs {
		if p := dialogOf(m.published, m.dialogs[i].Step); p != nil {
			m.dialogs[i].Units = p.Units
		}
	}
}

// setUnits takes the units from the dialogs.
func (m *message) setUnits() {
	m.units = nil
	for i := range m.now.Attempts {
		d := dialogOf(m.dialogs, m.now.Attempts[i].Step)
		if d == nil || d.Units == (law.Units{}) {
			continue
		}
		if m.units == nil {
			m.units = make([]law.Units, len(m.now.Attempts))
		}
		m.units[i] = d.Units
	}
}

// dialogOf returns the dialog of a step, nil for none.
func dialogOf(dialogs []cells.Dialog, step uint8) *cells.Dialog {
	i := slices.IndexFunc(dialogs, func(d cells.Dialog) bool { return d.Step == step })
	if i < 0 {
		return nil
	}
	return &dialogs[i]
}

// person is whom a sender talks to on a channel.
type person struct{ account, channel, sender, recipient string }

func personOf(d *cells.Dialog) person { return person{d.Account, d.Channel, d.Sender, d.Recipient} }

// addChangedPeople adds the people whose dialogs with this message have changed.
func (m *message) addChangedPeople(people map[person]bool) {
	for i := range m.published {
		was := &m.published[i]
		is := dialogOf(m.dialogs, was.Step)
		if is != nil {
			same := *is
			same.Units = was.Units
			if same.Equal(was) && !m.walk {
				continue
			}
			people[personOf(is)] = true
		}
		people[personOf(was)] = true
	}
	for i := range m.dialogs {
		if dialogOf(m.published, m.dialogs[i].Step) == nil {
			people[personOf(&m.dialogs[i])] = true
		}
	}
}
