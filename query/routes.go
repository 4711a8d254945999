package query

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/schema/law"
)

//go:embed routes.sql
var routesSQL string

// route is a line of the table of routes. account "" is everybody, provider "*" any other provider, or none.
type route struct {
	Account  string `json:"account"`
	Channel  string `json:"channel"`
	Provider string `json:"provider"`
	Delivery bool   `json:"delivery"`
	Reads    bool   `json:"reads"`
	// Bound is exact, lower or upper, and null where no reads are reported.
	Bound        *string `json:"bound"`
	SettlingDays uint16  `json:"settling_days"`
}

// readRoutes returns all lines, and those that aliases of providers add to them.
func (s *Server) readRoutes(ctx context.Context) ([]route, error) {
	lines, err := s.routeLines(ctx)
	if err != nil {
		return nil, err
	}
	maps, err := s.errorMaps(ctx)
	if err != nil {
		return nil, err
	}
	return aliasedRoutes(lines, maps), nil
}

// aliasedRoutes adds a line for each provider that is looked up under another name (docs/definitions.md section 2):
// what that name's routes report.
func aliasedRoutes(lines []route, maps *errormap.Maps) []route {
	// A name that is replaced has no line of its own.
	all := slices.DeleteFunc(slices.Clone(lines),
		func(r route) bool { return maps.Provider(r.Account, r.Provider) != r.Provider })
	table := newRouteTable(all)
	for _, alias := range maps.Aliases("") {
		for _, r := range lines {
			if r.Provider == alias.Like {
				r.Provider = alias.Provider
				all = append(all, r)
			}
		}
	}
	for _, account := range maps.Accounts() {
		for _, alias := range maps.Aliases(account) {
			if !maps.OwnAlias(account, alias.Provider) {
				continue
			}
			for _, channel := range schema.Channels {
				line := table.find(account, channel, alias.Like)
				line.Account, line.Channel, line.Provider = account, channel, alias.Provider
				all = slices.DeleteFunc(all, func(r route) bool {
					return r.Account == account && r.Channel == channel && r.Provider == alias.Provider
				})
				all = append(all, line)
			}
		}
	}
	return all
}

// routeLines returns the lines of the table, ordered by account, channel and provider.
func (s *Server) routeLines(ctx context.Context) (all []route, err error) {
	rows, err := s.deps.Conn.Query(s.settings(ctx), routesSQL)
	if err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	defer closeRows(rows, &err)
	all = []route{}
	for rows.Next() {
		var r route
		var bound string
		if err := rows.Scan(&r.Account, &r.Channel, &r.Provider, &r.Delivery, &r.Reads, &bound,
			&r.SettlingDays); err != nil {
			return nil, fmt.Errorf("read routes: %w", err)
		}
		if bound != "none" {
			r.Bound = &bound
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// routeCode packs a line for SQL.
func routeCode(r route) uint32 {
	capability := law.Capability{Deliveries: r.Delivery, Reads: r.Reads, SettlingDays: r.SettlingDays}
	if r.Bound != nil {
		capability.Bound = *r.Bound
	}
	return capability.Code()
}

// routeLevel are lines of one precedence: whether they name an account and a provider. Each is looked up by what it
// names.
type routeLevel struct {
	name   string
	own    bool
	named  bool
	lookup string
	keyOf  func(r route) string
}

// The levels from the weakest to the strongest. A NUL byte parts the names; none of them holds one in a line of the
// table.
var routeLevels = []routeLevel{
	{"other", false, false, "r.channel", func(r route) string { return r.Channel }},
	{"own_other", true, false, `concat(r.account, '\0', r.channel)`,
		func(r route) string { return r.Account + "\x00" + r.Channel }},
	{"named", false, true, `concat(r.channel, '\0', r.provider)`,
		func(r route) string { return r.Channel + "\x00" + r.Provider }},
	{"own_named", true, true, `concat(r.account, '\0', r.channel, '\0', r.provider)`,
		func(r route) string { return r.Account + "\x00" + r.Channel + "\x00" + r.Provider }},
}

// routeSQL returns an expression of a cell r that gives its routeCode, and the expression's parameters. A level without
// lines costs nothing.
func routeSQL(lines []route) (expression string, args []any) {
	expression = "toUInt32(0)"
	for _, level := range routeLevels {
		var keys []string
		var codes []uint32
		for _, r := range lines {
			if level.own == (r.Account != "") && level.named == (r.Provider != "*") {
				keys, codes = append(keys, level.keyOf(r)), append(codes, routeCode(r))
			}
		}
		if len(keys) == 0 {
			continue
		}
		expression = fmt.Sprintf("transform(%s, {route_%s:Array(String)}, {code_%s:Array(UInt32)}, %s)", level.lookup,
			level.name, level.name, expression)
		args = append(args, clickhouse.Named("route_"+level.name, keys), clickhouse.Named("code_"+level.name, codes))
	}
	return expression, args
}
