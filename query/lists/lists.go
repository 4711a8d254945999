// Package lists is the room of the API about reference data: the lists that an account puts as a whole. They are its
// tariffs, its templates, its error map with the codes that no line knows, its number rules and its alert rules.
//
// Its guarantees: a list replaces the one before as a whole or nothing changes, and every fault of it is named; who
// puts by a version never overwrites another's; every version stays readable, with who put it and when.
package lists

import (
	"slices"
	"sync"

	"kaskad/query/answer"
	"kaskad/query/rollup"
	"kaskad/query/store"
)

// Lists serves the routes about reference data. It is safe for concurrent use.
type Lists struct {
	db   *store.DB
	gate *answer.Gate
	// putting lets one list be stored at a time.
	putting sync.Mutex
	// unknown are the counts of unmapped codes.
	unknown rollup.Cache[*UnmappedCounts]
}

// New makes the room.
func New(db *store.DB, gate *answer.Gate) *Lists { return &Lists{db: db, gate: gate} }

// Routes lists what the room serves.
func (l *Lists) Routes() []answer.Route {
	return slices.Concat(
		l.kindRoutes(tariffKind(), "/v1/tariffs?account={account}"),
		l.kindRoutes(templateKind(), "/v1/templates?account={account}"),
		l.kindRoutes(errorMapKind(), "/v1/error-map"),
		[]answer.Route{answer.Get(answer.ForAnalysts, "/v1/error-map/unmapped", l.unmapped, "/v1/error-map/unmapped").
			Says(answer.TagLists, "Error codes of failures that no line of an error map knows",
				"The most frequent first.",
				slices.Concat([]answer.Param{answer.AccountsParam()}, answer.PeriodParams(answer.LastDays),
					answer.ListParams(false)), answer.Answer{Text: "A page of codes.", Columns: unmappedColumns,
					Around: append(answer.Period("unmapped"), answer.Fresh()...)})},
		l.kindRoutes(numberRulesKind(), "/v1/number-rules?account={account}"),
		l.kindRoutes(alertsKind(), "/v1/alerts?account={account}"))
}
