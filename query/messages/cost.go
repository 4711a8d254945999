package messages

import (
	"context"
	"fmt"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

// priceSteps says of each step what it cost, as the spend report counts it: whatever its message did besides.
func (m *Messages) priceSteps(ctx context.Context, q messageQuery, seen *answer.Snapshot, message *state.Message,
	steps []stepAnswer) error {
	cohortMS := message.CohortMS()
	if cohortMS == schema.Never {
		return nil
	}
	lists, err := m.prices.Lists(ctx, []string{message.Account}, nil)
	if err != nil {
		return err
	}
	list := lists.Of(message.Account)
	units := map[uint8]law.Units{}
	if billsDialogs(lists.Account(message.Account)) {
		q.account = message.Account
		if units, err = m.readUnits(ctx, q, seen); err != nil {
			return fmt.Errorf("read units of dialogs: %w", err)
		}
	}
	smsSegments := uint16(0)
	outcomes := make([]law.Outcome, len(message.Attempts))
	for i := range message.Attempts {
		a := &message.Attempts[i]
		if outcomes[i] = a.Outcome(cohortMS); outcomes[i].Attempted {
			smsSegments = max(smsSegments, a.SMSSegments)
		}
	}
	for i := range message.Attempts {
		a := &message.Attempts[i]
		if outcomes[i].Attempted {
			step := stepOf(a, &outcomes[i], units[a.Step])
			steps[i].price(list, &step, smsSegments, cohortMS)
		}
	}
	return nil
}

// price says what a step cost that was tried. One that was not sent costs nothing where there is a tariff for it.
func (s *stepAnswer) price(list *money.PriceList, step *money.Step, smsSegments uint16, cohortMS int64) {
	cost, known := list.Cost(step, smsSegments, cohortMS)
	if cost.Tariff == nil {
		cost.Tariff = list.TariffAt(step, cohortMS)
	}
	if s.Tariff = cost.Tariff; s.Tariff == nil {
		if !known {
			s.UnpricedReason = money.ReasonNoTariff
		}
		return
	}
	s.Currency = s.Tariff.Currency
	if known {
		shown := cost.Cost.String()
		s.Units, s.Cost = &cost.Units, &shown
	} else {
		s.UnpricedReason = money.ReasonNoStepSegments
	}
}

// readUnits reads the units of dialogs that a message carries, by step.
func (m *Messages) readUnits(ctx context.Context, q messageQuery, seen *answer.Snapshot) (units map[uint8]law.Units,
	err error) {
	statement, args, err := q.SQL("message_units", seen)
	if err != nil {
		return nil, err
	}
	rows, err := m.db.Conn.Query(m.db.Settings(ctx), statement, args...)
	if err != nil {
		return nil, err
	}
	defer store.CloseRows(rows, &err)
	units = map[uint8]law.Units{}
	for rows.Next() {
		var account string
		var step, conversation, outside uint8
		if err := rows.Scan(&account, &step, &conversation, &outside); err != nil {
			return nil, err
		}
		u := units[step]
		units[step] = law.Units{Conversation: u.Conversation || conversation == 1, Outside: u.Outside || outside == 1}
	}
	return units, rows.Err()
}
