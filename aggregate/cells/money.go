package cells

import "kaskad/schema"

// cascadeKey is a cell of rollup_cascades: messages of a shape. Of a message with prices in several currencies, the
// first currency counts it.
type cascadeKey struct {
	place, campaign, template, currency uint32
	shape                               uint64
}

type cascadeCell struct {
	messages, cohortMaxMS int64
	reported              amount
}

func (s *Sum) addCascade(h *message, n int64) {
	key := cascadeKey{place: h.place, campaign: h.campaign, template: h.template, shape: h.shape}
	prices := s.prices[h.prices:]
	if len(prices) > 0 {
		key.currency = s.names.of(prices[0].Currency)
	}
	cell, _ := s.cascades.of(key)
	cell.messages += n
	cell.cohortMaxMS = max(cell.cohortMaxMS, h.cohortMS)
	for i, p := range prices {
		if i > 0 {
			key.currency = s.names.of(p.Currency)
			cell, _ = s.cascades.of(key)
			cell.cohortMaxMS = max(cell.cohortMaxMS, h.cohortMS)
		}
		cell.reported.add(p.Micros, n)
	}
}

// spendKey is a cell of rollup_spend: attempted steps by all that their price depends on, and their message's.
type spendKey struct {
	place, campaign, template, messageTemplate uint32
	leg, shape                                 uint64
	code                                       uint32
	computedSegments, messageSegments          uint16
	step                                       uint8
}

type spendCell struct{ attempts, cohortMaxMS int64 }

// moneyKey is a currency in which prices of a cell of rollup_spend were reported.
type moneyKey struct{ cell, currency uint32 }

func (s *Sum) addSpend(h *message, st *step, n int64) {
	d := &s.dims.all[st.dims]
	key := spendKey{place: h.place, campaign: d.campaign, template: d.template, leg: st.leg, shape: h.shape,
		code: uint32(st.code), messageSegments: h.smsSegments, step: st.Step}
	if d.Channel == schema.SMS && st.Sent && st.Segments > 0 {
		key.computedSegments = st.SMSSegments
	}
	if h.smsSegments == 0 {
		key.messageTemplate = h.template
	}
	index := s.spend.index(key)
	cell := &s.spend.values[index]
	cell.attempts += n
	cell.cohortMaxMS = max(cell.cohortMaxMS, h.cohortMS)
	for _, p := range s.prices[st.from:st.to] {
		sum, _ := s.spendMoney.of(moneyKey{index, s.names.of(p.Currency)})
		sum.add(p.Micros, n)
	}
}

// wasteKey is a cell of rollup_waste: sent SMS whose message's text is over a boundary by few characters, or UCS-2 for
// few.
type wasteKey struct {
	place, campaign, template uint32
	leg                       uint64
	code, smsMeasure          uint32
	smsSegments               uint16
}

type wasteCell struct{ attempts, cohortMaxMS int64 }

func (s *Sum) addWaste(h *message, st *step, n int64) {
	const fewCharacters = 255 // The bits of schema.PackSMSMeasure that tell of them.
	if st.Channel != schema.SMS || !st.Sent || h.smsMeasure&fewCharacters == 0 {
		return
	}
	cell, _ := s.waste.of(wasteKey{h.place, h.campaign, h.template, st.leg, uint32(st.code), h.smsMeasure, h.smsSegments})
	cell.attempts += n
	cell.cohortMaxMS = max(cell.cohortMaxMS, h.cohortMS)
}
