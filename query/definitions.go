package query

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/report"
	"kaskad/query/store"
	"kaskad/schema"
	"kaskad/schema/rules"
)

//go:embed definitions.json
var definitionsJSON []byte

// definitions are what docs/definitions.md says, in the order of definitions.json.
type definitions struct {
	Attempt  string            `json:"attempt"`
	Cohort   string            `json:"cohort"`
	AsOf     string            `json:"as_of"`
	Rounding string            `json:"rounding"`
	Mature   string            `json:"mature"`
	Derived  map[string]string `json:"derived"`
	Metrics  []metric          `json:"metrics"`
	Keys     map[string]string `json:"keys"`
	Money    moneyRules        `json:"money"`
	Numbers  numberDefinitions `json:"numbers"`
	Balance  string            `json:"balance"`
}

// metric is a figure of the channel report: how it is computed, over which routes, in which fields, and when it is
// null.
type metric struct {
	Name        string   `json:"name"`
	Kind        string   `json:"kind"`
	Fields      []string `json:"fields"`
	Formula     string   `json:"formula"`
	Numerator   string   `json:"numerator,omitempty"`
	Denominator string   `json:"denominator,omitempty"`
	Over        string   `json:"over"`
	Null        string   `json:"null"`
	Bound       string   `json:"bound,omitempty"`
}

// moneyRules are those of section 4. GroupBy follows from the code: the names of each report.
type moneyRules struct {
	Amounts      string              `json:"amounts"`
	SMSSegments  string              `json:"sms_segments"`
	Tariffs      map[string]string   `json:"tariffs"`
	Billings     []billingRule       `json:"billings"`
	Terms        map[string]string   `json:"terms"`
	Savings      []figure            `json:"savings"`
	SavingsKeys  map[string]string   `json:"savings_keys"`
	Spend        []figure            `json:"spend"`
	SegmentWaste []figure            `json:"segment_waste"`
	Forecast     []figure            `json:"forecast"`
	FromHistory  []figure            `json:"from_history"`
	BreakEven    []figure            `json:"break_even"`
	GroupBy      map[string][]string `json:"group_by"`
}

// numberDefinitions are those of section 5. Classes and Defaults follow from package schema.
type numberDefinitions struct {
	Evidence      string              `json:"evidence"`
	Failure       string              `json:"failure"`
	Success       string              `json:"success"`
	Mailing       string              `json:"mailing"`
	Class         string              `json:"class"`
	Streak        string              `json:"streak"`
	Classes       []schema.Class      `json:"classes"`
	Defaults      rules.Rules         `json:"defaults"`
	States        map[string]string   `json:"states"`
	Fields        []figure            `json:"fields"`
	Changes       string              `json:"changes"`
	OptOuts       string              `json:"opt_outs"`
	Lost          string              `json:"lost"`
	Penetration   []figure            `json:"penetration"`
	SelectionBias string              `json:"selection_bias"`
	Failures      []figure            `json:"failures"`
	DeadSpend     []figure            `json:"dead_spend"`
	BestChannel   []figure            `json:"best_channel"`
	Audience      []figure            `json:"audience"`
	GroupBy       map[string][]string `json:"group_by"`
}

// billingRule says what a billing model counts of an attempt, and which channels may have it.
type billingRule struct {
	Name     money.Billing `json:"name"`
	Units    string        `json:"units"`
	Cost     string        `json:"cost"`
	Channels string        `json:"channels"`
}

// figure is a field of an answer about money, numbers or people.
type figure struct {
	Name    string `json:"name"`
	Formula string `json:"formula"`
	Over    string `json:"over,omitempty"`
	Null    string `json:"null"`
}

// readRules completes what follows from a metric's kind, and from the code.
func readDefinitions() (definitions, error) {
	var r definitions
	if err := json.Unmarshal(definitionsJSON, &r); err != nil {
		return r, fmt.Errorf("read definitions.json: %w", err)
	}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		m.Fields, m.Null = []string{m.Name}, "never"
		switch m.Kind {
		case "rate":
			m.Fields = []string{m.Name + "_num", m.Name + "_den", m.Name + "_rate", m.Name + "_rate_low",
				m.Name + "_rate_high"}
			m.Formula = m.Name + "_rate = " + m.Name + "_num / " + m.Name + "_den"
			m.Null = m.Name + "_rate, its low and its high, when " + m.Name + "_den is 0"
		case "bound":
			m.Null = "when open_den is 0"
		case "percentiles":
			m.Fields = []string{m.Name + "_p50", m.Name + "_p90", m.Name + "_p99"}
			m.Null = "when no attempt has that time"
		}
	}
	n := &r.Numbers
	for _, figures := range [][]figure{r.Money.Savings, r.Money.Spend, r.Money.SegmentWaste, r.Money.Forecast,
		r.Money.FromHistory,
		r.Money.BreakEven,
		n.Fields, n.Penetration, n.Failures, n.DeadSpend, n.BestChannel, n.Audience} {
		for i := range figures {
			figures[i].Null = cmp.Or(figures[i].Null, "never")
		}
	}
	r.Money.GroupBy = map[string][]string{"savings": savingsKeys.Names(), "spend": report.ChannelKeys.Names(),
		"segment_waste": wasteKeys.Names()}
	n.Classes, n.Defaults = schema.Classes, rules.Default
	n.GroupBy = map[string][]string{"penetration": penetrationKeys.Names(), "failures": failuresKeys.Names(),
		"dead_spend": deadSpendKeys.Names()}
	return r, nil
}

// definitions serves GET /v1/definitions: every figure's formula, and what each route can report.
func (s *Server) definitions(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	reply := struct {
		definitions
		GroupBy []string           `json:"group_by"`
		Routes  []store.Capability `json:"routes"`
	}{GroupBy: report.ChannelKeys.Names()}
	var err error
	if reply.definitions, err = readDefinitions(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.db.QueryTime)
	defer cancel()
	if reply.Routes, err = s.db.CapabilityLines(ctx); err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, reply)
	return nil
}
