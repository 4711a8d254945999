package door

import (
	"net/http"
	"slices"

	"kaskad/query/answer"
	"kaskad/schema/keys"
)

// madeKey is what POST /v1/keys answers, and revokedKey what DELETE does.
type madeKey struct {
	ID  string `json:"id"`
	Key string `json:"key" jsonschema:"The key. It is shown here and nowhere else."`
}

type revokedKey struct {
	ID        string `json:"id"`
	RevokedAt string `json:"revoked_at"`
}

var keyColumns = []answer.Column{{Name: "id"}, {Name: "account", Null: "for a key of all accounts"},
	{Name: "scopes", Of: scopeList()}, {Name: "note"}, {Name: "made_at", Type: answer.TimeColumn}, {Name: "made_by"},
	{Name: "expires_at", Type: answer.TimeColumn, Null: "when it does not"},
	{Name: "revoked_at", Type: answer.TimeColumn, Null: "while it holds"},
	{Name: "last_used_at", Type: answer.TimeColumn, Text: "To a minute", Null: "before it was used"}}

var auditColumns = []answer.Column{{Name: "at", Type: answer.TimeColumn},
	{Name: "account", Text: "Whose data were read, empty for those of all"}, {Name: "key_id"}, {Name: "by"},
	{Name: "method"}, {Name: "route"}, {Name: "about"}, {Name: "address", Text: "The network that it came from"}}

func scopeList() *answer.Schema { return answer.ListOf(answer.OneOf(keys.Names[:]...)) }

// Routes lists what the room serves.
func (d *Door) Routes() []answer.Route {
	session := sessionSaid()
	routes := append(d.keyRoutes(),
		answer.Route{Method: http.MethodGet, Path: "/v1/session", Serve: d.session, For: answer.Signed}.
			Says(answer.TagAccess, "What this session, or key, may do", "With auth off it says so.", nil, session))
	if d.config.Keys {
		routes = append(routes, d.sessionRoutes(session)...)
	}
	return routes
}

func (d *Door) keyRoutes() []answer.Route {
	note := &answer.Schema{Type: "string", MaxLength: new(maxNote)}
	create := answer.Route{Method: http.MethodPost, Path: "/v1/keys", Serve: d.createKey, For: answer.ForAdmins}.
		Says(answer.TagAccess, "Make a key", "A key is of one account, or with scope admin of all.", nil,
			answer.Answer{Status: http.StatusCreated, Text: "The key is made.", Of: answer.Typed[madeKey]()})
	create.Body = &answer.Body{Of: answer.ObjectOf(
		answer.Column{Name: "account", Optional: true, Null: "for a key of all accounts"},
		answer.Column{Name: "scopes", Of: scopeList()},
		answer.Column{Name: "note", Of: note, Optional: true},
		answer.Column{Name: "expires_at", Type: answer.TimeColumn, Optional: true, Null: "for never"}),
		Example: `{"account":"shop","scopes":["analyst"],"note":"notebook","expires_at":"2099-01-01T00:00:00Z"}`}
	return []answer.Route{create,
		answer.Route{Method: http.MethodGet, Path: "/v1/keys", Serve: d.listKeys, For: answer.ForAdmins,
			Turn: answer.Looking, Try: []string{"/v1/keys"}}.
			Says(answer.TagAccess, "The keys", "", append([]answer.Param{answer.AccountParam("Keys of this account.")},
				answer.ListParams(false)...), answer.Answer{Text: "A page of keys.", Columns: keyColumns}),
		answer.Route{Method: http.MethodDelete, Path: "/v1/keys/:id", Serve: d.revokeKey, For: answer.ForAdmins,
			Turn: answer.Looking, Errors: answer.Errors{http.StatusNotFound: "there is no key with this id",
				http.StatusConflict: "it is the last admin key of all accounts"}}.
			Says(answer.TagAccess, "Revoke a key", "It and its sessions end within 5 seconds. Again, nothing changes.",
				[]answer.Param{answer.PathParam("id", "The id of the key.", nil)},
				answer.Answer{Text: "The key is revoked.", Of: answer.Typed[revokedKey]()}),
		answer.Route{Method: http.MethodGet, Path: "/v1/audit", Serve: d.readAudit, For: answer.ForAdmins,
			Turn: answer.Looking, Try: []string{"/v1/audit"}}.
			Says(answer.TagAccess, "Who has read whole recipients, and changed keys", "Newest first.",
				slices.Concat([]answer.Param{answer.AccountParam("Lines about this account.")},
					answer.PeriodParams(answer.LastDays), answer.ListParams(false)),
				answer.Answer{Text: "A page of the audit.", Columns: auditColumns}),
	}
}

func sessionSaid() answer.Answer {
	return answer.Answer{Text: "What the session, or the key, may do.", Of: answer.Typed[sessionAnswer]()}
}

func (d *Door) sessionRoutes(session answer.Answer) []answer.Route {
	cookie := answer.Param{Name: "Set-Cookie", Text: "The session, for browsers."}
	begin := answer.Route{Method: http.MethodPost, Path: "/v1/session", Serve: d.beginSession, For: answer.Open,
		Errors: answer.Errors{http.StatusUnauthorized: "the key is not known",
			http.StatusTooManyRequests: "too many wrong keys came from this address, or too " +
				"many requests with this key"}}.
		Says(answer.TagAccess, "Begin a session of a browser", "The answer sets a cookie that scripts cannot read. "+
			"Requests with it that are no GET need the header X-CSRF-Token.", nil, answer.Answer{Text: session.Text,
			Of: session.Of, Headers: []answer.Param{cookie}})
	begin.Body = &answer.Body{Fields: []answer.Param{{Name: "key", Required: true, Text: "The key."}},
		Example: `{"key":"kaskad_…"}`}
	return []answer.Route{begin,
		answer.Route{Method: http.MethodDelete, Path: "/v1/session", Serve: d.endSession, For: answer.Signed}.
			Says(answer.TagAccess, "End the session", "", nil, answer.Answer{Status: http.StatusNoContent,
				Text: "The session is over.", Headers: []answer.Param{cookie}}),
	}
}
