package query

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/forecast"
	"kaskad/query/numbers"
	"kaskad/query/report"
	"kaskad/query/rollup"
	"kaskad/query/savings"
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
	Curves   curveDefinitions  `json:"curves"`
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
	Amounts     string              `json:"amounts"`
	SMSSegments string              `json:"sms_segments"`
	Tariffs     map[string]string   `json:"tariffs"`
	Billings    []billingRule       `json:"billings"`
	Terms       map[string]string   `json:"terms"`
	Savings     []figure            `json:"savings"`
	SavingsKeys map[string]string   `json:"savings_keys"`
	Forecast    []figure            `json:"forecast"`
	FromHistory []figure            `json:"from_history"`
	BreakEven   []figure            `json:"break_even"`
	GroupBy     map[string][]string `json:"group_by"`
	reports     reportFigures
}

// MarshalJSON adds the figures of reports.
func (m moneyRules) MarshalJSON() ([]byte, error) {
	type plain moneyRules
	return m.reports.beside(plain(m))
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
	SelectionBias string              `json:"selection_bias"`
	BestChannel   []figure            `json:"best_channel"`
	Audience      []figure            `json:"audience"`
	GroupBy       map[string][]string `json:"group_by"`
	reports       reportFigures
}

// MarshalJSON adds the figures of reports.
func (n numberDefinitions) MarshalJSON() ([]byte, error) {
	type plain numberDefinitions
	return n.reports.beside(plain(n))
}

// curveDefinitions are those of what pictures are drawn of.
type curveDefinitions struct {
	GroupBy map[string][]string `json:"group_by"`
	reports reportFigures
}

// MarshalJSON adds the figures of reports.
func (d curveDefinitions) MarshalJSON() ([]byte, error) {
	type plain curveDefinitions
	return d.reports.beside(plain(d))
}

// reportFigures are the figures of the reports of a section, by name.
type reportFigures map[string][]figure

// beside prints a section and the figures beside its own members.
func (f reportFigures) beside(section any) ([]byte, error) {
	var all bytes.Buffer
	encoder := json.NewEncoder(&all)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(section); err != nil {
		return nil, err
	}
	all.Truncate(bytes.LastIndexByte(all.Bytes(), '}'))
	all.WriteByte(',')
	figures := all.Len()
	if err := encoder.Encode(f); err != nil {
		return nil, err
	}
	return slices.Delete(all.Bytes(), figures, figures+1), nil // without the brace that opens the figures
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

// definedMetric is a figure of the channel report as it is defined to readers.
func definedMetric(f *rollup.Figure) metric {
	m := metric{Name: f.Name, Kind: string(f.Kind), Fields: f.Fields(), Formula: f.Formula, Numerator: f.Numerator,
		Denominator: f.Denominator, Over: f.Over, Null: "never", Bound: f.BoundIn}
	switch f.Kind {
	case rollup.Rate:
		m.Formula = m.Name + "_rate = " + m.Name + "_num / " + m.Name + "_den"
		m.Null = m.Name + "_rate, its low and its high, when " + m.Name + "_den is 0"
	case rollup.Bound:
		m.Null = "when open_den is 0"
	case rollup.Percentiles:
		m.Null = "when no attempt has that time"
	}
	return m
}

// definedFigures are figures of a report as they are defined to readers.
func definedFigures(of []rollup.Figure) (figures []figure) {
	for i := range of {
		f := &of[i]
		for _, c := range f.Columns() {
			figures = append(figures, figure{c.Name, cmp.Or(f.Formula, f.Text()), f.Over, cmp.Or(c.Null, "never")})
		}
	}
	return figures
}

// definedColumns are columns of an answer as they are defined to readers; what has no text tells by its name.
func definedColumns(columns []answer.Column) (figures []figure) {
	for _, c := range columns {
		if c.Text != "" {
			figures = append(figures, figure{Name: c.Name, Formula: c.Text, Null: cmp.Or(c.Null, "never")})
		}
	}
	return figures
}

// figuresName is the member that holds a report's figures.
func figuresName(r *report.Report) string { return strings.ReplaceAll(r.Name, "-", "_") }

// readDefinitions reads what definitions.json says, and adds what follows from the code: the figures and the names of
// reports.
func readDefinitions() (definitions, error) {
	var r definitions
	if err := json.Unmarshal(definitionsJSON, &r); err != nil {
		return r, fmt.Errorf("read definitions.json: %w", err)
	}
	n, m := &r.Numbers, &r.Money
	r.Keys, m.SavingsKeys = rollup.ChannelKeys.Meanings(), map[string]string{}
	for name, meaning := range savings.Keys.Meanings() {
		if _, general := r.Keys[name]; !general {
			m.SavingsKeys[name] = meaning
		}
	}
	m.Savings = definedFigures(savings.Figures())
	m.Forecast, m.FromHistory = definedColumns(forecast.SavingsColumns), definedColumns(forecast.HistoryColumns())
	m.BreakEven = definedColumns(forecast.BreakEvenColumns)
	n.Fields, n.Audience = definedColumns(numbers.Columns), definedColumns(numbers.AudienceColumns)
	n.BestChannel = definedColumns(numbers.BestChannelColumns)
	n.Classes, n.Defaults = schema.Classes, rules.Default
	m.GroupBy, m.reports = map[string][]string{"savings": savings.Keys.Names()}, reportFigures{}
	n.GroupBy, n.reports = map[string][]string{}, reportFigures{}
	r.Curves = curveDefinitions{map[string][]string{}, reportFigures{}}
	for _, of := range append(report.All(), report.Compare) {
		name := figuresName(of)
		groupBy, figures := m.GroupBy, m.reports
		switch of.Section {
		case rollup.Metrics:
			for i := range of.Figures {
				r.Metrics = append(r.Metrics, definedMetric(&of.Figures[i]))
			}
			continue
		case rollup.Numbers:
			groupBy, figures = n.GroupBy, n.reports
		case rollup.Curves:
			groupBy, figures = r.Curves.GroupBy, r.Curves.reports
		}
		groupBy[name], figures[name] = of.Keys.Names(), definedFigures(of.Figures)
	}
	return r, nil
}

// definitionsAnswer is what GET /v1/definitions answers.
type definitionsAnswer struct {
	definitions
	GroupBy []string           `json:"group_by"`
	Routes  []store.Capability `json:"routes"`
}

// definitions serves GET /v1/definitions: every figure's formula, and what each route can report.
func (s *Server) definitions(c *gin.Context) error {
	if err := answer.NoParams(c); err != nil {
		return err
	}
	reply := definitionsAnswer{GroupBy: rollup.ChannelKeys.Names()}
	var err error
	if reply.definitions, err = readDefinitions(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.db.QueryTime)
	defer cancel()
	if reply.Routes, err = s.db.CapabilityLines(ctx); err != nil {
		return err
	}
	caller := answer.CallerOf(ctx)
	reply.Routes = slices.DeleteFunc(reply.Routes,
		func(r store.Capability) bool { return r.Account != "" && !caller.May(r.Account) })
	c.PureJSON(http.StatusOK, reply)
	return nil
}
