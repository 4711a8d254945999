package numbers

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/schema/rules"
)

// Routes lists what the room serves.
func (n *Numbers) Routes() []answer.Route {
	routes := slices.Concat(n.listRoutes(), n.oneRoutes())
	for _, state := range audienceStates {
		route := n.audienceRoute(state)
		if state == "uninstalled" {
			route.Try = []string{route.Path + "?app={app}"}
		}
		routes = append(routes, route)
	}
	for i := range routes {
		routes[i].For, routes[i].Whole = answer.ForCRM, true
	}
	return routes
}

// listRoutes are those about many numbers.
func (n *Numbers) listRoutes() []answer.Route {
	return []answer.Route{
		answer.Route{Method: http.MethodGet, Path: "/v1/numbers/dead", Serve: n.dead, Turn: answer.Listing,
			Try: []string{"/v1/numbers/dead"}}.
			Says(answer.TagNumbers, "Dead numbers, with the evidence", "Numbers that must not be sent to any more: by "+
				"which rule each is dead, since when, and what was wasted on it.",
				slices.Concat([]answer.Param{answer.AccountsParam(), kindParam(), answer.OfOne("rule",
					"Numbers that are dead by one of these rules.", answer.OneOf(rules.OfVerdicts...), "hard")},
					answer.ListParams(true)),
				answer.Answer{Text: "One row per number.", Columns: Columns,
					Around: append(answer.Fresh(), answer.TariffVersion())}),
		// It may wait for long, and takes its turns by itself.
		answer.Route{Method: http.MethodGet, Path: "/v1/numbers/changes", Serve: n.changes,
			Try: []string{"/v1/numbers/changes"}}.
			Says(answer.TagNumbers, "The feed of what verdicts have become", "Each change once and in order. "+
				"`next_cursor` is never null: it goes on where the page ended, now or later.", changesParams(),
				answer.Answer{Text: "The next changes, none where there are none yet.", Columns: changeColumns,
					Around: answer.Fresh()}),
		answer.Route{Method: http.MethodGet, Path: "/v1/numbers/best-channel", Serve: n.bestChannel,
			Turn: answer.Listing, Try: []string{"/v1/numbers/best-channel"}}.
			Says(answer.TagNumbers, "For each person the cheapest channel that reaches him", "", slices.Concat(
				bestChannelFilters.Params(), answer.PeriodParams(answer.LastDays), answer.ListParams(true)),
				answer.Answer{Text: "One row per person.", Columns: BestChannelColumns,
					Around: slices.Concat(answer.Period("best-channel"), answer.Fresh(),
						[]answer.Column{answer.TariffVersion()})}),
		n.bestCountsRoute(),
		n.countsRoute(),
		n.checkRoute(),
		{Method: http.MethodGet, Path: "/v1/numbers/check", Hidden: true, Serve: func(c *gin.Context) error {
			c.Header("Allow", http.MethodPost)
			return answer.NewProblem(http.StatusMethodNotAllowed, "method-not-allowed",
				`send the numbers: POST {"numbers":["+79161234567", …]}`)
		}},
	}
}

func (n *Numbers) checkRoute() answer.Route {
	route := answer.Route{Method: http.MethodPost, Path: "/v1/numbers/check", Serve: n.check, Turn: answer.NoTurn}.
		Says(answer.TagNumbers, "What is known of some numbers, before a mailing", "",
			[]answer.Param{answer.AccountParam("Needed where several accounts have numbers.")},
			answer.Answer{Text: "One row per number, in the order of the request.", Of: answer.ObjectOf(slices.Concat(
				[]answer.Column{{Name: "account"}}, answer.Fresh(), []answer.Column{{Name: "rows",
					Of: answer.ListOf(answer.ObjectOf(answer.Column{Name: "number"},
						answer.Column{Name: "error", Optional: true,
							Text: "Why it is no number; then nothing else is there"},
						answer.Column{Name: "state", Optional: true, Of: answer.OneOf(states...)},
						answer.Column{Name: "rule", Optional: true},
						answer.Column{Name: "since", Type: answer.TimeColumn, Optional: true,
							Null: "when it is unknown"},
						answer.Column{Name: "opt_outs", Optional: true, Of: answer.ListOf(optOut)}))}})...)})
	numbers := answer.ListOf(answer.AnyText())
	numbers.MaxItems = new(maxChecked)
	route.Body = &answer.Body{Of: answer.ObjectOf(answer.Column{Name: "numbers", Of: numbers}),
		Text:    "Phone numbers and e-mail addresses (email:user@example.com).",
		Example: `{"numbers":["+79161234567","email:anna@example.com"]}`}
	return route
}

// oneRoutes are those about one number.
func (n *Numbers) oneRoutes() []answer.Route {
	params := []answer.Param{answer.NumberParam(),
		answer.AccountParam("Needed where several accounts know the number.")}
	known := answer.Answer{Text: "The verdict with its evidence.", Of: oneSchema()}
	put := answer.Route{Method: http.MethodPut, Path: "/v1/numbers/:number/override", Serve: n.putOverride,
		Errors: answer.Errors{http.StatusConflict: "somebody else has set or taken back the verdict meanwhile"}}.
		Says(answer.TagNumbers, "Set the verdict on a number by hand", "It waits up to 10 s for the verdict to follow.",
			params, known, later())
	put.Body = &answer.Body{Fields: []answer.Param{
		{Name: "state", Required: true, Text: "What the number is.", Schema: answer.OneOf(overrideStates...)},
		{Name: "why", Required: true, Text: "Why the evidence is overruled, for whoever asks later.",
			Schema: &answer.Schema{Type: "string", MinLength: new(1), MaxLength: new(maxWhy)}}},
		Example: `{"state":"active","why":"the customer has called"}`}
	return []answer.Route{
		answer.Route{Method: http.MethodGet, Path: "/v1/numbers/:number", Serve: n.one, Turn: answer.Reading,
			Try: []string{"/v1/numbers/{number}"}}.
			Says(answer.TagNumbers, "What is known of one number, with the evidence", "", params, known),
		put,
		answer.Route{Method: http.MethodDelete, Path: "/v1/numbers/:number/override", Serve: n.deleteOverride,
			Turn:   answer.Overriding,
			Errors: answer.Errors{http.StatusConflict: "somebody else has set or taken back the verdict meanwhile"}}.
			Says(answer.TagNumbers, "Go by the evidence again", "Without an override nothing changes.", params, known,
				later()),
	}
}

// later is the answer to an override whose verdict is still to come.
func later() answer.Answer {
	return answer.Answer{Status: http.StatusAccepted, Of: oneSchema(),
		Text: "The override is stored, and the verdict does not show it yet; it need not be sent twice."}
}

// oneSchema is the answer about one number: Columns, the state, what was set by hand, and how fresh it is.
func oneSchema() *answer.Schema {
	override := answer.ObjectOf(answer.Column{Name: "state", Of: answer.OneOf(overrideStates...)},
		answer.Column{Name: "why"}, answer.Column{Name: "at", Type: answer.TimeColumn}, answer.Column{Name: "by"})
	columns := slices.Clone(Columns)
	columns = slices.Insert(columns, 2, answer.Column{Name: "state", Of: answer.OneOf(states...)})
	return answer.ObjectOf(slices.Concat([]answer.Column{{Name: "detail", Optional: true,
		Text: "Why the answer is not final"}}, columns, []answer.Column{{Name: "override", Of: override,
		Null: "when nothing was set by hand"}, answer.TariffVersion()}, answer.Fresh())...)
}
