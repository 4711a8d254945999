// Package answer is what every part of the API answers with and reads requests by: values, and the tables that print
// them as JSON, NDJSON, CSV, workbooks and Arrow; parameters and bodies; problems (RFC 9457); cursors and their seal;
// turns and the memory of bodies. It knows no report and no table of ClickHouse.
//
// Its guarantees: no digit of a Value goes through a float; an answer is either whole or an error, or its connection is
// cut; a cursor opens for the very request that it was made for, and tells nobody what is in it.
//
// # How a room plugs in
//
// A room is a package below query that serves some routes: query/report, query/savings, query/prices, query/numbers,
// query/forecast. It has a small struct over what it needs, and says what it serves:
//
//	type Numbers struct {
//		DB     *store.DB     // ClickHouse as it is read: settings, clock, snapshots, capabilities, error maps
//		Gate   *answer.Gate  // bodies, turns, who changes something
//		Prices *prices.Cache // price lists, where money is
//	}
//
//	func (n *Numbers) Routes() []answer.Route {
//		return []answer.Route{{Method: http.MethodGet, Path: "/v1/numbers/dead", Serve: n.dead, Turn: answer.Listing,
//			For: answer.ForCRM, Try: []string{"/v1/numbers/dead"}}}
//	}
//
// Package query makes the room in New and mounts what it serves (query/mount); the room knows nothing of package query.
// Its SQL lies in its folder sql, and its tests call it by its routes (query/querytest).
package answer
